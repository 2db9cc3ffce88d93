import { describe, expect, it } from "vitest";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { cart, cartFleet, demo, enrollAs, fleetOf, web } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";
import { expectAtRest, expectMeshed, outcomesOf, revisionsOf } from "./support/witness.ts";

const scenario = { fleet: cartFleet };

/** Every AWS call that functions make from the tag to the verified service. */
const calls = await onLab({ ...scenario, schedules: false }, async (stage) => {
  const seen = new Set<string>();
  stage.lab.router.onCall(({ service, operation, invocation }) => {
    if (invocation !== undefined) seen.add(`${service}.${operation}`);
  });
  await stage.tag(cart, enrollAs("cart"));
  await stage.until("cart is enrolled", 10, () => stage.ended(cart, "succeeded"));
  await stage.minutes(2);
  return [...seen].toSorted();
});

/** ECS and Secrets Manager calls on the way to the mesh. GetSecretValue reads Slack's credentials alone. */
const callsOfRoll = calls.filter((call) => /^(ecs|secretsmanager)\./.test(call) && !call.endsWith(".GetSecretValue"));

const fromNow = (stage: LabDriver, minutes: number) => stage.lab.clock.now() + minutes * 60_000;

it("the calls that errors are tried at are those of a whole roll", () => {
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

describe("AWS fails once, with an error of its own", () => {
  it.each(calls)("%s: the roll succeeds, with one revision", (call) =>
    onLab(scenario, async (stage) => {
      await stage.tag(cart, enrollAs("cart"));
      stage.lab.faults.add({ kind: "api-error", match: { call }, count: 1 });
      await stage.until("cart is enrolled", 20, () => stage.ended(cart, "succeeded"));
      await stage.minutes(2);
      expect(stage.lab.faults.list()[0]?.struck).toBe(1);
      await expectMeshed(stage, cart);
      expect(outcomesOf(stage, cart)).toEqual(["succeeded"]);
      expect(await revisionsOf(stage, cart, "cart")).toHaveLength(2);
    }),
  );
});

describe("AWS throttles a call for 30 seconds", () => {
  it.each(calls)("%s: the roll succeeds, with one revision", (call) =>
    onLab(scenario, async (stage) => {
      await stage.tag(cart, enrollAs("cart"));
      stage.lab.faults.add({ kind: "throttle", match: { call }, untilMs: fromNow(stage, 0.5) });
      await stage.until("cart is enrolled", 20, () => stage.ended(cart, "succeeded"));
      await stage.minutes(2);
      await expectMeshed(stage, cart);
      expect(outcomesOf(stage, cart)).toEqual(["succeeded"]);
      expect(await revisionsOf(stage, cart, "cart")).toHaveLength(2);
    }),
  );
});

describe("AWS is down for ten minutes at one call", () => {
  it.each(calls)("%s: in the end the service is in the mesh, with one revision and few rolls", (call) =>
    onLab(scenario, async (stage) => {
      await stage.tag(cart, enrollAs("cart"));
      stage.lab.faults.add({ kind: "api-error", match: { call }, untilMs: fromNow(stage, 10) });
      await stage.minutes(10);
      await stage.until("cart is enrolled", 60, () => stage.ended(cart, "succeeded"));
      await stage.minutes(3);
      await expectMeshed(stage, cart);
      expect(stage.rollsOf(cart).length).toBeLessThanOrEqual(3);
      expect(await revisionsOf(stage, cart, "cart")).toHaveLength(2);
    }),
  );
});

describe("AWS denies a call of the roll", () => {
  it.each(callsOfRoll)("%s: named, on its first revision, not in a loop; once allowed, it is enrolled", (call) =>
    onLab(scenario, async (stage) => {
      const original = await stage.revisionOf(cart);
      await stage.tag(cart, enrollAs("cart"));
      stage.lab.faults.add({ kind: "api-error", match: { call }, error: "AccessDeniedException" });
      await stage.minutes(14);
      const rolls = stage.rollsOf(cart);
      expect(rolls.length, "one roll, or none where the look itself is denied").toBeLessThanOrEqual(1);
      const reasons = [
        ...rolls.map(async () => (await stage.state(cart))?.lastOutcome?.reason),
        ...stage.lab.lambda.deadLetters.map(({ message }) => message.split(":")[0]),
      ];
      expect(await Promise.all(reasons)).toContain("access-denied");
      stage.lab.faults.replace([]);
      expect(await stage.revisionOf(cart)).toBe(original);
      await expectAtRest(stage, cart);
      await stage.until("cart is enrolled", 45, () => stage.ended(cart, "succeeded"));
      await stage.minutes(1);
      await expectMeshed(stage, cart);
      expect((await revisionsOf(stage, cart, "cart")).length).toBe(2);
    }),
  );
});

describe("AWS throttles everything at its own rates", () => {
  it("thirty services get the tag at once: all are in the mesh", () => {
    const names = Array.from({ length: 30 }, (_, index) => `cart-${index + 1}`);
    const fleet = fleetOf(names.map((name) => web(name)));
    return onLab({ fleet }, async (stage) => {
      for (const name of names) await stage.tag(demo(name), enrollAs(name));
      for (const name of names) await stage.until(name, 60, () => stage.ended(demo(name), "succeeded"));
      await stage.minutes(2);
      for (const name of names) {
        await expectMeshed(stage, demo(name));
        expect(outcomesOf(stage, demo(name))).toEqual(["succeeded"]);
      }
    });
  });
});
