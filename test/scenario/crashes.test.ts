import { describe, expect, it } from "vitest";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { type CallOfRun, callsOfLastRoll, crashAt, expectAsWithoutCrash } from "./support/crash.ts";
import { BAD_IMAGE, cart, cartFleet, ENROLL, enrollAs, IMAGE } from "./support/fleets.ts";
import { expectMeshed, tagsOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const scenario = { fleet: cartFleet };

async function enroll(driver: LabDriver): Promise<void> {
  await driver.tag(cart, enrollAs("cart"));
  await driver.until("cart is enrolled", 40, () => driver.ended(cart, "succeeded"));
  await driver.minutes(3);
}

/** Pins an image that never becomes healthy to the enrolled service. */
async function failUpdate(driver: LabDriver): Promise<void> {
  driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BAD_IMAGE } });
  await driver.tag(cart, { [IMAGE]: BAD_IMAGE });
  await driver.until("cart is reverted", 60, () => driver.ended(cart, "reverted"));
  await driver.minutes(1);
}

async function unenroll(driver: LabDriver): Promise<void> {
  await driver.untag(cart, ENROLL);
  await driver.until("cart is unenrolled", 40, async () => (await driver.state(cart))?.enrolled === false);
  await driver.minutes(3);
}

/** The calls of runs without a crash. A function may crash at each of them. */
const runs = await onLab(scenario, async (driver) => {
  await enroll(driver);
  const enrolling = callsOfLastRoll(driver, cart);
  await failUpdate(driver);
  return { enrolling, reverting: callsOfLastRoll(driver, cart) };
});
const unenrolling = await onLab(scenario, async (driver) => {
  await enroll(driver);
  await unenroll(driver);
  return callsOfLastRoll(driver, cart);
});

const places = (calls: readonly CallOfRun[]) =>
  calls.flatMap((one) => (["before", "after"] as const).map((when) => ({ ...one, when, nth: one.earlier + 1 })));

describe("a function of a roll crashes at one of its calls", () => {
  it("has calls to crash at", () => {
    for (const calls of [runs.enrolling, runs.reverting, unenrolling]) {
      expect(calls.map(({ call }) => call)).toEqual(
        expect.arrayContaining(["ledger.takeLease", "ecs.UpdateService", "ledger.finishRoll", "events.PutEvents"]),
      );
    }
  });

  describe("during an enrollment: the service is enrolled nevertheless", () => {
    it.each(places(runs.enrolling))("$when $call, number $nth", ({ when, ...place }) =>
      onLab(scenario, async (driver) => {
        crashAt(driver, place, when);
        await enroll(driver);
        await expectMeshed(driver, cart);
        await expectAsWithoutCrash(driver, cart, {
          outcomes: ["succeeded"],
          events: ["Service Enrolled"],
          revisions: 2,
        });
      }),
    );
  });

  describe("during a failed update: the service is reverted to its pinned revision nevertheless", () => {
    it.each(places(runs.reverting))("$when $call, number $nth", ({ when, ...place }) =>
      onLab(scenario, async (driver) => {
        await enroll(driver);
        const good = await driver.revisionOf(cart);
        crashAt(driver, place, when);
        await failUpdate(driver);
        expect(await driver.revisionOf(cart)).toBe(good);
        expect((await driver.state(cart))?.lastOutcome).toMatchObject({ reason: "ztunnel-unhealthy" });
        expect((await driver.state(cart))?.consecutiveFailures).toBe(1);
        await expectAsWithoutCrash(driver, cart, {
          outcomes: ["succeeded", "reverted"],
          events: ["Service Enrolled", "Service Roll Failed"],
          revisions: 3,
        });
      }),
    );
  });

  describe("during an unenrollment: the service leaves the mesh nevertheless", () => {
    it.each(places(unenrolling))("$when $call, number $nth", ({ when, ...place }) =>
      onLab(scenario, async (driver) => {
        await enroll(driver);
        crashAt(driver, place, when);
        await unenroll(driver);
        expect(await driver.containersOf(cart)).toEqual(["app"]);
        expect(Object.keys(tagsOf(driver, cart)).toSorted()).toEqual(
          Object.keys(enrollAs("cart"))
            .filter((key) => key !== ENROLL)
            .toSorted(),
        );
        await expectAsWithoutCrash(driver, cart, {
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
  )("$name, $when the call: Lambda retries the event", ({ name, when }) =>
    onLab(scenario, async (driver) => {
      driver.lab.faults.add({ kind: "lambda-crash", match: { function: name }, count: 1, when });
      await enroll(driver);
      await expectMeshed(driver, cart);
      expect(driver.rollsOf(cart)).toHaveLength(1);
      expect(driver.lab.lambda.deadLetters).toEqual([]);
      expect(driver.messagesAbout(cart).length).toBeGreaterThanOrEqual(1);
    }),
  );

  it("on every attempt: the sweep and the roll's polls do the work, and the events end as dead letters with their reason", () =>
    onLab(scenario, async (driver) => {
      for (const name of ["reconcile-service", "signal-deployment"]) {
        driver.lab.faults.add({ kind: "lambda-crash", match: { function: name } });
      }
      await enroll(driver);
      await expectMeshed(driver, cart);
      expect(driver.lab.lambda.deadLetters.length).toBeGreaterThan(0);
      for (const letter of driver.lab.lambda.deadLetters) {
        expect(letter).toMatchObject({ attempts: 3, error: "Runtime.ExitError" });
      }
    }));
});
