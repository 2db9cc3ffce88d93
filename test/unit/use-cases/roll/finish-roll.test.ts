import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AutopilotError } from "../../../../shared/base/errors.ts";
import { isJsonObject } from "../../../../shared/base/json.ts";
import { readOutgoing } from "../../../../shared/events/outgoing.ts";
import { finishRoll } from "../../../../shared/use-cases/roll/finish-roll.ts";
import type { FinishInput, Plan, Watch } from "../../../../shared/use-cases/roll/steps.ts";
import { Crash, crashing, failCalls } from "../../../support/altered-calls.ts";
import { NAME, OBSERVED, web } from "../../../support/arns.ts";
import { finishInputOf, finishPlan, planOf, watchOf } from "../../../support/endings.ts";
import { rollout, rolloutService } from "../../../support/rollouts.ts";
import { type RollTestbed, rollTestbed } from "../../../support/testbeds/roll.ts";
import { applied, enroll, planned } from "../../../support/testbeds/rolls.ts";
import { NOW } from "../../../support/times.ts";

const MINUTE = 60_000;
const SITUATION = "s".repeat(64);
const failed = { verdict: "failed", code: "tasks-stopping", detail: "3 tasks failed in a row." } as const;

function inputOf(changes: Partial<FinishInput> & { readonly plan: Plan | null }): FinishInput {
  return {
    serviceArn: web.serviceArn,
    executionName: NAME,
    attemptKey: SITUATION,
    rollout: null,
    watch: null,
    outcome: "failed",
    failure: null,
    firstFailure: null,
    cause: null,
    ...changes,
  };
}

async function enrolling() {
  const testbed = rollTestbed();
  const { plan, watch } = await applied(testbed);
  testbed.ecs.complete();
  return { testbed, plan, watch };
}

const stateOf = async (testbed: RollTestbed) => (await testbed.ledger.getService(web.serviceArn)) ?? {};

