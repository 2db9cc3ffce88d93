import * as z from "zod";
import { AwsError } from "../../base/aws-error.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import type { CallContext, Operation } from "../../core/service.ts";
import { enums } from "../enums.ts";
import { answer, epochSeconds, page, parseInput } from "../input.ts";
import type { HistoryEvent } from "./history.ts";
import type { ExecutionDescription } from "./run.ts";
import type { StateMachines } from "./state-machines.ts";

const ERROR = "ValidationException";
const arn = z.string().min(1).max(256);
const limit = z
  .int()
  .min(0)
  .max(1000)
  .default(100)
  .transform((count) => count || 100);
const nextToken = z.string().optional();
const schemas = {
  start: z.object({ stateMachineArn: arn, name: z.string().optional(), input: z.string().optional() }),
  execution: z.object({ executionArn: arn }),
  list: z.object({
    stateMachineArn: arn,
    statusFilter: z.enum(enums.states.ExecutionStatus).optional(),
    maxResults: limit,
    nextToken,
  }),
  history: z.object({
    executionArn: arn,
    maxResults: limit,
    nextToken,
    reverseOrder: z.boolean().default(false),
    includeExecutionData: z.boolean().default(true),
  }),
  stop: z.object({ executionArn: arn, error: z.string().optional(), cause: z.string().optional() }),
  success: z.object({ taskToken: z.string().min(1), output: z.string() }),
  failure: z.object({ taskToken: z.string().min(1), error: z.string().optional(), cause: z.string().optional() }),
  heartbeat: z.object({ taskToken: z.string().min(1) }),
  machines: z.object({ maxResults: limit, nextToken }),
  machine: z.object({ stateMachineArn: arn }),
};

/** The API of Step Functions over state machines and their executions. */
export function stepFunctionsOperations(machines: StateMachines): Readonly<Record<string, Operation>> {
  return {
    StartExecution: (input, context) => start(machines, input, context),
    DescribeExecution: (input, context) => {
      const { executionArn } = parseInput(schemas.execution, input, ERROR);
      requireHere(executionArn, context);
      return described(machines.describeExecution(executionArn));
    },
    ListExecutions: (input, context) => listExecutions(machines, input, context),
    GetExecutionHistory: (input, context) => history(machines, input, context),
    StopExecution: (input, context) => {
      const { executionArn, error, cause } = parseInput(schemas.stop, input, ERROR);
      requireHere(executionArn, context);
      const { stopDate } = machines.stopExecution(executionArn, error, cause);
      return { stopDate: epochSeconds(stopDate.getTime()) };
    },
    SendTaskSuccess: (input, context) => {
      const { taskToken, output } = parseInput(schemas.success, input, ERROR);
      requireToken(machines, taskToken, context);
      machines.sendTaskSuccess(taskToken, output);
      return {};
    },
    SendTaskFailure: (input, context) => {
      const { taskToken, error, cause } = parseInput(schemas.failure, input, ERROR);
      requireToken(machines, taskToken, context);
      machines.sendTaskFailure(taskToken, error, cause);
      return {};
    },
    SendTaskHeartbeat: (input, context) => {
      const { taskToken } = parseInput(schemas.heartbeat, input, ERROR);
      requireToken(machines, taskToken, context);
      machines.sendTaskHeartbeat(taskToken);
      return {};
    },
    ListStateMachines: (input, context) => listMachines(machines, input, context),
    DescribeStateMachine: (input, context) => describeMachine(machines, input, context),
  };
}

function start(machines: StateMachines, input: JsonObject, context: CallContext): Json {
  const { stateMachineArn, name, input: text } = parseInput(schemas.start, input, ERROR);
  requireHere(stateMachineArn, context);
  const { executionArn, startDate } = machines.startExecution({
    stateMachineArn,
    ...(name !== undefined && { name }),
    ...(text !== undefined && { input: text }),
  });
  return { executionArn, startDate: epochSeconds(startDate.getTime()) };
}

function listExecutions(machines: StateMachines, input: JsonObject, context: CallContext): Json {
  const request = parseInput(schemas.list, input, ERROR);
  requireHere(request.stateMachineArn, context);
  const all = machines.listExecutions({
    stateMachineArn: request.stateMachineArn,
    ...(request.statusFilter !== undefined && { statusFilter: request.statusFilter }),
  });
  const { items, nextToken: next } = pageOf(all, request);
  const executions = items.map((execution) => {
    const { input: _input, output: _output, error: _error, cause: _cause, ...entry } = described(execution);
    return entry;
  });
  return answer({ executions, nextToken: next });
}

