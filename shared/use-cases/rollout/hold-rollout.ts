import { AutopilotError } from "../../base/errors.ts";
import { heldStatuses, type Rollout } from "../../model/rollout.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { ExecutionCalls } from "../../ports/ports.ts";
import { isStopping } from "../../rollout/stopping.ts";

export interface HoldCalls {
  readonly ledger: Pick<RolloutLedger, "changeRollout">;
  readonly executions: Pick<ExecutionCalls, "sendTaskSuccess">;
}

/**
 * Records the task token of a hold or a bake, with which it can be ended early. Ends it at once where an operator has
 * ended it before its token came. Throws `unknown-rollout`.
 */
export async function holdRollout(rolloutId: string, taskToken: string, calls: HoldCalls): Promise<void> {
  const changed = await calls.ledger.changeRollout(rolloutId, (rollout) =>
    waits(rollout) ? { next: withToken(rollout, taskToken), result: "wait" } : { result: "go-on" },
  );
  if (!changed) throw new AutopilotError("unknown-rollout", rolloutId);
  if (changed.result === "go-on") await calls.executions.sendTaskSuccess(taskToken, {});
}

/** Tokens of more tries than this are those of tries that are long over. */
const MAX_TOKENS = 20;

/**
 * The rollout with one more token. Step Functions may have given up the try that it belongs to, and may wait for one
 * that came before: none is dropped.
 */
function withToken(rollout: Rollout, taskToken: string): Rollout {
  const others = tokensOf(rollout).filter((token) => token !== taskToken);
  return { ...rollout, holdToken: taskToken, otherHoldTokens: others.slice(-MAX_TOKENS) };
}

/** All tokens of the hold, the oldest first: one that nobody waits for does no harm. */
export function tokensOf({ holdToken, otherHoldTokens = [] }: Rollout): readonly string[] {
  return holdToken === undefined ? otherHoldTokens : [...otherHoldTokens, holdToken];
}

/** Wakes the rollout, if it holds. */
export async function wake(
  tokens: readonly string[],
  executions: Pick<ExecutionCalls, "sendTaskSuccess">,
): Promise<void> {
  for (const token of tokens) await executions.sendTaskSuccess(token, {});
}

/** True while the rollout holds or bakes, and nothing asks it to go on. */
export function waits(rollout: Pick<Rollout, "status" | "control" | "supersededAt" | "waves">): boolean {
  if (isStopping(rollout)) return false;
  const { status, waves } = rollout;
  return heldStatuses.includes(status) || (status === "running" && waves.some(({ state }) => state === "baking"));
}