describe("a roll that succeeded", () => {
  it("is enrolled, its revision and its secret version are the good ones, and the lease is free", async () => {
    const { testbed, plan, watch } = await enrolling();
    const before = await testbed.ledger.patchService(web.serviceArn, {
      failedAttemptKey: SITUATION,
      consecutiveFailures: 2,
    });
    const done = await finishRoll(web, inputOf({ plan, watch, outcome: "succeeded" }), testbed);
    expect(done).toEqual({ outcome: "succeeded", reason: "enroll", durationSeconds: 0 });
    const state = await stateOf(testbed);
    expect(state).not.toHaveProperty("roll");
    expect(state).not.toHaveProperty("failedAttemptKey");
    expect(state).toMatchObject({
      enrolled: true,
      attemptNumber: before.attemptNumber + 1,
      consecutiveFailures: 0,
      lastGoodRevisionArn: watch.targetRevisionArn,
      secretsInUse: [watch.secretInUse],
      lastOutcome: { outcome: "succeeded", reason: "enroll", executionName: NAME, at: new Date(NOW).toISOString() },
    });
  });

  it("notifies once, with what the service runs and without its token", async () => {
    const { testbed, plan, watch } = await enrolling();
    await finishRoll(web, inputOf({ plan, watch, outcome: "succeeded" }), testbed);
    expect(testbed.bus.types()).toEqual(["Service Enrolled"]);
    const [emitted] = testbed.bus.events;
    const event = { source: "ztunnel-autopilot", "detail-type": emitted?.detailType, detail: emitted?.detail };
    expect(readOutgoing(event).detail).toMatchObject({
      serviceArn: web.serviceArn,
      taskDefinitionArn: watch.targetRevisionArn,
      previousTaskDefinitionArn: OBSERVED,
      namespace: "shop",
      image: testbed.config.ztunnel.image,
    });
    const [secret] = [...testbed.secrets.secrets.values()];
    const [version] = [...(secret?.versions.values() ?? [])];
    expect(version?.value.length).toBeGreaterThan(100);
    expect(JSON.stringify(testbed.bus.events)).not.toContain(version?.value);
  });

  it.each([
    [["sidecar-missing", "dependency"], "Drift Corrected"],
    [["image"], "Service Updated"],
  ])("of an update for %s is notified as %s", async (drift, type) => {
    const { testbed, plan, watch } = await enrolling();
    const update = { ...plan, change: "update", drift } as const;
    await finishRoll(web, inputOf({ plan: update, watch, outcome: "succeeded" }), testbed);
    expect(testbed.bus.types()).toEqual([type]);
  });

  it("of an update says whether a recheck was requested meanwhile, also when it is finished again", async () => {
    const { testbed, plan, watch } = await enrolling();
    const input = inputOf({ plan: { ...plan, change: "update", drift: ["image"] }, watch, outcome: "succeeded" });
    await testbed.ledger.patchService(web.serviceArn, { recheckRequested: true });
    await finishRoll(web, input, testbed);
    await finishRoll(web, input, testbed);
    await testbed.ledger.patchService(web.serviceArn, { recheckRequested: null });
    await finishRoll(web, input, testbed);
    expect(testbed.bus.events.map(({ detail }) => detail.recheckRequested)).toEqual([true, true, undefined]);
  });

  it("keeps the secret version of the revision before, and none that a failed roll has recorded since", async () => {
    const { testbed, plan, watch } = await enrolling();
    const [older = "", pinnedSecret = "", failedSince = ""] = ["older", "before", "failed"].map(
      (id) => `${watch.secretInUse?.split(":::")[0]}:::${id}`,
    );
    const secretsInUse = [older, pinnedSecret, failedSince, watch.secretInUse ?? ""];
    await testbed.ledger.patchService(web.serviceArn, { secretsInUse });
    await finishRoll(web, inputOf({ plan: { ...plan, pinnedSecret }, watch, outcome: "succeeded" }), testbed);
    expect(await stateOf(testbed)).toMatchObject({ secretsInUse: [pinnedSecret, watch.secretInUse] });
  });
});

describe("a service that left the mesh", () => {
  async function leaving() {
    const testbed = rollTestbed({ service: { tags: { "ztunnel-autopilot/enroll": "true" } } });
    await enroll(testbed);
    const { "ztunnel-autopilot/enroll": _, ...others } = testbed.ecs.of(web).tags;
    testbed.ecs.change({ tags: { ...others, team: "web" } });
    const { plan, watch } = await applied(testbed);
    testbed.ecs.complete();
    return { testbed, input: inputOf({ plan, watch, outcome: "succeeded" }) };
  }

  it("loses the tags that the autopilot had added, and no other", async () => {
    const { testbed, input } = await leaving();
    await finishRoll(web, input, testbed);
    expect(testbed.ecs.of(web).tags).toEqual({ team: "web" });
    expect(await stateOf(testbed)).toMatchObject({ enrolled: false, addedTagKeys: [], secretsInUse: [] });
    expect(testbed.bus.types()).toEqual(["Service Unenrolled"]);
  });

  it("releases the lease even when those tags cannot be removed: a log line has them, and the ledger remembers them", async () => {
    const { testbed, input } = await leaving();
    failCalls(testbed.ecs, "untagResource", "access-denied");
    await finishRoll(web, input, testbed);
    const state = await stateOf(testbed);
    expect(state).not.toHaveProperty("roll");
    expect(state).toMatchObject({
      enrolled: false,
      addedTagKeys: ["ecs.solo.io/namespace", "ecs.solo.io/service-account", "ecs.solo.io/ports"],
    });
    expect(testbed.lines).toEqual([
      expect.objectContaining({ level: "warn", extra: expect.objectContaining({ code: "access-denied" }) }),
    ]);
    expect(testbed.bus.types()).toEqual(["Service Unenrolled"]);
  });

  it("is finished later when AWS only throttles", async () => {
    const { testbed, input } = await leaving();
    failCalls(testbed.ecs, "untagResource", "throttled");
    await expect(finishRoll(web, input, testbed)).rejects.toMatchObject({ code: "throttled" });
    expect(await stateOf(testbed)).toHaveProperty("roll");
    expect(testbed.bus.events).toEqual([]);
  });
});

