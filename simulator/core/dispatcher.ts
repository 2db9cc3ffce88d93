import { AwsError } from "../base/aws-error.ts";
import { type FaultMatch, type Faults, faultStatus } from "../base/faults.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { Clock } from "../clock/clock.ts";
import { Throttle } from "../http/throttle.ts";
import type { Authorizer } from "./authorization.ts";
import { authorize } from "./authorize.ts";
import type { Latency } from "./latency.ts";
import type { Call, Operation } from "./service.ts";

export interface DispatcherOptions {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly latency: Latency;
  /** Who decides what is allowed; undefined when nobody does. */
  readonly authorizer: () => Authorizer | undefined;
  /** Refuse calls above AWS's default rates. */
  readonly throttling: boolean;
}

/**
 * Where every call of every AWS API goes through, with its account, region, operation and input known: what is done to
 * all calls, before or after their effect, is done here. Around: latency. Before: fault rules, AWS's rates and
 * permissions.
 */
export class Dispatcher {
  readonly #faults: Faults;
  readonly #throttle: Throttle | undefined;
  readonly #latency: Latency;
  readonly #authorizer: DispatcherOptions["authorizer"];

  constructor(options: DispatcherOptions) {
    this.#faults = options.faults;
    this.#latency = options.latency;
    this.#authorizer = options.authorizer;
    this.#throttle = options.throttling ? new Throttle(options.clock) : undefined;
  }

  /** The answer of the operation. @throws AwsError when the call is refused, or the operation fails */
  perform(call: Call, operation: Operation): Json | Promise<Json> {
    return this.#latency.around(placeOf(call), () => {
      this.#admit(call);
      authorize(call, this.#authorizer());
      const perform = () => operation(call.input, call.context);
      return this.#losesAnswer(call) ? lost(perform) : perform();
    });
  }

  #losesAnswer(call: Call): boolean {
    const place = placeOf(call);
    const named = namedServices(call.input);
    const subjects = named.length === 0 ? [place] : named.map((service): FaultMatch => ({ ...place, service }));
    return subjects.some((subject) => this.#faults.strike("lost-answer", subject) !== undefined);
  }

  #admit(call: Call): void {
    const place = placeOf(call);
    const named = namedServices(call.input);
    const subjects = named.length === 0 ? [place] : named.map((service): FaultMatch => ({ ...place, service }));
    if (this.#faults.strike("region-down", place)) {
      throw new AwsError("ServiceUnavailable", "The region is down by a fault rule.", 503);
    }
    if (subjects.some((subject) => this.#faults.strike("throttle", subject)) || !this.#isBelowRate(call)) {
      throw new AwsError("ThrottlingException", "Rate exceeded");
    }
    for (const subject of subjects) {
      const fault = this.#faults.strike("api-error", subject);
      if (!fault) continue;
      const { error, message = `${error} by a fault rule.` } = fault;
      throw new AwsError(error, message, faultStatus(error));
    }
  }

  #isBelowRate({ service, operation, context }: Call): boolean {
    const rate = this.#throttle && service.rateOf?.(operation, context.region);
    return !rate || this.#throttle.admits({ ...context, service: service.name }, rate);
  }
}

function placeOf({ service, operation, context: { account, region } }: Call): FaultMatch {
  return { call: `${service.name}.${operation}`, account, region };
}

/** The ECS services that a request names, as names or ARNs, for the fault rules that match on a service. */
function namedServices(input: JsonObject): readonly string[] {
  const { service, serviceName, resourceArn, services } = input;
  const single = [service, serviceName, resourceArn];
  return [...single, ...(Array.isArray(services) ? services : [])].filter((name) => typeof name === "string");
}

/** What the simulated AWS says where `lost-answer` has struck. */
export const LOST_ANSWER = "The answer was lost by a fault rule.";

/** Has the call's effect, and answers that AWS failed. */
function lost(perform: () => Json | Promise<Json>): Promise<never> {
  const fail = () => Promise.reject(new AwsError("InternalServerError", LOST_ANSWER, 500));
  return Promise.resolve().then(perform).then(fail, fail);
}
