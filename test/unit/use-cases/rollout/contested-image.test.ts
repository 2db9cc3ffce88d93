import { describe, expect, it } from "vitest";
import { requestPending } from "../../../../shared/use-cases/rollout/pending.ts";
import { fleetTestbed, rolloutTestbed } from "../../../support/testbeds/rollout.ts";

const MINUTE_MS = 60_000;
const ALLOWED = "registry.example.com/ztunnel:1.28.1";
const REFUSED = "elsewhere.example.com/ztunnel:1";

describe("the image of two writers of whom one names an image that is refused", () => {
  it("is contested while they write in turns, and no longer once they rest on the refused one", async () => {
    const { ztunnel } = rolloutTestbed().config;
    const testbed = await fleetTestbed({ config: { ztunnel: { ...ztunnel, imageParameter: "/image" } } });
    const contest = async () => (await testbed.ledger.getFleet()).sightings?.image?.contestedSince;
    const write = async (image: string) => {
      testbed.parameters.values.set("/image", image);
      testbed.clock.nowMs += MINUTE_MS;
      await requestPending(testbed);
    };
    for (const image of [ALLOWED, REFUSED, ALLOWED, REFUSED, ALLOWED, REFUSED]) await write(image);
    expect(await contest()).toBeDefined();
    testbed.clock.nowMs += 120 * MINUTE_MS;
    expect(await requestPending(testbed)).toEqual([]);
    expect(await contest()).toBeUndefined();
    const { version } = await testbed.ledger.getFleet();
    expect(await requestPending(testbed)).toEqual([]);
    expect((await testbed.ledger.getFleet()).version).toBe(version);
  });
});