describe("a roll that failed", () => {
  const cause = { code: "ztunnel-unhealthy", sentence: "ztunnel did not get healthy in task a." };

  it("was reverted: its event has the cause, and the same attempt waits", async () => {
    const { testbed, plan, watch } = await enrolling();
    await finishRoll(web, inputOf({ plan, watch, outcome: "reverted", failure: failed, cause }), testbed);
    const notBefore = NOW + (testbed.config.policy.attemptDelaysMinutes[0] ?? 0) * MINUTE;
    expect(await stateOf(testbed)).toMatchObject({
      enrolled: false,
      failedAttemptKey: SITUATION,
      consecutiveFailures: 1,
      notBefore,
      lastGoodRevisionArn: plan.pinnedRevisionArn,
    });
    expect(testbed.bus.events).toEqual([
      expect.objectContaining({
        detailType: "Service Roll Failed",
        detail: expect.objectContaining({
          ...cause,
          reverted: true,
          revertedTo: OBSERVED,
          consecutiveFailures: 1,
          nextAttemptAt: new Date(notBefore).toISOString(),
        }),
      }),
    ]);
  });

  it("is not counted again when its last step is tried again after a roll that succeeded", async () => {
    const { testbed, plan, watch } = await enrolling();
    const input = inputOf({ plan, watch, outcome: "reverted", cause: { code: "ztunnel-unhealthy", sentence: "no" } });
    const bus = { putEvents: () => Promise.reject(new Error("no bus")) };
    await expect(finishRoll(web, input, { ...testbed, bus })).rejects.toThrow("no bus");
    testbed.clock.nowMs += 60_000;
    const at = new Date(testbed.now()).toISOString();
    const lastOutcome = { outcome: "succeeded", reason: "enroll", executionName: "another", at } as const;
    await testbed.ledger.patchService(web.serviceArn, { lastOutcome, consecutiveFailures: 0, failedAttemptKey: null });
    await finishRoll(web, input, testbed);
    expect(await stateOf(testbed)).toMatchObject({ lastOutcome, consecutiveFailures: 0 });
    expect(testbed.bus.types()).toEqual(["Service Roll Failed"]);
  });

  it("and could not be reverted says so in its event, and pins no revision as good", async () => {
    const { testbed, plan, watch } = await enrolling();
    await finishRoll(web, inputOf({ plan, watch, outcome: "revert-failed", failure: failed, cause }), testbed);
    expect(testbed.bus.events[0]?.detail).toMatchObject({
      reverted: false,
      code: "tasks-stopping",
      sentence: `${cause.sentence} ${failed.detail}`,
    });
    expect(await stateOf(testbed)).not.toHaveProperty("lastGoodRevisionArn");
  });

  it("before it had a plan has the code of its error in its event", async () => {
    const testbed = rollTestbed();
    await planned(testbed);
    const error = new AutopilotError("control-plane-unreachable", "main: no answer");
    const failure = {
      error: error.name,
      cause: JSON.stringify({ errorType: error.name, errorMessage: error.message }),
    };
    await finishRoll(web, inputOf({ plan: null, failure }), testbed);
    expect(testbed.bus.events[0]?.detail).toMatchObject({ code: "control-plane-unreachable", reverted: true });
    expect(await stateOf(testbed)).not.toHaveProperty("roll");
  });

  it("without ever having the lease still waits before it is tried again", async () => {
    const testbed = rollTestbed();
    await testbed.ledger.takeLease(web.serviceArn, { executionName: "another-roll", leaseUntil: NOW + 1 }, NOW);
    await finishRoll(web, inputOf({ plan: null, failure: failed }), testbed);
    expect(await stateOf(testbed)).toMatchObject({
      failedAttemptKey: SITUATION,
      consecutiveFailures: 1,
      roll: { executionName: "another-roll" },
    });
  });
});

