import { describe, expect, it } from "vitest";
import { type FleetDriver, type FleetScenario, NEW_IMAGE, OLD_IMAGE, onFleet, QUICK } from "./support/rollouts.ts";

const small: FleetScenario = {
  services: 4,
  regions: ["us-east-1", "eu-west-1"],
  rollout: { ...QUICK, canaryCount: 1, bakeMinutes: 2, approveAfterCanary: true, alarms: [{ name: "errors" }] },
};

/** An upgrade that an operator approves, and that is rolled back because its image is broken in one region. */
async function brokenUpgrade(driver: FleetDriver): Promise<void> {
  driver.lab.faults.add({ kind: "container-unhealthy", match: { image: NEW_IMAGE, region: "eu-west-1" } });
  await driver.requestUpgrade();
  await driver.untilStatus("awaiting-approval");
  await driver.minutes(5);
  await driver.command("approve");
  await driver.untilStatus("rolled-back", "upgrade-one", 600);
  await driver.minutes(20);
}

/** Every call of the rollout's functions, once per function. */
const calls = new Set<string>();
await onFleet(
  {
    ...small,
    onFunctionCall: (call, functionName) => {
      const counts = functionName.startsWith("rollout/") && functionName !== "rollout/report";
      if (counts && !call.startsWith("sts.")) calls.add(`${functionName} ${call}`);
    },
  },
  brokenUpgrade,
);
const places = [...calls].sort().flatMap((place) => {
  const [functionName = "", call = ""] = place.split(" ");
  return (["before", "after"] as const).map((when) => ({ functionName, call, when }));
});

describe("a function of a rollout crashes at one of its calls: the rollout ends as without the crash", () => {
  it("has calls to crash at", () => {
    expect([...calls]).toEqual(
      expect.arrayContaining([
        "rollout/start ledger.putRolloutServices",
        "rollout/next-wave ledger.changeRollout",
        "rollout/take ledger.reserveStart",
        "rollout/assess-wave events.PutEvents",
        "rollout/control states.SendTaskSuccess",
        "rollout/finish events.PutEvents",
      ]),
    );
  });

  it.each(places)("$functionName, $when $call", ({ functionName, call, when }) =>
    onFleet(small, async (driver) => {
      const before = driver.revisions();
      driver.lab.faults.add({ kind: "lambda-crash", match: { function: functionName, call }, when, count: 1 });
      await brokenUpgrade(driver);
      expect(driver.revisions()).toEqual(before);
      expect(driver.images()).toEqual(driver.arns.map(() => OLD_IMAGE));
      expect(await driver.rollout()).toMatchObject({ reason: { code: "budget-exceeded" }, stuckOrdinals: [] });
      expect(driver.events("Rollout Started").length).toBeGreaterThan(0);
      expect(driver.events("Rollout Paused").length).toBeGreaterThan(0);
      expect(driver.events("Rollout Rolled Back").length).toBeGreaterThan(0);
      expect(await driver.leftovers()).toEqual([]);
    }),
  );
});
