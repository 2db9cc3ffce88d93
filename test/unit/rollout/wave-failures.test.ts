import { describe, expect, it } from "vitest";
import { serviceRef } from "../../../shared/base/arn.ts";
import { type Rollout, type RolloutService, rolloutServiceStatuses } from "../../../shared/model/rollout.ts";
import type { Deployment, ObservedService } from "../../../shared/model/service.ts";
import {
  degradedFailures,
  succeededServices,
  unaccountedFailures,
  withFailures,
} from "../../../shared/rollout/wave-failures.ts";
import { completedDeployment } from "../../support/deployments.ts";
import { rollout, rolloutService, wave } from "../../support/rollouts.ts";
import { config, service } from "../../support/services.ts";

const by = { by: "ann", at: "2026-03-01T13:00:00Z" };
const underWay = (given: Partial<Rollout> = {}) =>
  rollout({ serviceCount: 4, waves: [wave("canary", 0, 3, "rolling")], ...given });

describe("services whose roll ended without an outcome", () => {
  const services = rolloutServiceStatuses.map((status, ordinal) => rolloutService(ordinal, { status }));
  const unaccounted = (given: Partial<Rollout>, policy: object = {}) =>
    unaccountedFailures(underWay(given), services, config({ policy: { rollout: policy } })).map(
      ({ ordinal }) => services[ordinal]?.status,
    );

  it("are those that roll or wait while the rollout runs, and no others", () => {
    expect(unaccounted({})).toEqual(["waiting", "rolling"]);
    expect(unaccountedFailures(underWay(), services.slice(0, 1), config())).toEqual([
      { ordinal: 0, reason: "roll-unaccounted", detail: "" },
    ]);
  });

  it.each<[string, Partial<Rollout>, string[]]>([
    ["is to abort", { control: { action: "abort", ...by } }, ["rolling"]],
    ["has exceeded its budget", { failedOrdinals: [0, 1] }, ["rolling"]],
    ["is paused", { status: "paused" }, ["rolling"]],
    ["is to pause", { control: { action: "pause", ...by } }, ["waiting", "rolling"]],
    ["is to roll back", { control: { action: "rollback", ...by } }, []],
    ["rolls back", { status: "rolling-back" }, []],
  ])(
    "are not those that never started, nor those that a rollback settles, while the rollout %s",
    (_what, given, expected) => {
      expect(unaccounted(given, { failureBudget: { inAll: { count: 1 } } })).toEqual(expected);
    },
  );
});

describe("services that degrade", () => {
  const toRevisionArn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/s:2";
  const rolled = (ordinal: number, given: Partial<RolloutService> = {}) =>
    rolloutService(ordinal, { status: "succeeded", toRevisionArn, ...given });
  const primary = completedDeployment({ taskDefinitionArn: toRevisionArn, desiredCount: 3, runningCount: 3 });
  const observed = (changes: Partial<Deployment>, given: Partial<ObservedService> = {}): ObservedService =>
    service({
      ref: serviceRef(rolled(0).serviceArn),
      desiredCount: 3,
      deployments: [{ ...primary, ...changes }],
      ...given,
    });

  it.each<[string, ObservedService, string]>([
    ["its deployment failed", observed({ rolloutState: "FAILED" }), "ECS reports its deployment as failed."],
    ["no task runs", observed({ runningCount: 0 }), "0 of 3 tasks run."],
    [
      "tasks are missing and some failed",
      observed({ runningCount: 2, failedTasks: 1 }),
      "2 of 3 tasks run, 1 has failed.",
    ],
  ])("are found when %s", (_what, one, detail) => {
    expect(degradedFailures([rolled(0)], [one])).toEqual([{ ordinal: 0, reason: "bake-failed", detail }]);
  });

  it.each<[string, ObservedService]>([
    ["run well", observed({})],
    ["are replacing a task", observed({ runningCount: 2 })],
    ["have lost tasks and run all of them again", observed({ failedTasks: 4 })],
    ["were deployed by somebody else since", observed({ taskDefinitionArn: "other:1", runningCount: 0 })],
    ["were scaled to nothing", observed({ runningCount: 0 }, { desiredCount: 0 })],
    ["have no primary deployment", observed({ status: "ACTIVE", runningCount: 0 })],
  ])("are not those that %s", (_what, one) => {
    expect(degradedFailures([rolled(0)], [one])).toEqual([]);
  });

  it("are not those whose roll had not succeeded, nor services of others", () => {
    const failing = observed({ runningCount: 0 });
    const reverted = rolled(0, { status: "reverted" });
    expect(succeededServices([reverted, rolled(1)])).toEqual([rolled(1)]);
    expect(degradedFailures([reverted, rolled(1)], [failing])).toEqual([]);
  });
});

describe("services with the failures that were found", () => {
  it("carry them, and are else as they were", () => {
    const services = [rolloutService(4, { status: "succeeded" }), rolloutService(5, { status: "rolling" })];
    const failure = { ordinal: 5, reason: "roll-unaccounted", detail: "" } as const;
    expect(withFailures(services, [failure])).toEqual([
      services[0],
      rolloutService(5, { status: "failed", reason: "roll-unaccounted", detail: "" }),
    ]);
    expect(withFailures(services, [])).toEqual(services);
  });
});
