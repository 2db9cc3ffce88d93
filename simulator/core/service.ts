import type { Json, JsonObject } from "../base/json.ts";
import type { SimulatorRequest, SimulatorResponse } from "../http/message.ts";
import type { Protocol } from "../http/protocols.ts";
import type { Rate } from "../http/throttle.ts";
import type { Need, Principal } from "./authorization.ts";

/** The account and region that a call is for, as the access key and the signature say, and the caller. */
export interface CallContext {
  readonly account: string;
  readonly region: string;
  /** The Lambda invocation that makes the call; undefined for an operator's own call. */
  readonly invocation?: string;
  /** The caller, where the simulator knows one; else the account's administrator. */
  readonly principal?: Principal;
}

/** One API operation: takes the parsed request, returns the response body, throws `AwsError` as AWS would. */
export type Operation = (input: JsonObject, context: CallContext) => Json | Promise<Json>;

/**
 * What a call needs, as the service authorization reference says. The input is as it came: the operation has not
 * checked it yet.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
 */
export type NeedsOf = (input: JsonObject, context: CallContext) => readonly Need[];

/** By operation. */
export type NeedsTable = Readonly<Record<string, NeedsOf>>;

/** A service with an AWS API. */
export interface AwsService {
  /** Its short name in call counts and fault rules: `ecs`, `secretsmanager`, `events`. */
  readonly name: string;
  /** How its requests are known and read, and its answers written. */
  readonly protocol: Protocol;
  /** By AWS's names. */
  readonly operations: Readonly<Record<string, Operation>>;
  /** What the operations need to be allowed. Every one of them has an entry where the simulator has IAM. */
  readonly needs?: NeedsTable;
  /** AWS's default rate of an operation in a region; undefined, or no member at all, where nothing is throttled. */
  readonly rateOf?: (operation: string, region: string) => Rate | undefined;
}

/** A call of an operation that there is, on its way to it. */
export interface Call {
  readonly service: AwsService;
  readonly operation: string;
  readonly input: JsonObject;
  readonly context: CallContext;
}

/** A service outside AWS's APIs. It answers every HTTP request below a path. */
export interface HttpService {
  readonly name: string;
  /** Where its requests begin, such as `/slack/`. */
  readonly path: string;
  /** What it is, for the fault rules that match on it. */
  readonly place?: { readonly controlPlane: string };
  /** Answers a request. It never rejects for what the real service would answer with an error. */
  handle(request: SimulatorRequest): Promise<SimulatorResponse>;
}

/** What a simulator can be given: it calls, and knows, nothing else of a service. */
export type SimulatedService = AwsService | HttpService;
