import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Channel, channelSchema, type News, newChannel } from "../../../shared/model/channel.ts";
import { groupMessage, keptStory } from "../../../shared/slack/group-message.ts";
import { afterAct, type ChannelAct, groupAfter, nextAct, withNews } from "../../../shared/slack/grouping.ts";
import { rulesOf } from "../../../shared/slack/topics.ts";

const MINUTE_MS = 60_000;

function news(id: string, members: Partial<News> = {}): News {
  const name = members.subject ?? `svc-${id}`;
  return {
    id,
    topic: "refused",
    cause: "network-mode",
    atMs: 0,
    story: { icon: ":x:", headline: name, lines: ["a line"], context: [] },
    further: 0,
    ...members,
    subject: `arn:aws:ecs:us-east-1:123456789012:service/shop/${name}`,
  };
}

/** A channel, and what was written to Slack: a new message, or one that was joined, with its news. */
class Written {
  channel: Channel = newChannel;
  readonly acts: { readonly act: ChannelAct; readonly atMs: number; readonly text: string }[] = [];
  readonly #updates: boolean;

  constructor({ updates }: { readonly updates: boolean }) {
    this.#updates = updates;
  }

  add(one: News): void {
    this.channel = withNews(this.channel, one) ?? this.channel;
  }

  /** Does what is due, as a run that has claimed the channel. */
  run(nowMs: number): void {
    for (let act = this.#next(nowMs); act; act = this.#next(nowMs)) {
      const group = groupAfter(act, nowMs);
      const place = { channel: "C1", ts: `${this.acts.length}` };
      const kept = act.act === "join" ? act.group.place : place;
      const { text } = groupMessage(group, { stage: "prod", threads: this.#updates });
      this.acts.push({ act, atMs: nowMs, text });
      const after = afterAct(this.channel, { act, group, place: this.#updates ? kept : undefined }, nowMs);
      this.channel = channelSchema.parse(JSON.parse(JSON.stringify(after)));
    }
  }

  #next(nowMs: number): ChannelAct | undefined {
    return nextAct(this.channel, this.#updates, nowMs);
  }

  kinds(): readonly string[] {
    return this.acts.map(({ act }) => `${act.act} ${act.news.map(({ id }) => id).join()}`);
  }
}

describe("more news than the ledger keeps while Slack does not answer", () => {
  const flood = Array.from({ length: 120 }, (_, index) => news(`r${index}`));

  it("is counted, and loses no news of another topic that comes later", () => {
    const written = new Written({ updates: true });
    for (const one of flood) written.add(one);
    written.add(news("stuck", { topic: "stuck", cause: "no-way-back" }));
    written.run(MINUTE_MS);
    const announced = written.acts.flatMap(({ act }) => act.news);
    expect(announced.map(({ id }) => id)).toContain("stuck");
    const refused = announced.filter(({ topic }) => topic === "refused");
    expect(refused.reduce((sum, { further }) => sum + 1 + further, 0)).toBe(flood.length);
  });
});

describe("news of one topic", () => {
  it("is announced at once, and what follows within a minute joins it", () => {
    const written = new Written({ updates: true });
    for (const [id, atMs] of [
      ["a", 0],
      ["b", 1000],
      ["c", 59_000],
      ["d", 60_000],
    ] as const) {
      written.add(news(id, { atMs }));
      written.run(atMs);
    }
    expect(written.kinds()).toEqual(["post a", "join b", "join c", "post d"]);
    expect(written.acts[2]?.text).toContain("3 services can't join the mesh");
  });

  it("joins the message of its time, however late it is announced", () => {
    const written = new Written({ updates: true });
    written.add(news("a"));
    written.run(0);
    written.add(news("b", { atMs: 10_000 }));
    written.run(10 * MINUTE_MS);
    expect(written.kinds()).toEqual(["post a", "join b"]);
  });

  it("waits for the minute's end where messages can't be updated", () => {
    const written = new Written({ updates: false });
    for (let second = 0; second < 60; second += 1) {
      written.add(news(`${second}`, { atMs: second * 1000 }));
      written.run(second * 1000);
    }
    written.run(MINUTE_MS);
    expect(written.acts.map(({ act }) => act.news.length)).toEqual([1, 59]);
    expect(written.acts[1]?.text).toContain("59 services can't join the mesh");
  });

  it("is announced once, even if its event comes again", () => {
    const written = new Written({ updates: true });
    written.add(news("a"));
    written.add(news("a"));
    written.run(0);
    expect(withNews(written.channel, news("a", { atMs: 9 * MINUTE_MS }))).toBeUndefined();
    expect(written.kinds()).toEqual(["post a"]);
  });

  it("of one service counts it once, and shows what is so now", () => {
    const written = new Written({ updates: true });
    for (let minute = 0; minute < 20; minute += 1) {
      const story = { icon: ":x:", headline: `no ${minute}`, lines: [], context: [] };
      written.add(news(`${minute}`, { subject: "cart", atMs: minute * MINUTE_MS, story }));
      written.run(minute * MINUTE_MS);
    }
    expect(written.acts.filter(({ act }) => act.act === "post")).toHaveLength(1);
    expect(written.acts.at(-1)?.text).toContain("no 19");
  });

  it("of a cause that lasts is one message, which is announced again after six hours", () => {
    const written = new Written({ updates: true });
    const down = { topic: "reverted", cause: "control-plane-unreachable" };
    for (let minute = 0; minute < 7 * 60; minute += 5) {
      written.add(news(`${minute}`, { ...down, atMs: minute * MINUTE_MS }));
      written.run(minute * MINUTE_MS);
    }
    const posted = written.acts.filter(({ act }) => act.act === "post");
    expect(posted.map(({ atMs }) => atMs / MINUTE_MS)).toEqual([0, 6 * 60]);
    expect(written.acts.at(-2)?.text).toMatch(/\d+ rolls failed and were reverted/);
  });

  it("that needs somebody waits for nothing, and is one message a cause", () => {
    const written = new Written({ updates: true });
    for (const [index, cause] of ["tasks-stopping", "access-denied", "tasks-stopping"].entries()) {
      written.add(news(`${index}`, { topic: "stuck", cause, atMs: index * 1000 }));
      written.run(index * 1000);
    }
    expect(written.kinds()).toEqual(["post 0", "post 1", "join 2"]);
  });

  it("of a rollout is not announced together with news outside of it", () => {
    const written = new Written({ updates: true });
    written.add(news("a", { topic: "reverted", rolloutId: "upgrade-1" }));
    written.add(news("b", { topic: "reverted" }));
    written.run(0);
    expect(written.kinds()).toEqual(["post a", "post b"]);
  });
});

const topicNames = ["refused", "warned", "reverted", "stuck", "enrolled", "dying"];
const someNews = fc.record({
  topic: fc.constantFrom(...topicNames),
  cause: fc.constantFrom("network-mode", "tasks-stopping", "control-plane-unreachable"),
  subject: fc.integer({ min: 0, max: 300 }).map((index) => `svc-${index}`),
  waitMs: fc.constantFrom(0, 0, 0, 50, 5000, 70_000),
  line: fc.string({ unit: "binary", maxLength: 2000 }),
  runs: fc.boolean(),
});

describe("after any news", () => {
  it("the channel's item stays below DynamoDB's 400 KB, all news is announced, and messages come a minute apart", () => {
    fc.assert(
      fc.property(fc.array(someNews, { maxLength: 400, size: "max" }), fc.boolean(), (all, updates) => {
        const written = new Written({ updates });
        let nowMs = 0;
        for (const [index, { topic, cause, subject, waitMs, line, runs }] of all.entries()) {
          nowMs += waitMs;
          const story = keptStory({ icon: ":x:", headline: subject, lines: [line, line], context: [] });
          const { lines, ...rest } = story;
          const kept = { ...rest, lines: lines.map(String), context: [] };
          written.add(news(`e-${index}`, { topic, cause, subject, atMs: nowMs, story: kept }));
          expect(Buffer.byteLength(JSON.stringify(written.channel))).toBeLessThan(390_000);
          if (runs) written.run(nowMs);
        }
        for (let minute = 0; minute < 30; minute += 1) {
          nowMs += MINUTE_MS;
          written.run(nowMs);
        }
        expect(written.channel.pending).toEqual([]);
        for (const topic of topicNames.filter((one) => rulesOf(one).urgent !== true)) {
          const posted = written.acts.filter(({ act }) => act.act === "post" && act.news[0]?.topic === topic);
          for (const [index, { atMs }] of posted.entries()) {
            const before = posted[index - 1];
            if (before) expect(atMs - before.atMs).toBeGreaterThanOrEqual(MINUTE_MS);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it("news for which there is no room is counted", () => {
    const written = new Written({ updates: true });
    for (let index = 0; index < 500; index += 1) written.add(news(`e-${index}`));
    written.run(0);
    written.run(MINUTE_MS);
    expect(written.acts.at(-1)?.text).toContain("500 services can't join the mesh");
  });
});
