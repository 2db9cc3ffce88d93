import { clusterArnOf, type Place, serviceRef } from "../../base/arn.ts";
import { chunk } from "../../base/chunk.ts";
import { AutopilotError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { waveCompleted } from "../../events/rollout-events.ts";
import { failedStatuses, type Rollout, type RolloutService, type Wave } from "../../model/rollout.ts";
import type { ObservedService } from "../../model/service.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { BusCalls, EcsCalls } from "../../ports/ports.ts";
import { budgetExceeded, isStopped } from "../../rollout/failures.ts";
import { needsRollback } from "../../rollout/needs-rollback.ts";
import { resolvedPolicy } from "../../rollout/pace.ts";
import type { Assessed, Phase } from "../../rollout/steps.ts";
import { firedAlarm, type GuardCalls } from "./alarms.ts";

export interface AssessCalls extends GuardCalls {
  readonly config: Config;
  readonly ecs: (place: Place) => Pick<EcsCalls, "describeServices">;
  readonly ledger: Pick<RolloutLedger, "getRollout" | "changeRollout" | "listRolloutServices" | "patchRolloutService">;
  readonly bus: BusCalls;
  readonly now: () => number;
}

export interface Assessment {
  readonly rolloutId: string;
  readonly phase: Phase;
  readonly wave: number;
  /** `roll`: its rolls have ended. `bake`: it has been left alone for a while. */
  readonly after: "roll" | "bake";
}

/**
 * Judges a wave by what the ledger says of its services; after baking by ECS, too. A service whose roll did not tell how
 * it ended has failed. Over the failure budget, or with an alarm in ALARM, the rollout goes back. Returns how long to
 * leave the wave alone, in seconds.
 */
export async function assessWave(assessment: Assessment, calls: AssessCalls): Promise<Assessed> {
  const rollout = await calls.ledger.getRollout(assessment.rolloutId);
  if (!rollout) throw new AutopilotError("unknown-rollout", assessment.rolloutId);
  const wave = rollout.waves[assessment.wave];
  if (!wave) throw new AutopilotError("unknown-rollout", `${rollout.id} has no wave ${assessment.wave}.`);
  const services = await servicesOf(rollout.id, wave, calls);
  if (assessment.phase === "rollback") return assessRollback(rollout, assessment.wave, services, calls);
  // What its failure budget has stopped before its turn has not failed.
  const stopped = isStopped(rollout, calls.config);
  const unaccounted = services.filter(({ status }) => {
    // The way back looks after those that have lost their execution.
    if (status === "rolling") return !isRollingBack(rollout);
    return status === "waiting" && !stopped;
  });
  for (const { ordinal } of unaccounted) await fail(rollout.id, ordinal, "roll-unaccounted", "", calls);
  const worse = assessment.after === "bake" ? await degradedServices(services, calls) : [];
  for (const { service, detail } of worse) await fail(rollout.id, service.ordinal, "bake-failed", detail, calls);
  const hasFailedInBake = assessment.after === "bake" && services.some(({ reason }) => reason === "bake-failed");
  const failed = [
    ...services.filter(({ status }) => failedStatuses.includes(status)),
    ...unaccounted,
    ...worse.map(({ service }) => service),
  ].map(({ ordinal }) => ordinal);
  const alarm = isStopping(rollout) ? undefined : await firedAlarm(services, calls);
  return conclude(
    rollout.id,
    assessment,
    { failed, alarm, baked: worse.length > 0 || hasFailedInBake },
    services,
    calls,
  );
}

async function conclude(
  rolloutId: string,
  { wave: index, after }: Assessment,
  found: { readonly failed: readonly number[]; readonly alarm: string | undefined; readonly baked: boolean },
  services: readonly RolloutService[],
  calls: AssessCalls,
): Promise<Assessed> {
  const { config, now } = calls;
  let completed = false;
  const changed = await calls.ledger.changeRollout(rolloutId, (current) => {
    completed = false;
    if (isStopping(current)) return undefined;
    const rollout = {
      ...current,
      failedOrdinals: [...new Set([...current.failedOrdinals, ...found.failed])].sort((a, b) => a - b),
    };
    const over = budgetExceeded(rollout, index, config);
    if (over && found.baked) return rollingBack(rollout, { code: "bake-failed", detail: over.detail });
    if (over) return rollingBack(rollout, over);
    if (found.alarm !== undefined) return rollingBack(rollout, { code: "alarm-fired", detail: found.alarm });
    const bakes = after === "roll" && resolvedPolicy(rollout, config.policy.rollout).bakeMinutes > 0;
    if (bakes) return withWave(rollout, index, { state: "baking" });
    // Also when a first try of this step has noted it: it may have ended before it told.
    completed = rollout.nextWaveIndex <= index + 1;
    return {
      ...withWave(rollout, index, { state: "done", finishedAt: new Date(now()).toISOString() }),
      nextWaveIndex: Math.max(rollout.nextWaveIndex, index + 1),
    };
  });
  if (!changed) throw new AutopilotError("unknown-rollout", rolloutId);
  if (completed) {
    const latest = await servicesOf(rolloutId, waveOf(changed, index), calls);
    await calls.bus.putEvents([waveCompleted(changed, index, latest)]);
  }
  const baking = waveOf(changed, index).state === "baking" && !isStopping(changed);
  if (!baking || services.length === 0) return { bakeSeconds: 0 };
  return { bakeSeconds: Math.ceil(resolvedPolicy(changed, config.policy.rollout).bakeMinutes * 60) };
}

/** What is on its way back stays so; what could not be taken back is noted. */
async function assessRollback(
  rollout: Rollout,
  index: number,
  services: readonly RolloutService[],
  calls: AssessCalls,
): Promise<Assessed> {
  const left = services.filter(needsRollback);
  for (const { ordinal } of left) {
    await calls.ledger.patchRolloutService(rollout.id, ordinal, { status: "stuck", reason: "roll-unaccounted" });
  }
  const stuck = [...services.filter(({ status }) => status === "stuck"), ...left].map(({ ordinal }) => ordinal);
  await calls.ledger.changeRollout(rollout.id, (current) => ({
    ...withWave(current, index, { state: "rolled-back", finishedAt: new Date(calls.now()).toISOString() }),
    stuckOrdinals: [...new Set([...current.stuckOrdinals, ...stuck])].sort((a, b) => a - b),
  }));
  return { bakeSeconds: 0 };
}

function isStopping(rollout: Rollout): boolean {
  return isRollingBack(rollout) || rollout.control?.action === "abort";
}

function isRollingBack({ status, control }: Rollout): boolean {
  return status === "rolling-back" || control?.action === "rollback";
}

function rollingBack(rollout: Rollout, reason: { readonly code: string; readonly detail: string }): Rollout {
  return { ...rollout, status: "rolling-back", reason };
}

function withWave(rollout: Rollout, index: number, change: Partial<Wave>): Rollout {
  return { ...rollout, waves: rollout.waves.map((wave, at) => (at === index ? { ...wave, ...change } : wave)) };
}

function waveOf(rollout: Rollout, index: number): Wave {
  const wave = rollout.waves[index];
  if (!wave) throw new AutopilotError("unknown-rollout", `${rollout.id} has no wave ${index}.`);
  return wave;
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

async function fail(
  rolloutId: string,
  ordinal: number,
  reason: "roll-unaccounted" | "bake-failed",
  detail: string,
  { ledger }: Pick<AssessCalls, "ledger">,
): Promise<void> {
  await ledger.patchRolloutService(rolloutId, ordinal, { status: "failed", reason, detail });
}

/** Services that were fine when their roll ended and are not any more, by what ECS says of them. */
async function degradedServices(services: readonly RolloutService[], calls: Pick<AssessCalls, "ecs">) {
  const rolled = services.filter(({ status }) => status === "succeeded");
  const byCluster = Map.groupBy(rolled, ({ serviceArn }) => clusterArnOf(serviceRef(serviceArn)));
  const byArn = new Map(rolled.map((service) => [service.serviceArn, service]));
  const found: { readonly service: RolloutService; readonly detail: string }[] = [];
  for (const [clusterArn, ofCluster] of byCluster) {
    const refs = ofCluster.map(({ serviceArn }) => serviceRef(serviceArn));
    for (const group of chunk(refs, 10)) {
      const [ref] = group;
      if (!ref) continue;
      const names = group.map(({ serviceName }) => serviceName);
      for (const observed of await calls.ecs(ref).describeServices(clusterArn, names)) {
        const service = byArn.get(observed.ref.serviceArn);
        const detail = service && degradationOf(observed, service);
        if (service && detail !== undefined) found.push({ service, detail });
      }
    }
  }
  return found;
}

/** Somebody else's deployment meanwhile is no concern of this rollout; a task that is just being replaced neither. */
function degradationOf(observed: ObservedService, { toRevisionArn }: RolloutService): string | undefined {
  const primary = observed.deployments.find(({ status }) => status === "PRIMARY");
  if (!primary || primary.taskDefinitionArn !== toRevisionArn || observed.desiredCount === 0) return undefined;
  const { runningCount, failedTasks, rolloutState } = primary;
  const missing = runningCount < observed.desiredCount;
  if (rolloutState === "FAILED") return "ECS reports its deployment as failed.";
  if (runningCount === 0) return `None of its ${observed.desiredCount} tasks runs.`;
  if (missing && failedTasks > 0) {
    return `${runningCount} of ${observed.desiredCount} tasks run, ${failedTasks} have failed.`;
  }
  return undefined;
}
