import { type Faults, inProcessFetch, type Slack, type VirtualClock } from "@ztunnel-autopilot/simulator";
import { beforeEach, describe, expect, it } from "vitest";
import { memoryLedger } from "../../../../lab/ledger/ledger-memory.ts";
import { outgoing, readOutgoing } from "../../../../shared/events/outgoing.ts";
import { type SlackCredentials, slackGateway } from "../../../../shared/gateways/slack/slack.ts";
import type { Rollout } from "../../../../shared/model/rollout.ts";
import type { Ledgers } from "../../../../shared/ports/ledger.ts";
import type { BusEvent } from "../../../../shared/ports/ports.ts";
import { isRolloutEvent, type RolloutEvent } from "../../../../shared/slack/rollout-stories.ts";
import { reportRollout } from "../../../../shared/use-cases/rollout/report.ts";
import type { ReportCalls } from "../../../../shared/use-cases/rollout/report-calls.ts";
import { reportOpenRollouts } from "../../../../shared/use-cases/rollout/report-schedule.ts";
import { reportDetail } from "../../../../shared/use-cases/rollout/report-thread.ts";
import { rollout, rolloutService, wave } from "../../../support/rollouts.ts";
import { config } from "../../../support/services.ts";
import { simulatedSlack } from "../../../support/simulated-clients.ts";

const NOW_MS = Date.parse("2026-03-01T12:00:00Z");
const MINUTE_MS = 60_000;
const ID = "upgrade-1";
const bot = { token: "xoxb-lab" };
const webhook = { webhookUrl: "http://lab/slack/webhook/secret" };
const started: Partial<Rollout> = {
  startedAt: "2026-03-01T12:00:00Z",
  serviceCount: 3,
  waves: [wave("canary", 0, 2, "rolling")],
};

let clock: VirtualClock;
let faults: Faults;
let slack: Slack;
let ledger: Ledgers;
let counted: string[];
let logged: string[];
/** Runs before a request reaches Slack: what others do meanwhile. */
let meanwhile: () => Promise<unknown>;

beforeEach(async () => {
  const given = { token: bot.token, channel: "#ops", webhookSecret: "secret" };
  ({ clock, faults, slack } = simulatedSlack(NOW_MS, given));
  ledger = memoryLedger();
  counted = [];
  logged = [];
  meanwhile = async () => undefined;
  await begin(started);
});

async function begin(given: Partial<Rollout>, id = ID): Promise<void> {
  await ledger.createRollout(rollout({ id, ...given }));
  await ledger.changeFleet((fleet) => ({ next: { ...fleet, currentRolloutId: id } }));
  await ledger.putRolloutServices([0, 1, 2].map((ordinal) => rolloutService(ordinal, { rolloutId: id })));
}

function calls(credentials: SlackCredentials = bot): ReportCalls {
  const gateway = slackGateway({
    credentials,
    channel: "#ops",
    slackApiUrl: "http://lab/slack/api/",
    fetch: inProcessFetch(async (request) => {
      const during = meanwhile;
      meanwhile = async () => undefined;
      await during();
      return slack.handle(request);
    }),
  });
  return {
    config: config(),
    stage: "prod",
    ledger,
    slack: async () => gateway,
    now: () => clock.now(),
    pause: (ms) => clock.sleep(ms),
    log: { info: () => undefined, error: () => undefined, warn: (message) => void logged.push(message) },
    measure: { count: (metric, dimensions = {}) => void counted.push(`${metric} ${Object.values(dimensions).join()}`) },
  };
}

const report = (with_ = calls()) => clock.run(reportRollout(ID, with_));
const change = (given: Partial<Rollout>) => ledger.changeRollout(ID, (current) => ({ next: { ...current, ...given } }));
const succeed = (ordinal: number) => ledger.patchRolloutService(ID, ordinal, {}, { status: "succeeded" });
const slackState = async () => (await ledger.getRollout(ID))?.slack;
const texts = () => slack.threads().map(({ text }) => text);

