import { serviceRef } from "../../base/arn.ts";
import { AutopilotError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import type { RolloutService } from "../../model/rollout.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";
import { serviceExecutionName } from "../../rollout/execution-names.ts";
import { isStopped } from "../../rollout/failures.ts";
import { needsRollback } from "../../rollout/needs-rollback.ts";
import { REGISTER, UPDATE } from "../../rollout/pace.ts";
import type { Phase, RollOrder, Taken } from "../../rollout/steps.ts";

export interface TakeCalls {
  readonly config: Pick<Config, "policy">;
  readonly ledger: Pick<RolloutLedger, "getRollout" | "getRolloutService" | "patchRolloutService" | "reserveStart"> &
    Pick<Ledger, "getService" | "finishRoll">;
  readonly now: () => number;
}

/** A service that somebody else is busy with is tried so often. */
const MAX_TRIES = 4;
/** A roll that somebody stops again and again is given up after so many. */
const MAX_ROLLS = 20;

/**
 * Takes a service for a roll, forward or back, and reserves its place in what AWS's quotas let start. The same try has
 * the same execution name: taken again after a crash, it is the same roll. `retake` says that the execution of this try has
 * ended: if it has not told how, as after it was stopped by hand, there is another try.
 */
export async function takeService(
  { id: rolloutId, ordinal, phase, retake = false }: RollOrder & { readonly retake?: boolean },
  { config, ledger, now }: TakeCalls,
): Promise<Taken> {
  const service = await ledger.getRolloutService(rolloutId, ordinal);
  if (!service) throw new AutopilotError("unknown-rollout", `${rolloutId} has no service ${ordinal}.`);
  const { serviceArn } = service;
  const skip = { do: "skip", waitSeconds: 0, executionName: "", serviceArn } as const;
  if (!isDue(service, phase)) return skip;
  const rolling = phase === "forward" ? "rolling" : "rolling-back";
  const same = service.status === rolling;
  if (phase === "forward" && !same) {
    const rollout = await ledger.getRollout(rolloutId);
    if (!rollout || isStopped(rollout, config)) return skip;
  }
  if (same && retake && service.tryCount >= MAX_ROLLS) return skip;
  const isLeft = (same && retake) || (phase === "rollback" && service.status === "rolling");
  if (isLeft) await settleOrphanedRoll(service, { ledger });
  const tries = same && !retake ? service.tryCount : service.tryCount + 1;
  const executionName = serviceExecutionName(rolloutId, service, phase, tries);
  if (!same || retake) {
    await ledger.patchRolloutService(rolloutId, ordinal, { status: rolling, tryCount: tries, executionName });
  }
  const { account, region } = serviceRef(serviceArn);
  // Forward registers a revision, which is the scarcer call; the way back only updates the service.
  const [call, pace] = phase === "forward" ? (["register", REGISTER] as const) : (["update", UPDATE] as const);
  const startMs = await ledger.reserveStart(`${account}/${region}/${call}`, now(), pace);
  const waitSeconds = Math.max(0, Math.ceil((startMs - now()) / 1000));
  return { do: "roll", waitSeconds, executionName, serviceArn };
}

/**
 * Frees the lease of a roll whose execution is no more. The revisions between which it took the service, if it came so
 * far, are noted: that is what the rollout has changed.
 */
async function settleOrphanedRoll(
  { rolloutId, ordinal, serviceArn, executionName }: RolloutService,
  { ledger }: Pick<TakeCalls, "ledger">,
): Promise<void> {
  const state = await ledger.getService(serviceArn);
  const roll = state?.roll;
  if (!roll || roll.executionName !== executionName) return;
  const { targetRevisionArn: toRevisionArn, revisionBeforeArn: fromRevisionArn } = roll;
  if (toRevisionArn !== undefined && fromRevisionArn !== undefined) {
    const imageBefore = state.image ?? null;
    await ledger.patchRolloutService(rolloutId, ordinal, { fromRevisionArn, toRevisionArn, imageBefore });
  }
  await ledger.finishRoll(serviceArn, roll.executionName, {});
}

function isDue(service: RolloutService, phase: Phase): boolean {
  if (phase === "rollback") return needsRollback(service);
  const { status, tryCount: tries } = service;
  return status === "waiting" || status === "rolling" || (status === "superseded" && tries < MAX_TRIES);
}
