import type { FaultKind } from "@ztunnel-autopilot/simulator";
import { lambdaServiceErrors, startServiceErrors } from "@ztunnel-autopilot/simulator";
import { beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../shared/base/json.ts";
import { lambdaStates } from "../support/task-states.ts";
import { type FleetDriver, type FleetScenario, NEW_IMAGE, onFleet, QUICK } from "./support/rollouts.ts";

const scenario: FleetScenario = {
  services: 4,
  regions: ["us-east-1", "eu-west-1"],
  rollout: { ...QUICK, canaryCount: 1, bakeMinutes: 2, approveAfterCanary: true },
};

/**
 * An upgrade that enters every state: an operator approves it after the canary, one service fails and is reverted, one
 * can't be reverted, and the rollout is rolled back.
 */
async function brokenUpgrade(driver: FleetDriver): Promise<void> {
  const [, , , stuck = ""] = driver.arns;
  driver.lab.faults.add({ kind: "container-unhealthy", match: { image: NEW_IMAGE, region: "eu-west-1" } });
  // No revision of it starts any more, not even the one without the sidecar.
  driver.lab.faults.add({ kind: "task-stops", match: { service: stuck } });
  await driver.requestUpgrade();
  await driver.untilStatus("awaiting-approval");
  await driver.minutes(5);
  await driver.command("approve");
  await driver.untilStatus("rolled-back", "upgrade-one", 600);
  await driver.minutes(20);
}

/** The result of a run: the rollout, its rolls and services, and the events without their times. */
async function outcomeOf(driver: FleetDriver) {
  const { status, reason, waves, stuckOrdinals } = await driver.rollout();
  const executions = [driver.lab.rollServiceArn, driver.lab.rollFleetArn].flatMap((stateMachineArn) =>
    driver.lab.stepFunctions
      .listExecutions({ stateMachineArn })
      .map(({ name, status: ended, output, error }) => `${withoutIds(name)} ${ended} ${output} ${error}`),
  );
  const events = driver.lab.eventBridge
    .log()
    .filter(({ event }) => event.source === "ztunnel-autopilot")
    .map(({ event }) => `${event["detail-type"]} ${withoutTimes(event.detail)}`);
  return {
    rollout: { status, reason, waves: waves.map(({ name, state }) => [name, state]), stuckOrdinals },
    services: (await driver.services()).map(({ ordinal, status: ended, reason: why }) => ({ ordinal, ended, why })),
    executions: executions.sort(),
    // A repeated step emits its event again.
    events: [...new Set(events)].sort(),
    revisions: driver.revisions(),
    images: driver.images(),
    leftovers: await driver.leftovers(),
  };
}

/** Members that depend on time, or on earlier rolls of the service. */
const TIMELY = ["durationSeconds", "nextAttemptAt", "until", "consecutiveFailures", "recheckRequested"];

function withoutTimes(detail: JsonObject): string {
  return withoutIds(JSON.stringify(detail, (key, value: unknown) => (TIMELY.includes(key) ? undefined : value)));
}

/** Task ids are random, and a roll's name ends in a hash of its attempt key. */
function withoutIds(text: string): string {
  return text.replaceAll(/\b[0-9a-f]{24,32}\b/g, "(id)");
}

/** After this error the caller doesn't know whether the function has run. */
const UNKNOWN = "Lambda.ClientExecutionTimeoutException";
const failures = lambdaStates.flatMap(({ name: state, functionName }, index) => [
  {
    state,
    functionName,
    when: "before" as const,
    error: lambdaServiceErrors[index % lambdaServiceErrors.length] ?? UNKNOWN,
  },
  { state, functionName, when: "after" as const, error: UNKNOWN },
]);

describe("AWS fails once for a state: the result is the same as without the failure", () => {
  let wanted: Awaited<ReturnType<typeof outcomeOf>>;
  beforeAll(async () => {
    wanted = await onFleet(scenario, async (driver) => {
      await brokenUpgrade(driver);
      return outcomeOf(driver);
    });
  });

  it("and that result is a rollback of all services except one", () => {
    expect(wanted.rollout.status).toBe("rolled-back");
    expect(wanted.services.map(({ ended }) => ended).sort()).toEqual([
      "revert-failed",
      "reverted",
      "rolled-back",
      "rolled-back",
    ]);
    expect(wanted.leftovers).toEqual([]);
  });

  it.each(failures)(
    "$functionName, invoked by $state: $error $when it has run",
    ({ state, functionName, error, when }) =>
      onFleet(scenario, async (driver) => {
        const match = { state, function: functionName };
        driver.lab.faults.add({ kind: "lambda-service-error", match, error, when, count: 1 });
        await brokenUpgrade(driver);
        expectStruck(driver, "lambda-service-error");
        expect(await outcomeOf(driver)).toEqual(wanted);
      }),
  );

  it.each(startServiceErrors)("a roll that is started: %s", (error) =>
    onFleet(scenario, async (driver) => {
      driver.lab.faults.add({ kind: "api-error", match: { state: "Roll" }, error, count: 1 });
      await brokenUpgrade(driver);
      expectStruck(driver, "api-error");
      expect(await outcomeOf(driver)).toEqual(wanted);
    }),
  );
});

/** Expects that the fault rule was applied. Otherwise the test would prove nothing. */
function expectStruck(driver: FleetDriver, kind: FaultKind): void {
  const rule = driver.lab.faults.list().find((one) => one.kind === kind);
  expect(rule?.struck).toBe(1);
}