function asRolloutEvent(event: BusEvent): RolloutEvent {
  const read = readOutgoing({ source: "ztunnel-autopilot", "detail-type": event.detailType, detail: event.detail });
  if (!isRolloutEvent(read)) throw new TypeError("no event of a rollout");
  return read;
}
const counts = { services: 3, succeeded: 3, failed: 0, skipped: 0 };
const waveDone = asRolloutEvent(
  outgoing("Rollout Wave Completed", {
    rolloutId: ID,
    kind: "upgrade",
    wave: "canary",
    number: 1,
    waves: 1,
    ...counts,
  }),
);
const paused = asRolloutEvent(
  outgoing("Rollout Paused", { rolloutId: ID, kind: "upgrade", hold: "operator", detail: "Paused by alice." }),
);

describe("a rollout's message", () => {
  it("is posted once, and updated in place as the rollout goes on", async () => {
    expect(await report()).toBe("posted");
    await succeed(0);
    expect(await report()).toBe("updated");
    await change({ status: "completed", finishedAt: "2026-03-01T12:30:00Z" });
    for (const ordinal of [1, 2]) await succeed(ordinal);
    expect(await report()).toBe("updated");
    expect(slack.threads()).toMatchObject([
      { updatedTimes: 2, text: expect.stringContaining("ztunnel upgrade is done") },
    ]);
    expect(await slackState()).toMatchObject({
      channel: expect.stringMatching(/^C/),
      ts: slack.threads()[0]?.ts,
      shown: expect.stringMatching(/^completed:/),
    });
    expect(await slackState()).not.toHaveProperty("claimedUntilMs");
  });

  it("is left alone while it says the same", async () => {
    await report();
    expect(await report()).toBe("unchanged");
    await change({ status: "completed", finishedAt: "2026-03-01T12:30:00Z" });
    await report();
    const { version } = (await ledger.getRollout(ID)) ?? {};
    expect(await report()).toBe("unchanged");
    expect((await ledger.getRollout(ID))?.version).toBe(version);
    expect(slack.threads()).toMatchObject([{ updatedTimes: 1 }]);
  });

  it("is posted by one of two that come at once", async () => {
    const both = await clock.run(Promise.all([reportRollout(ID, calls()), reportRollout(ID, calls())]));
    expect(both.toSorted()).toEqual(["claimed", "posted"]);
    expect(slack.messages()).toHaveLength(1);
  });

  it("is posted by the next run when the one that claimed it has died", async () => {
    await change({ slack: { claimedUntilMs: NOW_MS + 30_000 } });
    expect(await report()).toBe("claimed");
    await clock.advance(30_000);
    expect(await report()).toBe("posted");
  });

  it("shows an end that came while it was written", async () => {
    await report();
    await succeed(0);
    meanwhile = async () => {
      await change({ status: "aborted", finishedAt: "2026-03-01T12:00:00Z" });
      expect(await reportRollout(ID, calls())).toBe("claimed");
    };
    expect(await report()).toBe("updated");
    expect(texts()).toEqual([expect.stringContaining("was aborted")]);
  });

  it("is posted again, once, when somebody has deleted it", async () => {
    await report();
    slack.deleteMessage(slack.messages()[0]?.ts ?? "");
    await clock.advance(MINUTE_MS);
    await succeed(0);
    expect(await report()).toBe("posted");
    expect(await report()).toBe("unchanged");
    expect(texts()).toHaveLength(1);
    expect((await slackState())?.ts).toBe(slack.messages()[0]?.ts);
  });

  it("waits as long as Slack asks for in a burst", async () => {
    await begin(started, "upgrade-2");
    await report();
    expect(await clock.run(reportRollout("upgrade-2", calls()))).toBe("posted");
    expect(slack.messages()).toHaveLength(2);
  });

  it("does not fail anything while Slack is down, and is posted by a later run", async () => {
    faults.replace([{ kind: "slack-down" }]);
    expect(await report()).toBe("unavailable");
    expect(counted).toEqual(["Failures slack-unavailable"]);
    expect(logged).toHaveLength(1);
    expect(JSON.stringify([logged, await slackState()])).not.toContain(bot.token);
    faults.replace([]);
    expect(await report()).toBe("posted");
  });

  it.each([
    ["waits", { status: "waiting" }],
    ["was refused", { status: "refused", finishedAt: "2026-03-01T12:00:00Z" }],
    ["found nothing to do", { status: "completed", startedAt: "2026-03-01T12:00:00Z", serviceCount: 0 }],
  ] as const)("is not posted for one that %s", async (_what, given) => {
    await begin(given, "upgrade-3");
    expect(await clock.run(reportRollout("upgrade-3", calls()))).toBe("none");
    expect(await clock.run(reportRollout("upgrade-4", calls()))).toBe("none");
    expect(slack.messages()).toEqual([]);
  });

  it("by a webhook is posted at the start and at the end only", async () => {
    expect(await report(calls(webhook))).toBe("posted");
    await clock.advance(MINUTE_MS);
    await succeed(0);
    expect(await report(calls(webhook))).toBe("unchanged");
    expect(await clock.run(reportDetail(waveDone, "e1", calls(webhook)))).toBe(false);
    await change({ status: "completed", finishedAt: "2026-03-01T12:30:00Z" });
    expect(await report(calls(webhook))).toBe("posted");
    expect(await report(calls(webhook))).toBe("unchanged");
    expect(texts()).toEqual([expect.stringContaining("is in progress"), expect.stringContaining("is done")]);
  });
});

