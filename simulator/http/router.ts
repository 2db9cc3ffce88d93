import type { AwsService, CallContext, Operation, Random } from "../aws/service.ts";
import { AwsError } from "../aws-error.ts";
import type { Clock } from "../clock/clock.ts";
import { type FaultMatch, type Faults, faultStatus } from "../faults.ts";
import type { Json, JsonObject } from "../json.ts";
import { callerOf, type RequestOrigin } from "./identity.ts";
import type { LabRequest, LabResponse } from "./message.ts";
import { type AddressedCall, addressedCall, callInput, errorResponse, successResponse } from "./protocols.ts";
import { randomUuid } from "./random-id.ts";
import { Throttle } from "./throttle.ts";

/** A call that the lab has answered; `error` is AWS's error name when it failed. */
export interface AnsweredCall {
  readonly service: string;
  readonly operation: string;
  readonly account: string;
  readonly region: string;
  readonly invocation: string | undefined;
  readonly input: JsonObject;
  readonly error?: string;
}

export interface RouterOptions {
  readonly services: readonly AwsService[];
  readonly clock: Clock;
  readonly faults: Faults;
  readonly random: Random;
  /** Refuse calls above AWS's default rates. Default true. */
  readonly throttling?: boolean;
}

type KnownCall = AddressedCall & { readonly service: string };

/** Takes AWS requests to the simulated services: protocols, throttling, injected faults, call counts. */
export class AwsRouter {
  readonly #services: ReadonlyMap<string, AwsService>;
  readonly #faults: Faults;
  readonly #random: Random;
  readonly #throttle: Throttle | undefined;
  readonly #calls = new Map<string, number>();
  readonly #listeners = new Set<(call: AnsweredCall) => void>();

  constructor(options: RouterOptions) {
    this.#services = new Map(options.services.map((service) => [service.name, service]));
    this.#faults = options.faults;
    this.#random = options.random;
    this.#throttle = options.throttling === false ? undefined : new Throttle(options.clock);
  }

  /** Counts of all calls so far, failed ones too, by service and operation: `{"ecs.DescribeServices": 2}`. */
  calls(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#calls].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Tells of every call once it is answered. Returns a function that ends this. */
  onCall(listener: (call: AnsweredCall) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Counts and tells a call that was answered elsewhere, such as by the DynamoDB server. */
  record(call: AnsweredCall): void {
    const name = `${call.service}.${call.operation}`;
    this.#calls.set(name, (this.#calls.get(name) ?? 0) + 1);
    for (const listener of this.#listeners) listener(call);
  }

  /** Answers an AWS request. `from` says who calls where the signature doesn't. */
  async handle(request: LabRequest, from: RequestOrigin = {}): Promise<LabResponse> {
    const requestId = randomUuid(this.#random);
    const call = addressedCall(request);
    if (!call) {
      const message = `${request.method} ${request.path} is no request of an AWS API that the lab has. It has: ${[...this.#services.keys()].join(", ")}.`;
      return errorResponse("awsJson1_1", new AwsError("UnknownOperationException", message, 404), requestId);
    }
    try {
      const context: CallContext = {
        ...callerOf(request, from),
        ...(from.invocation === undefined ? {} : { invocation: from.invocation }),
      };
      const { operation, known } = this.#operation(call);
      const output = await this.#perform(operation, known, callInput(request, call), context);
      return successResponse(call, output, requestId);
    } catch (error) {
      return errorResponse(call.protocol, asAwsError(error), requestId);
    }
  }

  #operation(call: AddressedCall): { operation: Operation; known: KnownCall } {
    const service = call.service === undefined ? undefined : this.#services.get(call.service);
    if (!service) {
      const message = `The lab has no such service. It has: ${[...this.#services.keys()].join(", ")}.`;
      throw new AwsError("UnknownOperationException", message);
    }
    const operation = Object.hasOwn(service.operations, call.operation)
      ? service.operations[call.operation]
      : undefined;
    if (!operation) {
      const supported = Object.keys(service.operations).sort().join(", ");
      throw new AwsError(
        "UnknownOperationException",
        `The lab does not support ${service.name} ${call.operation}. It supports: ${supported}.`,
      );
    }
    return { operation, known: { ...call, service: service.name } };
  }

  async #perform(operation: Operation, call: KnownCall, input: JsonObject, context: CallContext): Promise<Json> {
    const answered = {
      service: call.service,
      operation: call.operation,
      account: context.account,
      region: context.region,
      invocation: context.invocation,
      input,
    };
    try {
      this.#refuse(call, input, context);
      const output = await operation(input, context);
      this.record(answered);
      return output;
    } catch (error) {
      this.record({ ...answered, error: asAwsError(error).name });
      throw error;
    }
  }

  #refuse(call: KnownCall, input: JsonObject, context: CallContext): void {
    const { account, region } = context;
    const place: FaultMatch = { call: `${call.service}.${call.operation}`, account, region };
    const named = namedServices(input);
    const subjects = named.length === 0 ? [place] : named.map((service): FaultMatch => ({ ...place, service }));
    if (this.#faults.strike("region-down", place)) {
      throw new AwsError("ServiceUnavailable", "The region is down by a fault rule of the lab.", 503);
    }
    if (subjects.some((subject) => this.#faults.strike("throttle", subject)) || !this.#admits(call, context)) {
      throw new AwsError("ThrottlingException", "Rate exceeded");
    }
    for (const subject of subjects) {
      const fault = this.#faults.strike("api-error", subject);
      if (fault)
        throw new AwsError(fault.error, `${fault.error} by a fault rule of the lab.`, faultStatus(fault.error));
    }
  }

  #admits(call: KnownCall, { account, region }: CallContext): boolean {
    return this.#throttle?.admits({ service: call.service, operation: call.operation, account, region }) ?? true;
  }
}

function asAwsError(error: unknown): AwsError {
  if (error instanceof AwsError) return error;
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return Object.assign(new AwsError("InternalFailure", `A defect of the lab: ${message}`, 500), { cause: error });
}

/** The ECS services that a request names, as names or ARNs, for the fault rules that match on a service. */
function namedServices(input: JsonObject): readonly string[] {
  const { service, serviceName, resourceArn, services } = input;
  const single = [service, serviceName, resourceArn];
  return [...single, ...(Array.isArray(services) ? services : [])].filter((name) => typeof name === "string");
}
