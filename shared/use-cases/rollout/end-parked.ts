import { asAutopilotError } from "../../base/errors.ts";
import type { Rollout } from "../../model/rollout.ts";
import type { ExecutionCalls } from "../../ports/ports.ts";
import { endWithoutTurn } from "../../rollout/next-step.ts";
import { type FinishRolloutCalls, finishRollout } from "./finish-rollout.ts";
import { tokensOf, wake } from "./hold-rollout.ts";
import { hasEnded } from "./queue.ts";

export interface EndParkedCalls extends FinishRolloutCalls {
  readonly fleetExecutions: FinishRolloutCalls["fleetExecutions"] & Pick<ExecutionCalls, "sendTaskSuccess">;
}

/**
 * Ends the rollouts that have lost their turn and that nothing is left to do for: aborted, superseded, or to be rolled
 * back before they changed anything. What one of them fails by is logged, and the next run tries again.
 */
export async function endParked(open: readonly Rollout[], calls: EndParkedCalls): Promise<void> {
  for (const rollout of open.filter(isDue)) {
    try {
      // Woken before its end is recorded, which drops its tokens: its execution ends by itself.
      await wake(tokensOf(rollout), calls.fleetExecutions);
      await finishRollout(rollout.id, null, calls);
    } catch (error) {
      const { code, message } = asAutopilotError(error);
      calls.log.warn(`rollout not ended yet: ${rollout.id}`, { code, why: message });
    }
  }
}

function isDue(rollout: Rollout): boolean {
  if (!rollout.parked) return false;
  return endWithoutTurn(rollout) !== undefined || (hasEnded(rollout) && rollout.endNotified === undefined);
}
