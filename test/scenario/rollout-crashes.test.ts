import { describe, expect, it } from "vitest";
import { type FleetScenario, type FleetStage, NEW_IMAGE, OLD_IMAGE, onFleet, QUICK } from "./support/rollouts.ts";

const small: FleetScenario = {
  services: 4,
  regions: ["us-east-1", "eu-west-1"],
  rollout: { ...QUICK, canaryCount: 1, bakeMinutes: 2, approveAfterCanary: true, alarms: [{ name: "errors" }] },
};

/** An upgrade that an operator approves, and that goes back as its image is broken in one region. */
async function brokenUpgrade(stage: FleetStage): Promise<void> {
  stage.lab.faults.add({ kind: "container-unhealthy", match: { image: NEW_IMAGE, region: "eu-west-1" } });
  await stage.ask();
  await stage.is("awaiting-approval");
  await stage.minutes(5);
  await stage.say("approve");
  await stage.is("rolled-back", "upgrade-one", 600);
  await stage.minutes(20);
}

/** Every call that the rollout's functions make, once for each function. */
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

describe("a function of a rollout crashes at one of its calls: the rollout ends as without", () => {
  it("and there are calls to crash at", () => {
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
    onFleet(small, async (stage) => {
      const before = stage.revisions();
      stage.lab.faults.add({ kind: "lambda-crash", match: { function: functionName, call }, when, count: 1 });
      await brokenUpgrade(stage);
      expect(stage.revisions()).toEqual(before);
      expect(stage.images()).toEqual(stage.arns.map(() => OLD_IMAGE));
      expect(await stage.rollout()).toMatchObject({ reason: { code: "budget-exceeded" }, stuckOrdinals: [] });
      expect(stage.events("Rollout Started").length).toBeGreaterThan(0);
      expect(stage.events("Rollout Paused").length).toBeGreaterThan(0);
      expect(stage.events("Rollout Rolled Back").length).toBeGreaterThan(0);
      expect(await stage.leftovers()).toEqual([]);
    }),
  );
});
