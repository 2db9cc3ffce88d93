import type { StepFunctions } from "@ztunnel-autopilot/simulator";
import * as z from "zod";

/** One roll of a service, with what it cost. */
export interface RollRecord {
  /** Its ARN; empty for an execution that names none. */
  readonly service: string;
  readonly executionName: string;
  readonly status: string;
  /** How it ended; undefined while it runs. */
  readonly outcome: string | undefined;
  readonly transitions: number;
  readonly startedAt: string;
  readonly seconds: number | undefined;
  /** Calls of its functions: `ecs.UpdateService`, `ledger.takeLease` … */
  readonly calls: Readonly<Record<string, number>>;
}

const outputSchema = z.object({ outcome: z.string() });
/** Anybody may start an execution, with any input. */
const inputSchema = z.object({ serviceArn: z.string().catch("") }).catch({ serviceArn: "" });

/** Counts what the functions of every execution call. */
export class RollCalls {
  readonly #byExecution = new Map<string, Map<string, number>>();

  count(executionArn: string | undefined, call: string): void {
    if (executionArn === undefined) return;
    const calls = this.#byExecution.get(executionArn) ?? new Map<string, number>();
    calls.set(call, (calls.get(call) ?? 0) + 1);
    this.#byExecution.set(executionArn, calls);
  }

  of(executionArn: string): Readonly<Record<string, number>> {
    return Object.fromEntries([...(this.#byExecution.get(executionArn) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** Every execution of a state machine as a roll, the oldest first. */
export function rollsOf(stepFunctions: StepFunctions, stateMachineArn: string, calls: RollCalls): RollRecord[] {
  return stepFunctions
    .listExecutions({ stateMachineArn })
    .map((execution) => ({
      service: inputSchema.parse(JSON.parse(execution.input)).serviceArn,
      executionName: execution.name,
      status: execution.status,
      outcome: outcomeOf(execution),
      transitions: execution.transitions,
      startedAt: execution.startDate.toISOString(),
      seconds: execution.stopDate && (execution.stopDate.getTime() - execution.startDate.getTime()) / 1000,
      calls: calls.of(execution.executionArn),
    }))
    .reverse();
}

function outcomeOf({ output, error, status }: { output?: string; error?: string; status: string }): string | undefined {
  if (output !== undefined) return outputSchema.safeParse(JSON.parse(output)).data?.outcome;
  if (error === "RevertFailed") return "revert-failed";
  return status === "RUNNING" ? undefined : "failed";
}

/** How many of these calls are ECS's and Secrets Manager's. */
export function awsCallCount(calls: Readonly<Record<string, number>>): number {
  return sum(calls, (name) => name.startsWith("ecs.") || name.startsWith("secretsmanager."));
}

/** How many of these calls have a name that the test takes. */
export function sum(calls: Readonly<Record<string, number>>, takes: (name: string) => boolean): number {
  return Object.entries(calls).reduce((total, [name, count]) => (takes(name) ? total + count : total), 0);
}
