import { hasEndedExecution } from "../../model/execution-status.ts";
import type { ServiceState } from "../../model/service-state.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { ExecutionStatus } from "../../ports/ports.ts";

export interface AbandonedCalls {
  readonly ledger: Pick<Ledger, "finishRoll">;
  readonly executions: { describeExecution(name: string): Promise<ExecutionStatus | undefined> };
  readonly now: () => number;
}

/**
 * The state without an abandoned roll: its lease has expired and its execution has ended without the last step. The
 * roll is removed from the ledger, because no other roll may ever take the lease of a service that is gone.
 */
export async function withoutAbandonedRoll(state: ServiceState, calls: AbandonedCalls): Promise<ServiceState> {
  const { serviceArn, roll } = state;
  if (!roll || roll.leaseUntil > calls.now()) return state;
  const { executionName } = roll;
  const status = await calls.executions.describeExecution(executionName);
  if (status !== undefined && !hasEndedExecution(status)) return state;
  const at = new Date(calls.now()).toISOString();
  const lastOutcome = { outcome: "failed", reason: "roll-unaccounted", executionName, at } as const;
  return (await calls.ledger.finishRoll(serviceArn, executionName, { lastOutcome })) ?? state;
}
