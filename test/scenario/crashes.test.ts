import { describe, expect, it } from "vitest";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { type CallOfRun, callsOfLastRoll, crashAt, expectAsWithoutCrash } from "./support/crash.ts";
import { BAD_IMAGE, demo, ENROLL, enrollAs, fleetOf, IMAGE, web } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";
import { expectMeshed, tagsOf } from "./support/witness.ts";

const cart = demo("cart");
const scenario = { fleet: fleetOf([web("cart", { desiredCount: 2 })]) };

async function enroll(stage: LabDriver): Promise<void> {
  await stage.tag(cart, enrollAs("cart"));
  await stage.until("cart is enrolled", 40, () => stage.ended(cart, "succeeded"));
  await stage.minutes(3);
}

/** Pins an image that never gets healthy to the enrolled service. */
async function failUpdate(stage: LabDriver): Promise<void> {
  stage.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
  await stage.tag(cart, { [IMAGE]: BAD_IMAGE });
  await stage.until("cart is reverted", 60, () => stage.ended(cart, "reverted"));
  await stage.minutes(1);
}

async function unenroll(stage: LabDriver): Promise<void> {
  await stage.untag(cart, ENROLL);
  await stage.until("cart is out", 40, async () => (await stage.state(cart))?.enrolled === false);
  await stage.minutes(3);
}

/** The calls of runs without a crash: each is a place to crash at. */
const runs = await onLab(scenario, async (stage) => {
  await enroll(stage);
  const enrolling = callsOfLastRoll(stage, cart);
  await failUpdate(stage);
  return { enrolling, reverting: callsOfLastRoll(stage, cart) };
});
const unenrolling = await onLab(scenario, async (stage) => {
  await enroll(stage);
  await unenroll(stage);
  return callsOfLastRoll(stage, cart);
});

const places = (calls: readonly CallOfRun[]) =>
  calls.flatMap((one) => (["before", "after"] as const).map((when) => ({ ...one, when, nth: one.earlier + 1 })));

describe("a function of a roll crashes at one of its calls", () => {
  it("and there are calls to crash at", () => {
    for (const calls of [runs.enrolling, runs.reverting, unenrolling]) {
      expect(calls.map(({ call }) => call)).toEqual(
        expect.arrayContaining(["ledger.takeLease", "ecs.UpdateService", "ledger.finishRoll", "events.PutEvents"]),
      );
    }
  });

  describe("while it enrolls: the service is in the mesh all the same", () => {
    it.each(places(runs.enrolling))("$when $call, number $nth", ({ when, ...place }) =>
      onLab(scenario, async (stage) => {
        crashAt(stage, place, when);
        await enroll(stage);
        await expectMeshed(stage, cart);
        await expectAsWithoutCrash(stage, cart, {
          outcomes: ["succeeded"],
          events: ["Service Enrolled"],
          revisions: 2,
        });
      }),
    );
  });

  describe("while it fails and reverts: the service is on its pinned revision all the same", () => {
    it.each(places(runs.reverting))("$when $call, number $nth", ({ when, ...place }) =>
      onLab(scenario, async (stage) => {
        await enroll(stage);
        const good = await stage.revisionOf(cart);
        crashAt(stage, place, when);
        await failUpdate(stage);
        expect(await stage.revisionOf(cart)).toBe(good);
        expect((await stage.state(cart))?.lastOutcome).toMatchObject({ reason: "ztunnel-unhealthy" });
        expect((await stage.state(cart))?.consecutiveFailures).toBe(1);
        await expectAsWithoutCrash(stage, cart, {
          outcomes: ["succeeded", "reverted"],
          events: ["Service Enrolled", "Service Roll Failed"],
          revisions: 3,
        });
      }),
    );
  });

  describe("while it unenrolls: the service is out of the mesh all the same", () => {
    it.each(places(unenrolling))("$when $call, number $nth", ({ when, ...place }) =>
      onLab(scenario, async (stage) => {
        await enroll(stage);
        crashAt(stage, place, when);
        await unenroll(stage);
        expect(await stage.containersOf(cart)).toEqual(["app"]);
        expect(Object.keys(tagsOf(stage, cart)).toSorted()).toEqual(
          Object.keys(enrollAs("cart"))
            .filter((key) => key !== ENROLL)
            .toSorted(),
        );
        await expectAsWithoutCrash(stage, cart, {
          outcomes: ["succeeded", "succeeded"],
          events: ["Service Enrolled", "Service Unenrolled"],
          revisions: 3,
        });
      }),
    );
  });
});

describe("a function that an event invokes crashes at its first call", () => {
  it.each(
    ["reconcile-service", "signal-deployment", "notify-slack"].flatMap((name) =>
      (["before", "after"] as const).map((when) => ({ name, when })),
    ),
  )("$name, $when it: Lambda tries it again", ({ name, when }) =>
    onLab(scenario, async (stage) => {
      stage.lab.faults.add({ kind: "lambda-crash", match: { function: name }, count: 1, when });
      await enroll(stage);
      await expectMeshed(stage, cart);
      expect(stage.rollsOf(cart)).toHaveLength(1);
      expect(stage.lab.lambda.deadLetters).toEqual([]);
      expect(stage.messagesAbout(cart).length).toBeGreaterThanOrEqual(1);
    }),
  );

  it("always: the sweep and the roll's own looks do their work, the events end as dead letters with their reason", () =>
    onLab(scenario, async (stage) => {
      for (const name of ["reconcile-service", "signal-deployment"]) {
        stage.lab.faults.add({ kind: "lambda-crash", match: { function: name } });
      }
      await enroll(stage);
      await expectMeshed(stage, cart);
      expect(stage.lab.lambda.deadLetters.length).toBeGreaterThan(0);
      for (const letter of stage.lab.lambda.deadLetters) {
        expect(letter).toMatchObject({ attempts: 3, error: "Runtime.ExitError" });
      }
    }));
});
