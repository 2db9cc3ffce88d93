import { AwsError } from "../../base/aws-error.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import { isNestedTooDeep } from "../../http/depth.ts";
import type { History, Trail } from "./history.ts";
import { copyJson, MAX_PAYLOAD_BYTES, withinPayloadLimit } from "./payload.ts";
import type { ExecutionDescription, ExecutionStatus } from "./run.ts";

/** How an execution ended. */
export interface Ending {
  readonly status: Exclude<ExecutionStatus, "RUNNING">;
  readonly output?: string;
  readonly error?: string;
  readonly cause?: string;
}

/** An execution in the store. `ending` is undefined while it runs. */
export interface Execution {
  readonly arn: string;
  readonly stateMachineArn: string;
  readonly name: string;
  readonly input: string;
  readonly startMs: number;
  readonly history: History;
  readonly trail: Trail;
  readonly controller: AbortController;
  readonly result: PromiseWithResolvers<ExecutionDescription>;
  ending: (Ending & { readonly stopMs: number }) | undefined;
}

/**
 * An execution's input from its JSON text.
 * @throws AwsError `InvalidExecutionInput`
 */
export function parseExecutionInput(text: string): Json {
  const fail = (why: string) => new AwsError("InvalidExecutionInput", `Invalid State Machine Execution Input: ${why}`);
  if (Buffer.byteLength(text) > MAX_PAYLOAD_BYTES) throw fail(`more than ${MAX_PAYLOAD_BYTES} bytes`);
  if (isNestedTooDeep(text)) throw fail("it nests too deep");
  try {
    return withinPayloadLimit(copyJson(JSON.parse(text)), "The input");
  } catch (error) {
    throw fail(String(error));
  }
}

/** `$states.context` of an execution. AWS has a RoleArn there too, which nothing in the simulator stands for. */
export function contextOf(execution: Execution, input: Json): JsonObject {
  return {
    Execution: {
      Id: execution.arn,
      Name: execution.name,
      Input: input,
      StartTime: new Date(execution.startMs).toISOString(),
      RedriveCount: 0,
    },
    StateMachine: { Id: execution.stateMachineArn, Name: execution.stateMachineArn.split(":").at(-1) ?? "" },
  };
}

/** The status as `DescribeExecution` says it. */
export function statusOf(execution: Execution): ExecutionStatus {
  return execution.ending?.status ?? "RUNNING";
}

/** What `DescribeExecution` returns. */
export function describeExecution(execution: Execution): ExecutionDescription {
  const { stopMs, ...ending } = execution.ending ?? { stopMs: undefined, status: "RUNNING" as const };
  return {
    executionArn: execution.arn,
    stateMachineArn: execution.stateMachineArn,
    name: execution.name,
    startDate: new Date(execution.startMs),
    input: execution.input,
    transitions: execution.history.transitions,
    ...ending,
    ...(stopMs !== undefined && { stopDate: new Date(stopMs) }),
  };
}
