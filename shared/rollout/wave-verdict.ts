import type { Config } from "../config/config.ts";
import type { Rollout, RolloutService, Wave } from "../model/rollout.ts";
import { countsAsFailed } from "./counted.ts";
import { budgetExceeded } from "./failures.ts";
import { resolvedPolicy } from "./pace.ts";
import { isStopping } from "./stopping.ts";

/** What is known of a wave when it is judged. */
export interface WaveFindings {
  readonly waveIndex: number;
  /** What has just ended: the rolls of the wave, or its bake. */
  readonly after: "roll" | "bake";
  /** The services of the wave, with every failure that was found. */
  readonly services: readonly RolloutService[];
  /** The alarm that has fired, in words. */
  readonly alarm: string | undefined;
}

/**
 * `stopping`: the rollout rolls back or aborts, which no wave changes. `roll-back`: the failure budget is exceeded or
 * an alarm has fired. `bake`: the wave bakes for the given seconds and is then judged again. `complete`: the wave is
 * good. `passed`: it is, and the rollout is past it already.
 */
export type WaveVerdict =
  | { readonly case: "stopping" }
  | { readonly case: "roll-back"; readonly failedOrdinals: number[]; readonly reason: NonNullable<Rollout["reason"]> }
  | { readonly case: "bake"; readonly failedOrdinals: number[]; readonly seconds: number }
  | { readonly case: "complete" | "passed"; readonly failedOrdinals: number[] };

/** The verdict on a wave whose rolls have ended, by the rollout as it is now. */
export function judgeWave(rollout: Rollout, findings: WaveFindings, config: Pick<Config, "policy">): WaveVerdict {
  if (isStopping(rollout)) return { case: "stopping" };
  const { waveIndex, after, services, alarm } = findings;
  const failed = services.filter(countsAsFailed).map(({ ordinal }) => ordinal);
  const failedOrdinals = union(rollout.failedOrdinals, failed);
  const over = budgetExceeded({ ...rollout, failedOrdinals }, waveIndex, config);
  if (over) {
    const isDegraded = after === "bake" && services.some(({ reason }) => reason === "bake-failed");
    return { case: "roll-back", failedOrdinals, reason: isDegraded ? { ...over, code: "bake-failed" } : over };
  }
  // Before an emergency, tasks were cut off already: there is nothing good to return to.
  if (alarm !== undefined && !rollout.emergency) {
    return { case: "roll-back", failedOrdinals, reason: { code: "alarm-fired", detail: alarm } };
  }
  const { bakeMinutes } = resolvedPolicy(rollout, config.policy.rollout);
  // A late try of this step finds the wave done, and does not make it bake again.
  const isPast = rollout.nextWaveIndex > waveIndex;
  if (after === "roll" && bakeMinutes > 0 && services.some(wasChanged) && !isPast) {
    return { case: "bake", failedOrdinals, seconds: Math.ceil(bakeMinutes * 60) };
  }
  return { case: rollout.nextWaveIndex > waveIndex + 1 ? "passed" : "complete", failedOrdinals };
}

/** A wave in which no service was changed does not bake: nothing could show anything. */
function wasChanged({ status, toRevisionArn }: RolloutService): boolean {
  return status === "succeeded" || (status === "unverified" && toRevisionArn !== undefined);
}

/** The rollout after the verdict, at the given time (ISO 8601). Undefined when the verdict leaves it as it is. */
export function afterVerdict(
  rollout: Rollout,
  waveIndex: number,
  verdict: WaveVerdict,
  at: string,
): Rollout | undefined {
  switch (verdict.case) {
    case "stopping":
      return undefined;
    case "roll-back": {
      const { failedOrdinals, reason } = verdict;
      return { ...rollout, failedOrdinals, status: "rolling-back", reason };
    }
    case "bake":
      return { ...withWave(rollout, waveIndex, { state: "baking" }), failedOrdinals: verdict.failedOrdinals };
    case "complete":
    case "passed":
      return {
        ...withWave(rollout, waveIndex, { state: "done", finishedAt: at }),
        failedOrdinals: verdict.failedOrdinals,
        nextWaveIndex: Math.max(rollout.nextWaveIndex, waveIndex + 1),
      };
  }
}

/** The rollout after a wave was rolled back, at the given time. `stuck`: ordinals of services that were not. */
export function afterRollback(rollout: Rollout, waveIndex: number, stuck: readonly number[], at: string): Rollout {
  return {
    ...withWave(rollout, waveIndex, { state: "rolled-back", finishedAt: at }),
    stuckOrdinals: union(rollout.stuckOrdinals, stuck),
  };
}

function withWave(rollout: Rollout, waveIndex: number, change: Partial<Wave>): Rollout {
  return { ...rollout, waves: rollout.waves.map((wave, at) => (at === waveIndex ? { ...wave, ...change } : wave)) };
}

function union(some: readonly number[], others: readonly number[]): number[] {
  return [...new Set([...some, ...others])].sort((a, b) => a - b);
}
