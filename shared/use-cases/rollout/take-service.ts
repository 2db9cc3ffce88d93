import { serviceRef } from "../../base/arn.ts";
import { AutopilotError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import type { RolloutService } from "../../model/rollout.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";
import { serviceExecutionName } from "../../rollout/execution-names.ts";
import { isStopped } from "../../rollout/failures.ts";
import { REGISTER, UPDATE } from "../../rollout/pace.ts";
import type { RollOrder, Taken } from "../../rollout/steps.ts";
import { rollingStatus, takeCase } from "../../rollout/take-case.ts";

export interface TakeCalls {
  readonly config: Pick<Config, "policy">;
  readonly ledger: Pick<RolloutLedger, "getRollout" | "getRolloutService" | "patchRolloutService" | "reserveStart"> &
    Pick<Ledger, "getService" | "finishRoll">;
  readonly now: () => number;
}

const MAX_TRIES = 5;

/**
 * Takes a service for a roll, forward or back, and reserves its place in what AWS's quotas let start. The same attempt
 * has the same execution name: taken again after a crash, it is the same roll. `retake` says that the execution of this
 * attempt has ended: if it has not recorded an outcome, a new attempt begins. Throws `unknown-rollout`.
 */
export async function takeService(order: RollOrder & { readonly retake?: boolean }, calls: TakeCalls): Promise<Taken> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const taken = await tryToTake(order, calls);
    if (taken) return taken;
  }
  throw new AutopilotError(
    "throttled",
    `${order.id}: service ${order.ordinal} was written ${MAX_TRIES} times meanwhile.`,
  );
}

/** Undefined when somebody has written the service's record since it was read. */
async function tryToTake(
  { id: rolloutId, ordinal, phase, retake = false }: RollOrder & { readonly retake?: boolean },
  { config, ledger, now }: TakeCalls,
): Promise<Taken | undefined> {
  const service = await ledger.getRolloutService(rolloutId, ordinal);
  if (!service) throw new AutopilotError("unknown-rollout", `${rolloutId} has no service ${ordinal}.`);
  const { serviceArn } = service;
  const skip = { do: "skip", waitSeconds: 0, executionName: "", serviceArn } as const;
  const found = takeCase(service, phase, retake);
  if (found === "skip") return skip;
  if (found === "begin" && phase === "forward") {
    const rollout = await ledger.getRollout(rolloutId);
    if (!rollout || isStopped(rollout, config)) return skip;
  }
  if (found === "retry" || found === "take-over") await settleOrphanedRoll(service, { ledger });
  const tryCount = found === "repeat" ? service.tryCount : service.tryCount + 1;
  const executionName = serviceExecutionName(rolloutId, service, phase, tryCount);
  if (found !== "repeat") {
    const taken = { status: rollingStatus[phase], tryCount, executionName };
    if (!(await ledger.patchRolloutService(rolloutId, ordinal, asRead(service), taken))) return undefined;
  }
  const { account, region } = serviceRef(serviceArn);
  // A roll forward registers a revision, which is the scarcer call. A rollback only updates the service.
  const [call, pace] = phase === "forward" ? (["register", REGISTER] as const) : (["update", UPDATE] as const);
  const startMs = await ledger.reserveStart(`${account}/${region}/${call}`, now(), pace);
  const waitSeconds = Math.max(0, Math.ceil((startMs - now()) / 1000));
  return { do: "roll", waitSeconds, executionName, serviceArn };
}

/**
 * Frees the lease of a roll whose execution has ended. If the roll came as far as changing the service, it records the
 * revisions before and after, so that a rollback can undo the change.
 */
async function settleOrphanedRoll(service: RolloutService, { ledger }: Pick<TakeCalls, "ledger">): Promise<void> {
  const { rolloutId, ordinal, serviceArn, executionName } = service;
  const state = await ledger.getService(serviceArn);
  const roll = state?.roll;
  if (!roll || roll.executionName !== executionName) return;
  const { targetRevisionArn: toRevisionArn, revisionBeforeArn: fromRevisionArn } = roll;
  if (toRevisionArn !== undefined && fromRevisionArn !== undefined) {
    const imageBefore = state.image ?? null;
    const revisions = { fromRevisionArn, toRevisionArn, imageBefore };
    if (!(await ledger.patchRolloutService(rolloutId, ordinal, asRead(service), revisions))) return;
  }
  await ledger.finishRoll(serviceArn, roll.executionName, {});
}

/** The members that each attempt at a service changes: as long as they are as read, nobody else has gone on. */
function asRead({ status, tryCount, executionName }: RolloutService): Partial<RolloutService> {
  return { status, tryCount, executionName };
}
