import type { Json, JsonObject } from "../json.ts";

/** Who calls which account and region, as the lab reads it from the access key and the signature. */
export interface CallContext {
  readonly account: string;
  readonly region: string;
  /** The Lambda invocation that makes the call, or `undefined` for an operator's own call. */
  readonly invocation?: string;
}

/** One API operation: takes the parsed request, returns the response body, throws `AwsError` as AWS would. */
export type Operation = (input: JsonObject, context: CallContext) => Json | Promise<Json>;

/** A simulated AWS service: its operations by AWS's names. */
export interface AwsService {
  /** Short name as in call counts and fault rules: `ecs`, `secretsmanager`, `events`, `states`, `ssm`, `sts`, `eks`, `cloudwatch`, `dynamodb`. */
  readonly name: string;
  readonly operations: Readonly<Record<string, Operation>>;
}

/** An event as EventBridge carries it. */
export interface AwsEvent {
  readonly version: "0";
  readonly id: string;
  readonly "detail-type": string;
  readonly source: string;
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: JsonObject;
}

/** Puts an event on the default bus of its account and region. */
export type EmitEvent = (event: AwsEvent) => void;

/** A source of numbers in [0, 1) that a seed makes repeatable. */
export type Random = () => number;