function history(machines: StateMachines, input: JsonObject, context: CallContext): Json {
  const request = parseInput(schemas.history, input, ERROR);
  requireHere(request.executionArn, context);
  const events = machines.getExecutionHistory(request.executionArn);
  const { items, nextToken: next } = pageOf(request.reverseOrder ? [...events].reverse() : events, request);
  return answer({ events: items.map((event) => shown(event, request.includeExecutionData)), nextToken: next });
}

function listMachines(machines: StateMachines, input: JsonObject, context: CallContext): Json {
  const request = parseInput(schemas.machines, input, ERROR);
  const here = machines.listStateMachines().filter(({ stateMachineArn }) => isHere(stateMachineArn, context));
  const { items, nextToken: next } = pageOf(here, request);
  const stateMachines = items.map(({ stateMachineArn, createdMs }) => ({
    stateMachineArn,
    name: nameOf(stateMachineArn),
    type: "STANDARD",
    creationDate: epochSeconds(createdMs),
  }));
  return answer({ stateMachines, nextToken: next });
}

function describeMachine(machines: StateMachines, input: JsonObject, context: CallContext): Json {
  const { stateMachineArn } = parseInput(schemas.machine, input, ERROR);
  requireArn(stateMachineArn);
  const machine = machines.listStateMachines().find((each) => each.stateMachineArn === stateMachineArn);
  if (machine === undefined || !isHere(stateMachineArn, context))
    throw new AwsError("StateMachineDoesNotExist", `State Machine Does Not Exist: '${stateMachineArn}'`);
  return {
    stateMachineArn,
    name: nameOf(stateMachineArn),
    status: "ACTIVE",
    type: "STANDARD",
    definition: machine.definition,
    roleArn: `arn:aws:iam::${context.account}:role/${nameOf(stateMachineArn)}`,
    creationDate: epochSeconds(machine.createdMs),
  };
}

/** A token is valid in its account only. */
function requireToken(machines: StateMachines, token: string, { account }: CallContext): void {
  const executionArn = machines.executionOfToken(token);
  if (executionArn !== undefined && executionArn.split(":")[4] !== account)
    throw new AwsError("InvalidToken", "Invalid Token: the task is in another account.");
}

function requireHere(resourceArn: string, context: CallContext): void {
  requireArn(resourceArn);
  if (isHere(resourceArn, context)) return;
  throw new AwsError(
    "AccessDeniedException",
    `${resourceArn} is not in account ${context.account} and region ${context.region}.`,
  );
}

function isHere(resourceArn: string, { account, region }: CallContext): boolean {
  const parts = resourceArn.split(":");
  return parts[3] === region && parts[4] === account;
}

function nameOf(stateMachineArn: string): string {
  return stateMachineArn.split(":").at(-1) ?? "";
}

function pageOf<T>(
  items: readonly T[],
  request: { readonly maxResults: number; readonly nextToken?: string | undefined },
) {
  return page(items, { nextToken: request.nextToken, limit: request.maxResults, errorName: "InvalidToken" });
}

function described({ startDate, stopDate, transitions: _transitions, ...rest }: ExecutionDescription): JsonObject {
  return answer({
    ...rest,
    startDate: epochSeconds(startDate.getTime()),
    stopDate: stopDate && epochSeconds(stopDate.getTime()),
  });
}

function shown({ timestamp, ...event }: HistoryEvent, includeData: boolean): JsonObject {
  const members = Object.entries(event).map(([key, value]): [string, Json] => [
    key,
    includeData || typeof value !== "object" ? value : withoutData(value),
  ]);
  return { timestamp: epochSeconds(timestamp.getTime()), ...Object.fromEntries(members) };
}

function withoutData(details: JsonObject): JsonObject {
  const { input: _input, output: _output, ...rest } = details;
  return rest;
}

function requireArn(resourceArn: string): void {
  if (!resourceArn.startsWith("arn:")) throw new AwsError("InvalidArn", `Invalid Arn: '${resourceArn}'`);
}
