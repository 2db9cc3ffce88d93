import { describe, expect, it } from "vitest";
import { type FleetStage, NEW_IMAGE, OLD_IMAGE, onFleet, QUICK } from "./support/rollouts.ts";

const BAKED = { ...QUICK, bakeMinutes: 10 } as const;

const oldEverywhere = (stage: FleetStage) => expect(stage.images()).toEqual(stage.arns.map(() => OLD_IMAGE));
const newEverywhere = (stage: FleetStage) => expect(stage.images()).toEqual(stage.arns.map(() => NEW_IMAGE));
const newOnes = (stage: FleetStage) => stage.images().filter((image) => image === NEW_IMAGE).length;
const told = (stage: FleetStage, detailType: string) => stage.events(detailType);

describe("an operator", () => {
  it("pauses a rollout during a wave: the wave ends, the next one begins only after resume", () =>
    onFleet({}, async (stage) => {
      await stage.ask();
      await stage.wave(0, "rolling");
      await stage.say("pause");
      const paused = await stage.is("paused");
      expect(paused).toMatchObject({ nextWaveIndex: 1, journal: [{ did: "pause", by: "ann" }] });
      await stage.minutes(10 * 60);
      expect(newOnes(stage)).toBe(2);
      expect(told(stage, "Rollout Paused")).toMatchObject([{ hold: "operator", detail: "Paused by ann." }]);
      const execution = stage.lab.stepFunctions.listExecutions({ stateMachineArn: stage.lab.rollFleetArn });
      expect(execution).toHaveLength(1);
      await stage.say("resume");
      await stage.is("completed");
      newEverywhere(stage);
      expect(await stage.leftovers()).toEqual([]);
    }));

  it("pauses during a bake, and a pause of weeks is no reason to go on, nor to be told again", () =>
    onFleet({ rollout: BAKED, services: 6, schedules: false }, async (stage) => {
      await stage.ask();
      await stage.wave(0, "baking");
      await stage.say("pause");
      await stage.is("paused");
      await stage.minutes(15 * 24 * 60);
      expect((await stage.rollout()).status).toBe("paused");
      expect(told(stage, "Rollout Paused")).toHaveLength(1);
      await stage.say("resume");
      await stage.is("completed");
      newEverywhere(stage);
    }));

  it("takes a pause back before it has come to that", () =>
    onFleet({}, async (stage) => {
      await stage.ask();
      await stage.wave(0, "rolling");
      await stage.say("pause");
      await stage.say("resume");
      await stage.is("completed");
      expect(told(stage, "Rollout Paused")).toEqual([]);
    }));

  it("approves after the canary, where the policy or the request wants it", () =>
    onFleet({}, async (stage) => {
      await stage.ask({ overrides: { approveAfterCanary: true } });
      await stage.is("awaiting-approval");
      await stage.minutes(60);
      expect(newOnes(stage)).toBe(2);
      await stage.say("approve");
      const done = await stage.is("completed");
      expect(done.approved).toMatchObject({ by: "ann" });
      newEverywhere(stage);
    }));

  it("aborts during a wave: nothing new begins, what is done stays, and stays different", () =>
    onFleet({}, async (stage) => {
      await stage.ask();
      await stage.wave(1, "rolling");
      await stage.say("abort");
      await stage.is("aborted");
      const after = stage.images();
      expect(newOnes(stage)).toBeGreaterThanOrEqual(2);
      expect(newOnes(stage)).toBeLessThan(12);
      await stage.minutes(60);
      expect(stage.images()).toEqual(after);
      expect(told(stage, "Rollout Completed")).toMatchObject([{ outcome: "aborted" }]);
      expect(await stage.leftovers()).toEqual([]);
    }));

  it.each(["paused", "awaiting-approval", "frozen"] as const)("aborts a rollout that is %s", (phase) =>
    onFleet(
      { rollout: { ...QUICK, freezeWindows: [{ cron: "30 12 * * *", durationMinutes: 120 }] } },
      async (stage) => {
        await hold(stage, phase);
        await stage.say("abort");
        await stage.is("aborted", "upgrade-one", 2);
        expect(await stage.leftovers()).toEqual([]);
      },
    ),
  );

  it.each(["paused", "awaiting-approval", "frozen"] as const)("takes back a rollout that is %s", (phase) =>
    onFleet(
      { rollout: { ...QUICK, freezeWindows: [{ cron: "30 12 * * *", durationMinutes: 120 }] } },
      async (stage) => {
        const before = stage.revisions();
        await hold(stage, phase);
        await stage.say("rollback");
        const back = await stage.is("rolled-back", "upgrade-one", 30);
        expect(back.reason).toEqual({ code: "operator-request", detail: "by ann" });
        expect(stage.revisions()).toEqual(before);
        expect(await stage.leftovers()).toEqual([]);
      },
    ),
  );

  it("takes back a rollout in the middle of a wave", () =>
    onFleet({}, async (stage) => {
      const before = stage.revisions();
      await stage.ask();
      await stage.wave(1, "rolling");
      await stage.minutes(0.3);
      await stage.say("rollback");
      await stage.is("rolled-back");
      expect(stage.revisions()).toEqual(before);
      await stage.minutes(40);
      expect(stage.revisions()).toEqual(before);
    }));

  it("takes back a rollout that bakes: the bake ends at once", () =>
    onFleet({ rollout: { ...QUICK, bakeMinutes: 600 } }, async (stage) => {
      const before = stage.revisions();
      await stage.ask();
      await stage.wave(0, "baking");
      await stage.say("rollback");
      await stage.is("rolled-back", "upgrade-one", 15);
      expect(stage.revisions()).toEqual(before);
    }));

  it("takes back a rollout that had completed: everything is as before, and stays so", () =>
    onFleet({}, async (stage) => {
      const before = stage.revisions();
      await stage.ask();
      await stage.is("completed");
      newEverywhere(stage);
      await stage.minutes(60);
      await stage.request({ kind: "rollback", rolloutId: "upgrade-one", requestedBy: "bob" });
      await stage.is("rolled-back");
      expect(stage.revisions()).toEqual(before);
      await stage.minutes(60);
      oldEverywhere(stage);
      expect(stage.revisions()).toEqual(before);
      expect((await stage.lab.ledger.getFleet()).image?.image).toBe(OLD_IMAGE);
      expect(await stage.leftovers()).toEqual([]);
    }));

  it("takes back a rollout that was aborted", () =>
    onFleet({}, async (stage) => {
      const before = stage.revisions();
      await stage.ask();
      await stage.wave(1, "rolling");
      await stage.say("abort");
      await stage.is("aborted");
      await stage.say("rollback");
      await stage.is("rolled-back");
      expect(stage.revisions()).toEqual(before);
    }));

  it("is refused what can't be done in the rollout's phase, and nothing changes", () =>
    onFleet({ services: 6 }, async (stage) => {
      await stage.say("pause", "no-such-rollout");
      await stage.ask({ overrides: { approveAfterCanary: true } });
      await stage.say("approve");
      await stage.is("awaiting-approval");
      await stage.say("resume");
      expect((await stage.rollout()).status).toBe("awaiting-approval");
      await stage.say("approve");
      await stage.is("completed");
      const ended = await stage.rollout();
      for (const action of ["pause", "resume", "abort"]) await stage.say(action);
      await stage.say("fly");
      expect({ ...(await stage.rollout()), slack: undefined, version: 0 }).toEqual({
        ...ended,
        slack: undefined,
        version: 0,
      });
      expect(told(stage, "Rollout Refused").map(({ code }) => code)).toEqual([
        "unknown-rollout",
        "wrong-phase",
        "wrong-phase",
        "wrong-phase",
        "wrong-phase",
        "wrong-phase",
        "invalid-request",
      ]);
      expect(stage.lab.lambda.deadLetters).toEqual([]);
    }));
});

/** Brings a rollout to a phase in which it waits, behind its canary. */
async function hold(stage: FleetStage, phase: "paused" | "awaiting-approval" | "frozen"): Promise<void> {
  // The fleet is up at 12:05; the freeze window opens at 12:30.
  if (phase === "frozen") await stage.minutes(24.5);
  await stage.ask(phase === "awaiting-approval" ? { overrides: { approveAfterCanary: true } } : {});
  if (phase === "paused") {
    await stage.wave(0, "rolling");
    await stage.say("pause");
  }
  await stage.is(phase);
  expect(newOnes(stage)).toBe(2);
}