describe("a rollout's thread", () => {
  const detail = (event: RolloutEvent, id: string) => clock.run(reportDetail(event, id, calls()));

  it("has each event once, also one that a step emitted again", async () => {
    await report();
    expect(await detail(waveDone, "e1")).toBe(true);
    expect(await detail(waveDone, "e1")).toBe(false);
    expect(await detail(waveDone, "e2")).toBe(false);
    expect(slack.threads()).toMatchObject([
      { replies: [{ text: expect.stringContaining("Wave 1 of 1 is done: canary") }] },
    ]);
  });

  it("has every hold, also when a later one says the same", async () => {
    await report();
    expect(await detail(paused, "e1")).toBe(true);
    expect(await detail(paused, "e1")).toBe(false);
    expect(await detail(paused, "e2")).toBe(true);
  });

  it("has nothing while there is no message", async () => {
    expect(await detail(waveDone, "e1")).toBe(false);
    await report();
    expect(await detail(waveDone, "e1")).toBe(true);
  });

  it("does not fail anything while Slack is down", async () => {
    await report();
    faults.replace([{ kind: "slack-down" }]);
    expect(await detail(waveDone, "e1")).toBe(false);
    expect(counted).toEqual(["Failures slack-unavailable"]);
  });
});

describe("on a schedule", () => {
  const tick = () => clock.run(reportOpenRollouts(calls()));

  it("the rollout under way is brought up to date", async () => {
    expect(await tick()).toEqual({ [ID]: "posted" });
    await succeed(0);
    expect(await tick()).toEqual({ [ID]: "updated" });
  });

  it("one that ended while Slack was down is reported within a quarter of an hour", async () => {
    await report();
    await change({ status: "completed", finishedAt: "2026-03-01T12:01:00Z" });
    await ledger.changeFleet(({ currentRolloutId: _, ...fleet }) => ({ next: fleet }));
    for (let minute = 0; minute < 15; minute += 1) {
      await clock.advance(MINUTE_MS);
      await tick();
    }
    expect(texts()).toEqual([expect.stringContaining("is done")]);
  });

  it("those that ended long ago are left alone", async () => {
    await change({ status: "completed", finishedAt: "2026-03-01T12:00:00Z" });
    await ledger.changeFleet(({ currentRolloutId: _, ...fleet }) => ({ next: fleet }));
    await clock.advance(75 * MINUTE_MS);
    expect(await tick()).toEqual({});
    expect(slack.messages()).toEqual([]);
  });

  it("a large rollout is read less often", async () => {
    await change({ serviceCount: 10_000 });
    const ticks = [];
    for (let minute = 0; minute < 10; minute += 1) {
      ticks.push(Object.keys(await tick()).length);
      await clock.advance(MINUTE_MS);
    }
    expect(ticks).toEqual([1, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
  });
});
