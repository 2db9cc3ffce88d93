import { agreeing, tasksRun } from "../base/plural.ts";
import type { Config } from "../config/config.ts";
import type { Rollout, RolloutService } from "../model/rollout.ts";
import type { ObservedService } from "../model/service.ts";
import { OWN_ALARM } from "./counted.ts";
import { isStopped } from "./failures.ts";
import type { LaneFailure } from "./steps.ts";
import { isRollingBack } from "./stopping.ts";

/** A failure that the ledger does not have yet: it is found when the wave is assessed. */
export interface WaveFailure {
  readonly ordinal: number;
  readonly reason: "roll-unaccounted" | "bake-failed" | typeof OWN_ALARM;
  readonly detail: string;
}

/**
 * The services of a wave whose roll has ended without recording an outcome, once all rolls of the wave have ended, with
 * what kept their lanes from being rolled.
 */
export function unaccountedFailures(
  rollout: Rollout,
  services: readonly RolloutService[],
  { policy, laneFailures = [] }: Pick<Config, "policy"> & { readonly laneFailures?: readonly LaneFailure[] },
): readonly WaveFailure[] {
  const stopped = isStopped(rollout, { policy });
  const unaccounted = services.filter(({ status }) => {
    // The rollback settles the rolls that have lost their execution.
    if (status === "rolling") return !isRollingBack(rollout);
    // A service that an abort, a rollback or the failure budget kept from starting has not failed.
    return status === "waiting" && !stopped;
  });
  return unaccounted.map(({ ordinal }) => ({
    ordinal,
    reason: "roll-unaccounted",
    detail: laneFailureOf(ordinal, laneFailures),
  }));
}

/** What kept the lane of a service from being rolled, as Step Functions says; empty if nothing did. */
export function laneFailureOf(ordinal: number, laneFailures: readonly LaneFailure[]): string {
  const own = laneFailures.filter(({ lane }) => !lane || (lane.first <= ordinal && ordinal <= lane.last));
  return own.map(({ error, cause }) => (cause ? `${error}: ${cause}` : error)).join("; ");
}

/** The services of a wave that ran well when their roll ended and no longer do, by what ECS returns for them. */
export function degradedFailures(
  services: readonly RolloutService[],
  observed: readonly ObservedService[],
): readonly WaveFailure[] {
  const byArn = new Map(succeededServices(services).map((service) => [service.serviceArn, service]));
  return observed.flatMap((one) => {
    const service = byArn.get(one.ref.serviceArn);
    const detail = service && degradationOf(one, service);
    return service && detail !== undefined ? [{ ordinal: service.ordinal, reason: "bake-failed", detail }] : [];
  });
}

/** The services that the rollout has changed and whose own alarm has fired since, by ARN with the reason. */
export function alarmFailures(
  services: readonly RolloutService[],
  alarmed: ReadonlyMap<string, string>,
): readonly WaveFailure[] {
  return guardedServices(services).flatMap(({ ordinal, serviceArn }) => {
    const detail = alarmed.get(serviceArn);
    return detail === undefined ? [] : [{ ordinal, reason: OWN_ALARM, detail }];
  });
}

/** The services that the rollout has changed: their own alarms guard them. */
export function guardedServices(services: readonly RolloutService[]): readonly RolloutService[] {
  return services.filter(
    ({ status, toRevisionArn }) => toRevisionArn !== undefined && (status === "succeeded" || status === "unverified"),
  );
}

/** The services that can degrade: those whose roll succeeded. */
export function succeededServices(services: readonly RolloutService[]): readonly RolloutService[] {
  return services.filter(({ status }) => status === "succeeded");
}

/** The services with the failures that were found in them. */
export function withFailures(
  services: readonly RolloutService[],
  failures: readonly WaveFailure[],
): readonly RolloutService[] {
  const byOrdinal = new Map(failures.map((failure) => [failure.ordinal, failure]));
  return services.map((service) => {
    const failure = byOrdinal.get(service.ordinal);
    return failure ? { ...service, status: "failed", reason: failure.reason, detail: failure.detail } : service;
  });
}

/** Ignores a service that somebody else has deployed since, and one that is only replacing a task. */
function degradationOf(observed: ObservedService, { toRevisionArn }: RolloutService): string | undefined {
  const primary = observed.deployments.find(({ status }) => status === "PRIMARY");
  if (!primary || primary.taskDefinitionArn !== toRevisionArn || observed.desiredCount === 0) return undefined;
  const { runningCount, failedTasks, rolloutState, rolloutStateReason } = primary;
  const isShort = runningCount < observed.desiredCount;
  if (rolloutState === "FAILED") return `ECS reports its deployment as failed. ${rolloutStateReason ?? ""}`.trim();
  if (runningCount === 0) return `${tasksRun(0, observed.desiredCount)}.`;
  if (isShort && failedTasks > 0) {
    return `${tasksRun(runningCount, observed.desiredCount)}, ${failedTasks} ${agreeing(failedTasks, "has", "have")} failed.`;
  }
  return undefined;
}
