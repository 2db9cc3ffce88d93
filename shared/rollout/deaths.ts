import { counted } from "../base/plural.ts";
import type { Config } from "../config/config.ts";
import { endedStatuses, type Rollout, type RolloutService } from "../model/rollout.ts";
import type { Stops } from "../model/service-state.ts";
import { countsAsFailed } from "./counted.ts";
import { budgetExceeded } from "./failures.ts";
import { resolvedPolicy } from "./pace.ts";
import { isStopping } from "./stopping.ts";

/**
 * What tasks that die after their service's roll mean for its rollout. `none`: it has no part in them, or they are too
 * few. `failed`: the service has failed. `known`: that is recorded, the rollout may lack it.
 */
export type DeathsCase = "none" | "failed" | "known";

/** The case of a service that the rollout has changed, by the tasks of its revision that died since. */
export function deathsCase(
  rollout: Rollout,
  service: RolloutService,
  stops: Stops,
  config: Pick<Config, "policy">,
): DeathsCase {
  if (endedStatuses.includes(rollout.status) || isStopping(rollout)) return "none";
  if (service.toRevisionArn !== stops.revisionArn || stops.count < deathsLimit(rollout, config)) return "none";
  if (service.status === "failed" && service.reason === "bake-failed") return "known";
  return service.status === "succeeded" || service.status === "unverified" ? "failed" : "none";
}

/** As many as fail a roll; in a bake that has fewer minutes, one a minute. */
function deathsLimit(rollout: Rollout, { policy }: Pick<Config, "policy">): number {
  const { bakeMinutes } = resolvedPolicy(rollout, policy.rollout);
  const { failedTasksLimit: limit } = policy;
  return bakeMinutes > 0 ? Math.max(1, Math.min(limit, Math.floor(bakeMinutes))) : limit;
}

/** What the rollout records of a service whose tasks die. */
export function deathsPatch({ count, sinceMs, sentence }: Stops): Partial<RolloutService> {
  const since = new Date(sinceMs).toISOString();
  return {
    status: "failed",
    reason: "bake-failed",
    detail: `${counted(count, "task")} died since ${since}. ${sentence}`,
  };
}

/**
 * The rollout with a service that has failed after its roll: it rolls back at once where that exceeds its budget,
 * even while it waits. Undefined when nothing changes.
 */
export function afterDeaths(
  rollout: Rollout,
  service: RolloutService,
  config: Pick<Config, "policy">,
): Rollout | undefined {
  if (endedStatuses.includes(rollout.status) || isStopping(rollout) || !countsAsFailed(service)) return undefined;
  if (rollout.failedOrdinals.includes(service.ordinal)) return undefined;
  const failedOrdinals = [...rollout.failedOrdinals, service.ordinal].sort((a, b) => a - b);
  const next = { ...rollout, failedOrdinals };
  const over = budgetExceeded(next, service.waveIndex, config);
  return over ? { ...next, status: "rolling-back", reason: { ...over, code: "bake-failed" } } : next;
}