describe("a roll that changed nothing", () => {
  it("was superseded: no failure is counted", async () => {
    const testbed = rollTestbed();
    await planned(testbed);
    const plan = { action: "finish", outcome: "superseded", reason: "already-as-desired", refusals: [] } as const;
    await finishRoll(web, inputOf({ plan: { ...plan, refusals: [] }, outcome: "superseded" }), testbed);
    expect(await stateOf(testbed)).toMatchObject({ consecutiveFailures: 0, attemptNumber: 1 });
    expect(testbed.bus.events[0]).toMatchObject({
      detailType: "Service Roll Superseded",
      detail: { reason: "already-as-desired" },
    });
  });

  it("was refused: it notifies of the refusal once and records that it has", async () => {
    const testbed = rollTestbed();
    await planned(testbed);
    const refusals = [{ reason: "identity-conflict", detail: "bound to another" }];
    const plan: Plan = { action: "finish", outcome: "refused", reason: "identity-conflict", refusals };
    await finishRoll(web, inputOf({ plan, outcome: "refused" }), testbed);
    expect(testbed.bus.events[0]).toMatchObject({ detailType: "Service Refused", detail: { refusals } });
    expect(await stateOf(testbed)).toMatchObject({ notifiedRefusals: "identity-conflict: bound to another" });
  });
});

describe("a refusal that a roll ends with", () => {
  const refusals = [{ reason: "identity-conflict", detail: "bound to another" }];
  const plan: Plan = { action: "finish", outcome: "refused", reason: "identity-conflict", refusals };
  const text = "identity-conflict: bound to another";
  const finishRefused = async (testbed: RollTestbed) => finishRoll(web, inputOf({ plan, outcome: "refused" }), testbed);

  it.each<[string, (testbed: RollTestbed) => Promise<unknown>]>([
    ["has been notified", ({ ledger }) => ledger.patchService(web.serviceArn, { notifiedRefusals: text })],
    [
      "is being notified by a reconcile",
      ({ ledger, now }) =>
        ledger.claimNotice(web.serviceArn, { member: "notifiedRefusals", text, untilMs: now() + 1 }, now()),
    ],
  ])("is not notified again where it %s", async (_what, before) => {
    const testbed = rollTestbed();
    await planned(testbed);
    await before(testbed);
    await finishRefused(testbed);
    expect(testbed.bus.events).toEqual([]);
  });

  it("is notified where the ledger has another one", async () => {
    const testbed = rollTestbed();
    await planned(testbed);
    await testbed.ledger.patchService(web.serviceArn, { notifiedRefusals: "bad-tag: namespace" });
    await finishRefused(testbed);
    expect(testbed.bus.events).toHaveLength(1);
  });
});

