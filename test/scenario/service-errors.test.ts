import type { FaultKind } from "@ztunnel-autopilot/simulator";
import { lambdaServiceErrors, startServiceErrors } from "@ztunnel-autopilot/simulator";
import { beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../shared/base/json.ts";
import { lambdaStates } from "../support/task-states.ts";
import { type FleetScenario, type FleetStage, NEW_IMAGE, onFleet, QUICK } from "./support/rollouts.ts";

const scenario: FleetScenario = {
  services: 4,
  regions: ["us-east-1", "eu-west-1"],
  rollout: { ...QUICK, canaryCount: 1, bakeMinutes: 2, approveAfterCanary: true },
};

/**
 * An upgrade that enters every state: an operator approves it after the canary, one service fails and is reverted, one
 * can't be reverted, and the rollout goes back.
 */
async function brokenUpgrade(stage: FleetStage): Promise<void> {
  const [, , , stuck = ""] = stage.arns;
  stage.lab.faults.add({ kind: "container-unhealthy", match: { image: NEW_IMAGE, region: "eu-west-1" } });
  stage.lab.faults.add({ kind: "container-unhealthy", match: { service: stuck } });
  await stage.ask();
  await stage.is("awaiting-approval");
  await stage.minutes(5);
  await stage.say("approve");
  await stage.is("rolled-back", "upgrade-one", 600);
  await stage.minutes(20);
}

/** What a run leaves: how rollout, rolls and services ended, and the events, without their times. */
async function outcomeOf(stage: FleetStage) {
  const { status, reason, waves, stuckOrdinals } = await stage.rollout();
  const executions = [stage.lab.rollServiceArn, stage.lab.rollFleetArn].flatMap((stateMachineArn) =>
    stage.lab.stepFunctions
      .listExecutions({ stateMachineArn })
      .map(({ name, status: ended, output, error }) => `${withoutIds(name)} ${ended} ${output} ${error}`),
  );
  const events = stage.lab.eventBridge
    .log()
    .filter(({ event }) => event.source === "ztunnel-autopilot")
    .map(({ event }) => `${event["detail-type"]} ${withoutTimes(event.detail)}`);
  return {
    rollout: { status, reason, waves: waves.map(({ name, state }) => [name, state]), stuckOrdinals },
    services: (await stage.services()).map(({ ordinal, status: ended, reason: why }) => ({ ordinal, ended, why })),
    executions: executions.sort(),
    // An event whose step is repeated comes twice.
    events: [...new Set(events)].sort(),
    revisions: stage.revisions(),
    images: stage.images(),
    leftovers: await stage.leftovers(),
  };
}

/** Members that say when something was, or what else had happened to the service by then. */
const TIMELY = ["durationSeconds", "nextAttemptAt", "until", "consecutiveFailures", "recheckRequested"];

function withoutTimes(detail: JsonObject): string {
  return withoutIds(JSON.stringify(detail, (key, value: unknown) => (TIMELY.includes(key) ? undefined : value)));
}

/** Ids of tasks are random, and the name of a roll ends in a hash of what it was started for. */
function withoutIds(text: string): string {
  return text.replaceAll(/\b[0-9a-f]{24,32}\b/g, "(id)");
}

/** Whether a function has run, Lambda's caller knows least after a timeout of its own. */
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

describe("AWS fails once for a state: all ends as without", () => {
  let wanted: Awaited<ReturnType<typeof outcomeOf>>;
  beforeAll(async () => {
    wanted = await onFleet(scenario, async (stage) => {
      await brokenUpgrade(stage);
      return outcomeOf(stage);
    });
  });

  it("and without, the rollout is rolled back but for one service", () => {
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
      onFleet(scenario, async (stage) => {
        const match = { state, function: functionName };
        stage.lab.faults.add({ kind: "lambda-service-error", match, error, when, count: 1 });
        await brokenUpgrade(stage);
        expectStruck(stage, "lambda-service-error");
        expect(await outcomeOf(stage)).toEqual(wanted);
      }),
  );

  it.each(startServiceErrors)("a roll that is started: %s", (error) =>
    onFleet(scenario, async (stage) => {
      stage.lab.faults.add({ kind: "api-error", match: { state: "Roll" }, error, count: 1 });
      await brokenUpgrade(stage);
      expectStruck(stage, "api-error");
      expect(await outcomeOf(stage)).toEqual(wanted);
    }),
  );
});

/** The fault was there: else the test would show nothing. */
function expectStruck(stage: FleetStage, kind: FaultKind): void {
  const rule = stage.lab.faults.list().find((one) => one.kind === kind);
  expect(rule?.struck).toBe(1);
}
