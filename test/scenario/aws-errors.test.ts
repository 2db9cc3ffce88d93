import { describe, expect, it } from "vitest";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { cart, cartFleet, demo, enrollAs, fleetOf, web } from "./support/fleets.ts";
import { expectAtRest, expectMeshed, outcomesOf, revisionsOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const scenario = { fleet: cartFleet };

/** Every AWS call that the functions make from the tag to the verified service. */
const calls = await onLab({ ...scenario, schedules: false }, async (driver) => {
  const seen = new Set<string>();
  driver.lab.router.onCall(({ service, operation, invocation }) => {
    if (invocation !== undefined) seen.add(`${service}.${operation}`);
  });
  await driver.tag(cart, enrollAs("cart"));
  await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
  await driver.minutes(2);
  return [...seen].toSorted();
});

/** The ECS and Secrets Manager calls of the enrollment. GetSecretValue only reads Slack's credentials. */
const callsOfRoll = calls.filter((call) => /^(ecs|secretsmanager)\./.test(call) && !call.endsWith(".GetSecretValue"));

const fromNow = (driver: LabDriver, minutes: number) => driver.lab.clock.now() + minutes * 60_000;

it("the calls at which errors are injected are those of a whole roll", () => {
  expect(calls).toEqual(
    expect.arrayContaining([
      "ecs.DescribeServices",
      "ecs.DescribeTaskDefinition",
      "ecs.RegisterTaskDefinition",
      "ecs.UpdateService",
      "ecs.DescribeTasks",
      "secretsmanager.CreateSecret",
      "secretsmanager.PutResourcePolicy",
      "events.PutEvents",
      "states.StartExecution",
      "states.SendTaskSuccess",
    ]),
  );
});

describe("AWS's answer is lost once, after the call had its effect", () => {
  const ledgerCalls = ["takeLease", "updateRoll", "changeMesh", "changeClaim", "finishRoll", "recordSignal"];
  it.each([...calls, ...ledgerCalls.map((name) => `ledger.${name}`)])(
    "%s: the roll succeeds, with one revision",
    (call) =>
      onLab(scenario, async (driver) => {
        driver.lab.faults.add({ kind: "lost-answer", match: { call }, count: 1 });
        await driver.tag(cart, enrollAs("cart"));
        await driver.until("cart is enrolled", 20, () => driver.ended(cart, "succeeded"));
        await driver.minutes(2);
        expect(driver.lab.faults.list()[0]?.struck).toBe(1);
        await expectMeshed(driver, cart);
        await expectAtRest(driver, cart);
        expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
        expect(await revisionsOf(driver, cart, "cart")).toHaveLength(2);
      }),
  );
});

describe("AWS fails once with a server error", () => {
  it.each(calls)("%s: the roll succeeds, with one revision", (call) =>
    onLab(scenario, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      driver.lab.faults.add({ kind: "api-error", match: { call }, count: 1 });
      await driver.until("cart is enrolled", 20, () => driver.ended(cart, "succeeded"));
      await driver.minutes(2);
      expect(driver.lab.faults.list()[0]?.struck).toBe(1);
      await expectMeshed(driver, cart);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
      expect(await revisionsOf(driver, cart, "cart")).toHaveLength(2);
    }),
  );
});

describe("AWS throttles a call for 30 seconds", () => {
  it.each(calls)("%s: the roll succeeds, with one revision", (call) =>
    onLab(scenario, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      driver.lab.faults.add({ kind: "throttle", match: { call }, untilMs: fromNow(driver, 0.5) });
      await driver.until("cart is enrolled", 20, () => driver.ended(cart, "succeeded"));
      await driver.minutes(2);
      await expectMeshed(driver, cart);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
      expect(await revisionsOf(driver, cart, "cart")).toHaveLength(2);
    }),
  );
});

describe("one call fails for ten minutes", () => {
  it.each(calls)("%s: the service is enrolled afterwards, with one revision and few rolls", (call) =>
    onLab(scenario, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      driver.lab.faults.add({ kind: "api-error", match: { call }, untilMs: fromNow(driver, 10) });
      await driver.minutes(10);
      await driver.until("cart is enrolled", 60, () => driver.ended(cart, "succeeded"));
      await driver.minutes(3);
      await expectMeshed(driver, cart);
      expect(driver.rollsOf(cart).length).toBeLessThanOrEqual(3);
      expect(await revisionsOf(driver, cart, "cart")).toHaveLength(2);
    }),
  );
});

describe("AWS denies a call of the roll", () => {
  it.each(callsOfRoll)(
    "%s: the failure is named, the service keeps its revision; once allowed, it is enrolled",
    (call) =>
      onLab(scenario, async (driver) => {
        const original = await driver.revisionOf(cart);
        await driver.tag(cart, enrollAs("cart"));
        driver.lab.faults.add({ kind: "api-error", match: { call }, error: "AccessDeniedException" });
        await driver.minutes(14);
        const rolls = driver.rollsOf(cart);
        expect(rolls.length, "one roll, or none where the reconcile itself is denied").toBeLessThanOrEqual(1);
        const reasons = [
          ...rolls.map(async () => (await driver.state(cart))?.lastOutcome?.reason),
          ...driver.lab.lambda.deadLetters.map(({ message }) => message.split(":")[0]),
        ];
        expect(await Promise.all(reasons)).toContain("access-denied");
        driver.lab.faults.replace([]);
        expect(await driver.revisionOf(cart)).toBe(original);
        await expectAtRest(driver, cart);
        await driver.until("cart is enrolled", 45, () => driver.ended(cart, "succeeded"));
        await driver.minutes(1);
        await expectMeshed(driver, cart);
        expect((await revisionsOf(driver, cart, "cart")).length).toBe(2);
      }),
  );
});

describe("AWS throttles every API at its real rates", () => {
  it("thirty services are tagged at once, and all are enrolled", () => {
    const names = Array.from({ length: 30 }, (_, index) => `cart-${index + 1}`);
    const fleet = fleetOf(names.map((name) => web(name)));
    return onLab({ fleet }, async (driver) => {
      for (const name of names) await driver.tag(demo(name), enrollAs(name));
      for (const name of names) await driver.until(name, 60, () => driver.ended(demo(name), "succeeded"));
      await driver.minutes(2);
      for (const name of names) {
        await expectMeshed(driver, demo(name));
        expect(outcomesOf(driver, demo(name))).toEqual(["succeeded"]);
      }
    });
  });
});
