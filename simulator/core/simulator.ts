import { Faults } from "../base/faults.ts";
import { type Random, seededRandom } from "../base/random.ts";
import type { Clock } from "../clock/clock.ts";
import type { RequestOrigin } from "../http/identity.ts";
import type { SimulatorRequest, SimulatorResponse } from "../http/message.ts";
import { newConnections, type SimulatorContext } from "./connections.ts";
import { Latency } from "./latency.ts";
import { AwsRouter } from "./router.ts";
import type { HttpService, SimulatedService } from "./service.ts";

export interface SimulatorOptions {
  /** The time that everything goes by. */
  readonly clock: Clock;
  /** Decides ids, durations and what is left to chance: with the same seed a run is the same. Default 1. */
  readonly seed?: number;
  /** Numbers in place of those that the seed decides. */
  readonly random?: Random;
  /** Refuse calls above AWS's default rates. Default true. */
  readonly throttling?: boolean;
  /** Calls take time, of which the seed decides how much. Default false: then they take none. */
  readonly latency?: boolean;
}

/** Far from the seeds of everything else. */
const LATENCY_SEED = 2_000_003;

/**
 * A world of simulated services that share a clock, a source of chance and fault rules.
 *
 * A service is made with the context and so connects itself to the others, whichever came first: it publishes and
 * follows topics, and offers and uses what the ports carry.
 */
export class Simulator {
  readonly faults: Faults;
  readonly context: SimulatorContext;
  /** The AWS APIs: call counts, and calls one by one as they are answered. */
  readonly router: AwsRouter;
  readonly #httpServices: HttpService[] = [];

  constructor({ clock, seed = 1, random = seededRandom(seed), throttling = true, latency = false }: SimulatorOptions) {
    const faults = new Faults(() => clock.now());
    const ways = new Latency({ clock, random: seededRandom(seed + LATENCY_SEED), faults, on: latency });
    this.faults = faults;
    const connections = newConnections();
    const authorizer = () => connections.authorizer.find();
    this.context = { clock, random, faults, latency: ways, ...connections };
    this.router = new AwsRouter({ clock, random, faults, latency: ways, throttling, authorizer });
  }

  /** Makes a service in this simulator, whose requests `handle` answers from now on. Returns the service. */
  add<Service extends SimulatedService>(create: (context: SimulatorContext) => Service): Service {
    const service = create(this.context);
    if ("path" in service) this.#httpServices.push(service);
    else this.router.add(service);
    return service;
  }

  /**
   * Answers a request of any service: by its path, else as one of an AWS API. `from` says who calls where the signature
   * doesn't. Never rejects for what a real service would answer with an error.
   */
  readonly handle = (request: SimulatorRequest, from: RequestOrigin = {}): Promise<SimulatorResponse> => {
    const service = this.#httpServiceAt(request.path);
    return service ? this.#answerOf(service, request) : this.router.handle(request, from);
  };

  /** A request's name in counts: `ecs.UpdateService`, or for a service by its path `slack.POST`. */
  callName(request: SimulatorRequest): string {
    const service = this.#httpServiceAt(request.path);
    return service ? `${service.name}.${request.method}` : this.router.callName(request);
  }

  /** Async: what a service throws, though it should not, is a rejection. */
  async #answerOf(service: HttpService, request: SimulatorRequest): Promise<SimulatorResponse> {
    const subject = { call: `${service.name}.${request.method}`, ...service.place };
    return this.context.latency.around(subject, () => service.handle(request));
  }

  #httpServiceAt(path: string): HttpService | undefined {
    return this.#httpServices.find((service) => path.startsWith(service.path));
  }
}
