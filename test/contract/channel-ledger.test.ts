import { beforeAll, describe, expect, it } from "vitest";
import { type News, newChannel } from "../../shared/model/channel.ts";
import type { Ledgers } from "../../shared/ports/ledger.ts";
import { ledgerStores, localDynamoDb, type Store } from "../support/ledger-stores.ts";

const news = (id: string): News => ({
  id,
  topic: "refused",
  cause: "network-mode",
  subject: "arn:aws:ecs:us-east-1:123456789012:service/shop/cart",
  atMs: 1,
  story: {
    icon: ":no_entry:",
    headline: "h",
    lines: ["ours", { lead: "l", quote: "q", tail: "t" }],
    context: ["c"],
  },
  further: 0,
});

const key = { pk: "CHANNEL", sk: "STATE" };

describe.each(ledgerStores(localDynamoDb()))("the ledger %s", (_name, open) => {
  let store: Store;
  let ledger: Ledgers;
  beforeAll(() => {
    store = open();
    ledger = store.ledger;
  });

  it("has a channel in which nothing was announced at first, and then the result of each change", async () => {
    expect(await ledger.getChannel()).toEqual(newChannel);
    const { stored } = await ledger.changeChannel((channel) => ({ next: { ...channel, pending: [news("e-1")] } }));
    expect(stored).toEqual({ ...newChannel, version: 1, pending: [news("e-1")] });
    expect(await ledger.getChannel()).toEqual(stored);
  });

  it("keeps news that comes at the same time", async () => {
    const ids = ["e-2", "e-3", "e-4", "e-5"];
    await Promise.all(
      ids.map((id) =>
        ledger.changeChannel((channel) => ({ next: { ...channel, pending: [...channel.pending, news(id)] } })),
      ),
    );
    expect((await ledger.getChannel()).pending.map(({ id }) => id).toSorted()).toEqual(["e-1", ...ids]);
  });

  it("keeps members of the channel that a later version has written", async () => {
    const { version } = await ledger.getChannel();
    await store.putRaw({ ...key, ...newChannel, version, later: { of: "another version" } });
    await ledger.changeChannel((channel) => ({ next: { ...channel, announced: ["e-6"] } }));
    expect(await store.getRaw(key)).toMatchObject({ announced: ["e-6"], later: { of: "another version" } });
  });

  it("replaces a channel of another shape: what comes next is still announced", async () => {
    await store.putRaw({ ...key, shape: 9, version: 4 });
    expect(await ledger.getChannel()).toEqual(newChannel);
    await ledger.changeChannel((channel) => ({ next: { ...channel, announced: ["e-7"] } }));
    expect((await ledger.getChannel()).announced).toEqual(["e-7"]);
  });
});
