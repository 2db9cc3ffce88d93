import type { Config } from "../../config/config.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";
import type { ExecutionCalls } from "../../ports/ports.ts";
import { afterDeaths, deathsCase, deathsPatch } from "../../rollout/deaths.ts";
import { tokensOf, wake } from "./hold-rollout.ts";

export interface DeathCalls {
  readonly config: Pick<Config, "policy">;
  readonly ledger: Pick<Ledger, "getService"> &
    Pick<RolloutLedger, "getRollout" | "getRolloutService" | "patchRolloutService" | "changeRollout">;
  readonly executions: Pick<ExecutionCalls, "sendTaskSuccess">;
}

/**
 * Judges the rollout under way that has changed a service by the service's tasks that died since: while a wave bakes,
 * and until the rollout ends. Rolls back at once where the failure budget is exceeded. True when the service has failed
 * by that. Safe to run again after a crash.
 */
export async function judgeDeaths(serviceArn: string, calls: DeathCalls): Promise<boolean> {
  const { ledger, config } = calls;
  const { stops, rolledBy } = (await ledger.getService(serviceArn)) ?? {};
  if (!stops || !rolledBy) return false;
  const { id, ordinal } = rolledBy;
  const [rollout, service] = await Promise.all([ledger.getRollout(id), ledger.getRolloutService(id, ordinal)]);
  if (!rollout || service?.serviceArn !== serviceArn) return false;
  const found = deathsCase(rollout, service, stops, config);
  if (found === "none") return false;
  const { status, tryCount } = service;
  const failed =
    found === "failed"
      ? await ledger.patchRolloutService(id, ordinal, { status, tryCount }, deathsPatch(stops))
      : service;
  // An attempt at the service has gone on since it was read: its own end says how it is.
  if (!failed) return false;
  const changed = await ledger.changeRollout(id, (current) => {
    const next = afterDeaths(current, failed, config);
    return { ...(next && { next }), result: next?.status === "rolling-back" ? tokensOf(current) : [] };
  });
  await wake(changed?.result ?? [], calls.executions);
  return found === "failed";
}
