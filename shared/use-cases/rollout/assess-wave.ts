import { clusterArnOf, type Place, serviceRef } from "../../base/arn.ts";
import { chunk } from "../../base/chunk.ts";
import { AutopilotError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { waveCompleted } from "../../events/rollout-events.ts";
import type { Rollout, RolloutService, Wave } from "../../model/rollout.ts";
import type { ObservedService } from "../../model/service.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { BusCalls, EcsCalls, ExecutionCalls } from "../../ports/ports.ts";
import { OWN_ALARM } from "../../rollout/counted.ts";
import { needsRollback } from "../../rollout/needs-rollback.ts";
import type { Assessed, LaneFailure, Phase } from "../../rollout/steps.ts";
import { isStopping } from "../../rollout/stopping.ts";
import {
  alarmFailures,
  degradedFailures,
  guardedServices,
  laneFailureOf,
  succeededServices,
  unaccountedFailures,
  type WaveFailure,
  withFailures,
} from "../../rollout/wave-failures.ts";
import { afterRollback, afterVerdict, judgeWave } from "../../rollout/wave-verdict.ts";
import { alarmedServices, firedAlarm, type GuardCalls } from "./alarms.ts";
import { type TakeCalls, takeService } from "./take-service.ts";

export interface AssessCalls extends GuardCalls {
  readonly config: Config;
  readonly ecs: (place: Place) => Pick<EcsCalls, "describeServices">;
  readonly ledger: TakeCalls["ledger"] &
    Pick<RolloutLedger, "getRollout" | "changeRollout" | "listRolloutServices" | "patchRolloutService">;
  readonly executions: Pick<ExecutionCalls, "startExecution">;
  readonly bus: BusCalls;
  readonly now: () => number;
}

export interface Assessment {
  readonly rolloutId: string;
  readonly phase: Phase;
  readonly wave: number;
  /** What has just ended: the rolls of the wave, or its bake. */
  readonly after: "roll" | "bake";
  /** What kept lanes from being rolled. */
  readonly laneFailures?: readonly LaneFailure[];
}

interface WaveServices {
  readonly rollout: Rollout;
  readonly wave: Wave;
  readonly services: readonly RolloutService[];
}

/**
 * Judges a wave by the ledger's records of its services, after its bake also by their state in ECS, and acts on the
 * verdict. Safe to run again after a crash. Returns for how many seconds to leave the wave alone before it is
 * judged again; 0 when the rollout goes on. Throws `unknown-rollout`.
 */
export async function assessWave(assessment: Assessment, calls: AssessCalls): Promise<Assessed> {
  const { rolloutId, phase, wave: waveIndex } = assessment;
  const rollout = await calls.ledger.getRollout(rolloutId);
  if (!rollout) throw new AutopilotError("unknown-rollout", rolloutId);
  const wave = rollout.waves[waveIndex];
  if (!wave) throw new AutopilotError("unknown-rollout", `${rollout.id} has no wave ${waveIndex}.`);
  const services = await servicesOf(rolloutId, wave, calls);
  const assessed = { rollout, wave, services };
  return phase === "rollback" ? assessRollback(assessed, assessment, calls) : assessRolls(assessed, assessment, calls);
}

async function assessRolls(
  { rollout, wave, services }: WaveServices,
  { rolloutId, wave: waveIndex, after, laneFailures = [] }: Assessment,
  calls: AssessCalls,
): Promise<Assessed> {
  const { config, ledger, bus, now } = calls;
  const unaccounted = unaccountedFailures(rollout, services, { ...config, laneFailures });
  await recordFailures(services, unaccounted, calls);
  const degraded = after === "bake" ? degradedFailures(services, await observe(services, calls)) : [];
  await recordFailures(services, degraded, calls);
  const alarmed = await revertAlarmed(rollout, services, calls);
  const alarm = isStopping(rollout) ? undefined : await firedAlarm(calls);
  const failures = [...unaccounted, ...degraded, ...alarmed];
  const findings = { waveIndex, after, services: withFailures(services, failures), alarm };
  const changed = await ledger.changeRollout(rolloutId, (current) => {
    const verdict = judgeWave(current, findings, config);
    return { next: afterVerdict(current, waveIndex, verdict, new Date(now()).toISOString()), result: verdict };
  });
  if (!changed) throw new AutopilotError("unknown-rollout", rolloutId);
  const { stored, result: verdict } = changed;
  switch (verdict.case) {
    case "bake":
      return { bakeSeconds: verdict.seconds };
    case "complete":
      // An earlier attempt may have crashed between the write and the event: the event is emitted twice, never lost.
      await bus.putEvents([waveCompleted(stored, waveIndex, await servicesOf(rolloutId, wave, calls))]);
      return { bakeSeconds: 0 };
    case "passed":
    case "roll-back":
    case "stopping":
      return { bakeSeconds: 0 };
  }
}

/**
 * Reverts the services whose own alarms have fired, each by a roll of its own; the rollout goes on within its budget.
 * An emergency ignores these alarms: before it, tasks were cut off already.
 */
async function revertAlarmed(
  rollout: Rollout,
  services: readonly RolloutService[],
  calls: AssessCalls,
): Promise<readonly WaveFailure[]> {
  if (isStopping(rollout) || rollout.emergency) return [];
  const failures = alarmFailures(services, await alarmedServices(guardedServices(services), calls));
  await recordFailures(services, failures, calls);
  // Also those of an earlier try of this step, which may have crashed in between.
  const earlier = services.filter(({ status, reason }) => status === "failed" && reason === OWN_ALARM);
  for (const { ordinal } of [...failures, ...earlier]) {
    const order = { id: rollout.id, ordinal, phase: "rollback" } as const;
    const taken = await takeService(order, calls);
    if (taken.do === "skip") continue;
    const input = { serviceArn: taken.serviceArn, attemptKey: rollout.id, rollout: order };
    await calls.executions.startExecution({ name: taken.executionName, input });
  }
  return failures;
}

/** A service that its roll did not bring back is stuck. The rollback goes on without it. */
async function assessRollback(
  { rollout, services }: WaveServices,
  { wave: waveIndex, laneFailures = [] }: Assessment,
  { ledger, now }: AssessCalls,
): Promise<Assessed> {
  const left = services.filter(needsRollback);
  for (const service of left) {
    const detail = laneFailureOf(service.ordinal, laneFailures);
    const patch = { status: "stuck", reason: "roll-unaccounted", ...(detail && { detail }) } as const;
    await patchAsRead(service, patch, ledger);
  }
  const stuck = [...services.filter(({ status }) => status === "stuck"), ...left].map(({ ordinal }) => ordinal);
  await ledger.changeRollout(rollout.id, (current) => ({
    next: afterRollback(current, waveIndex, stuck, new Date(now()).toISOString()),
  }));
  return { bakeSeconds: 0 };
}

async function recordFailures(
  services: readonly RolloutService[],
  failures: readonly WaveFailure[],
  { ledger }: Pick<AssessCalls, "ledger">,
): Promise<void> {
  const byOrdinal = new Map(services.map((service) => [service.ordinal, service]));
  for (const { ordinal, reason, detail } of failures) {
    const service = byOrdinal.get(ordinal);
    if (service) await patchAsRead(service, { status: "failed", reason, detail }, ledger);
  }
}

/** Throws `throttled` where an attempt has gone on since the service was read: the wave is judged by what is new. */
async function patchAsRead(
  { rolloutId, ordinal, status, tryCount }: RolloutService,
  patch: Partial<RolloutService>,
  ledger: AssessCalls["ledger"],
): Promise<void> {
  if (await ledger.patchRolloutService(rolloutId, ordinal, { status, tryCount }, patch)) return;
  throw new AutopilotError("throttled", `${rolloutId}: service ${ordinal} was written since it was read.`);
}

async function servicesOf(
  rolloutId: string,
  { lanes }: Wave,
  { ledger }: Pick<AssessCalls, "ledger">,
): Promise<readonly RolloutService[]> {
  const first = Math.min(...lanes.map((lane) => lane.first));
  const last = Math.max(...lanes.map((lane) => lane.last));
  return lanes.length === 0 ? [] : Array.fromAsync(ledger.listRolloutServices(rolloutId, { first, last }));
}

/** The services whose roll succeeded, as ECS describes them now. Those that are gone are left out. */
async function observe(
  services: readonly RolloutService[],
  { ecs }: Pick<AssessCalls, "ecs">,
): Promise<readonly ObservedService[]> {
  const refs = succeededServices(services).map(({ serviceArn }) => serviceRef(serviceArn));
  const observed: ObservedService[] = [];
  for (const [clusterArn, ofCluster] of Map.groupBy(refs, clusterArnOf)) {
    for (const group of chunk(ofCluster, 10)) {
      const [ref] = group;
      if (!ref) continue;
      const names = group.map(({ serviceName }) => serviceName);
      observed.push(...(await ecs(ref).describeServices(clusterArn, names)));
    }
  }
  return observed;
}
