import { AwsError } from "../base/aws-error.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { Random } from "../base/random.ts";
import { randomUuid } from "../base/random-id.ts";
import { callerOf, type RequestOrigin } from "../http/identity.ts";
import type { SimulatorRequest, SimulatorResponse } from "../http/message.ts";
import { callInput, errorResponse, successResponse } from "../http/protocols.ts";
import { Dispatcher, type DispatcherOptions } from "./dispatcher.ts";
import type { AwsService, Call, CallContext, Operation } from "./service.ts";
import { type AddressedCall, AwsServices } from "./services.ts";

/** A call that was answered: with `output`, or with AWS's `error` name and the HTTP `status`. */
export interface AnsweredCall {
  readonly service: string;
  readonly operation: string;
  readonly account: string;
  readonly region: string;
  readonly invocation: string | undefined;
  readonly input: JsonObject;
  /** Undefined for a call that failed, and for one that was answered elsewhere. */
  readonly output?: Json;
  readonly error?: string;
  readonly status?: number;
}

export interface RouterOptions extends DispatcherOptions {
  readonly random: Random;
}

/** Takes AWS requests to the services, and counts the calls. */
export class AwsRouter {
  readonly #services = new AwsServices();
  readonly #random: Random;
  readonly #dispatcher: Dispatcher;
  readonly #authorizer: DispatcherOptions["authorizer"];
  readonly #counts = new Map<string, number>();
  readonly #listeners = new Set<(call: AnsweredCall) => void>();

  constructor(options: RouterOptions) {
    this.#random = options.random;
    this.#dispatcher = new Dispatcher(options);
    this.#authorizer = options.authorizer;
  }

  /** @throws Error if there is a service of that name. */
  add(service: AwsService): void {
    this.#services.add(service);
  }

  /** Every operation that can be called, as `ecs.UpdateService`, sorted. */
  operations(): readonly string[] {
    return this.#services.operations();
  }

  /** Counts of all calls so far, failed ones too, by service and operation: `{"ecs.DescribeServices": 2}`. */
  calls(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Calls the listener with every call once it is answered. Returns a function that ends this. */
  onCall(listener: (call: AnsweredCall) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Counts a call, and hands it to the listeners: also one that was answered elsewhere, such as by DynamoDB's server.
   */
  record(call: AnsweredCall): void {
    const name = `${call.service}.${call.operation}`;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    for (const listener of this.#listeners) listener(call);
  }

  /** A request's service and operation, such as `ecs.UpdateService`; `unknown` for what there is not. */
  callName(request: SimulatorRequest): string {
    const call = this.#services.addressedBy(request);
    return call ? `${call.service?.name ?? "unknown"}.${call.operation}` : "unknown";
  }

  /** Answers an AWS request. `from` says who calls where the signature doesn't. */
  async handle(request: SimulatorRequest, from: RequestOrigin = {}): Promise<SimulatorResponse> {
    const requestId = randomUuid(this.#random);
    const addressed = this.#services.addressedBy(request);
    if (!addressed) {
      const message = `${request.method} ${request.path} does not address an AWS API of the simulator. It has: ${this.#services.names().join(", ")}.`;
      return errorResponse(undefined, new AwsError("UnknownOperationException", message, 404), requestId);
    }
    const protocol = addressed.service?.protocol;
    try {
      const context = this.#contextOf(request, from);
      const { service, perform } = this.#operationOf(addressed);
      const { operation } = addressed;
      const call = { service, operation, input: callInput(service.protocol, request), context };
      return successResponse(service.protocol, operation, await this.#perform(call, perform), requestId);
    } catch (error) {
      return errorResponse(protocol, asAwsError(error), requestId);
    }
  }

  /** A session's key says whose it is; the other keys say the account, or nothing. */
  #contextOf(request: SimulatorRequest, from: RequestOrigin): CallContext {
    const { accessKeyId, account, region } = callerOf(request, from);
    const principal = accessKeyId === undefined ? undefined : this.#authorizer()?.principalOf(accessKeyId);
    const { invocation } = from;
    return {
      account: principal && "account" in principal ? principal.account : account,
      region,
      ...(principal && { principal }),
      ...(invocation !== undefined && { invocation }),
    };
  }

  #operationOf({ service, operation }: AddressedCall): { service: AwsService; perform: Operation } {
    if (!service) {
      const message = `The simulator has no such service. It has: ${this.#services.names().join(", ")}.`;
      throw new AwsError("UnknownOperationException", message);
    }
    const perform = Object.hasOwn(service.operations, operation) ? service.operations[operation] : undefined;
    if (perform) return { service, perform };
    const supported = Object.keys(service.operations).sort().join(", ");
    throw new AwsError(
      "UnknownOperationException",
      `The simulator does not support ${service.name} ${operation}. It supports: ${supported}.`,
    );
  }

  async #perform(call: Call, perform: Operation): Promise<Json> {
    const { service, operation, input, context } = call;
    const { account, region, invocation } = context;
    const answered = { service: service.name, operation, account, region, invocation, input };
    try {
      const output = await this.#dispatcher.perform(call, perform);
      this.record({ ...answered, output });
      return output;
    } catch (error) {
      const { name, statusCode } = asAwsError(error);
      this.record({ ...answered, error: name, status: statusCode });
      throw error;
    }
  }
}

function asAwsError(error: unknown): AwsError {
  if (error instanceof AwsError) return error;
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return Object.assign(new AwsError("InternalFailure", `A defect of the simulator: ${message}`, 500), { cause: error });
}