describe("finishing again after a crash", () => {
  const endings: readonly (readonly [string, (made: { plan: Plan; watch: Watch }) => FinishInput])[] = [
    ["a success", (made) => inputOf({ ...made, outcome: "succeeded" })],
    ["a reverted roll", (made) => inputOf({ ...made, outcome: "reverted", failure: failed })],
    ["a failed revert", (made) => inputOf({ ...made, outcome: "revert-failed", failure: failed })],
    ["a superseded roll", (made) => inputOf({ ...made, outcome: "superseded" })],
  ];

  it.each(endings)("of %s writes what one run writes, and its last event says the same", async (what, ending) => {
    const smooth = await enrolling();
    await finishRoll(web, ending(smooth), smooth.testbed);
    for (let calls = 1; ; calls += 1) {
      const { testbed, plan, watch } = await enrolling();
      if (!(await crashes(testbed, ending({ plan, watch }), calls))) {
        // An ending that a deletion may explain reads the service first.
        expect(calls).toBe(what === "a success" ? 4 : 5);
        return;
      }
      testbed.clock.nowMs += MINUTE;
      await finishRoll(web, ending({ plan, watch }), testbed);
      const state = await stateOf(testbed);
      // A crash before the write leaves it to the second run, a minute later.
      const late = isJsonObject(state) && JSON.stringify(state).includes("04:01:00");
      if (!late) expect(state).toEqual(await stateOf(smooth.testbed));
      if (!late) expect(testbed.bus.events.at(-1)).toEqual(smooth.testbed.bus.events.at(-1));
      expect(state).toMatchObject({ attemptNumber: 1, lastOutcome: { executionName: NAME } });
    }
  });

  it("of a roll that never had the lease counts its failure once", async () => {
    const testbed = rollTestbed();
    const input = inputOf({ plan: null, failure: failed });
    expect(await crashes(testbed, input, 4)).toBe(true);
    await finishRoll(web, input, testbed);
    expect(await stateOf(testbed)).toMatchObject({ consecutiveFailures: 1 });
    expect(testbed.bus.events.at(-1)?.detail).toMatchObject({ consecutiveFailures: 1 });
  });

  async function crashes(testbed: RollTestbed, input: FinishInput, calls: number): Promise<boolean> {
    const broken = crashing({ calls, when: "after" });
    const fragile = { ...testbed, ecs: broken(testbed.ecs), ledger: broken(testbed.ledger), bus: broken(testbed.bus) };
    return finishRoll(web, input, fragile).then(
      () => false,
      (error: unknown) => error instanceof Crash,
    );
  }
});

describe("a finish that is repeated", () => {
  const order = { id: "upgrade-1", ordinal: 0, phase: "forward" } as const;
  const plans: fc.Arbitrary<Plan | null> = fc.oneof(
    fc.constantFrom(...(["enroll", "update", "unenroll", "rollback"] as const)).map((change) => planOf({ change })),
    fc.constant(finishPlan("superseded", "already-as-desired")),
    fc.constant(finishPlan("refused", "bad-tag", [{ reason: "bad-tag", detail: "namespace" }])),
    fc.constant(null),
  );
  const inputs = fc
    .record({
      outcome: fc.constantFrom("succeeded", "reverted", "superseded", "revert-failed", "failed"),
      plan: plans,
      watch: fc.option(fc.constant(watchOf()), { nil: null }),
      rollout: fc.option(fc.constant(order), { nil: null }),
    })
    // Only a plan refuses.
    .map((given) => finishInputOf(given.plan?.outcome === "refused" ? { ...given, outcome: "refused" } : given));

  it.each(["our own roll", "another roll", "no roll"])(
    "writes nothing more to the service that %s held",
    async (holder) => {
      await fc.assert(
        fc.asyncProperty(inputs, async (input) => {
          const testbed = rollTestbed();
          await testbed.ledger.createRollout(rollout({ id: order.id, serviceCount: 1 }));
          await testbed.ledger.putRolloutServices([
            rolloutService(0, { serviceArn: web.serviceArn, status: "rolling" }),
          ]);
          const executionName = holder === "our own roll" ? NAME : "another-roll";
          if (holder !== "no roll") {
            await testbed.ledger.takeLease(web.serviceArn, { executionName, leaseUntil: NOW + MINUTE }, NOW);
          }
          await finishRoll(web, input, testbed);
          const written = await testbed.ledger.getService(web.serviceArn);
          testbed.clock.nowMs += MINUTE;
          await finishRoll(web, input, testbed);
          expect(await testbed.ledger.getService(web.serviceArn)).toEqual(written);
          const [first, second = first] = testbed.bus.events;
          expect(second).toEqual(first);
        }),
      );
    },
  );
});
