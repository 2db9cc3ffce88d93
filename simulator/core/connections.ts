import type { Faults } from "../base/faults.ts";
import type { Json } from "../base/json.ts";
import type { Random } from "../base/random.ts";
import type { Clock } from "../clock/clock.ts";
import type { Authorizer } from "./authorization.ts";
import type { AwsEvent } from "./event.ts";
import type { Latency } from "./latency.ts";

/** Something that happens in one service and that others follow. Without followers a message is lost. */
export class Topic<T> {
  readonly #listeners: ((message: T) => void)[] = [];

  /** Calls the listener with every message from now on. */
  subscribe(listener: (message: T) => void): void {
    this.#listeners.push(listener);
  }

  /** Hands a message to all listeners, in the order in which they came. */
  publish(message: T): void {
    for (const listener of this.#listeners) listener(message);
  }
}

/** Something that one service is about to do and others may object to. Without judges nobody objects. */
export class Objections<T> {
  readonly #judges: ((plan: T) => string | undefined)[] = [];

  /** Asks the judge about every plan from now on; it answers with its objection, or undefined. */
  subscribe(judge: (plan: T) => string | undefined): void {
    this.#judges.push(judge);
  }

  /** The objections of all judges. */
  to(plan: T): readonly string[] {
    return this.#judges.map((judge) => judge(plan)).filter((objection) => objection !== undefined);
  }
}

/**
 * Something that one service offers and others use. Each use resolves it again: the offer may come after its users.
 */
export class Port<T> {
  readonly #what: string;
  #offer: T | undefined;

  /** `what` is the offer in words, for errors. */
  constructor(what: string) {
    this.#what = what;
  }

  /** Takes the place of an earlier offer. */
  provide(offer: T): void {
    this.#offer = offer;
  }

  /** The offer; undefined if no service makes one. */
  find(): T | undefined {
    return this.#offer;
  }

  /** @throws Error if no service offers it. */
  get(): T {
    if (this.#offer === undefined) throw new Error(`no service of this simulator provides ${this.#what}`);
    return this.#offer;
  }
}

/**
 * The text that the container gets, if the secret has one; or the error's name and message in the words of ECS's agent.
 */
export type SecretRead =
  | { readonly ok: true; readonly value?: string }
  | { readonly ok: false; readonly reason: string; readonly unreachable?: true };

/** Reads secrets for tasks that are about to start. */
export interface SecretReader {
  /** Whether a task can read what a container's `valueFrom` names; if not, the error, and whether an answer came. */
  canRead(request: {
    readonly account: string;
    readonly region: string;
    readonly valueFrom: string;
    readonly executionRoleArn: string | undefined;
    /** The task's service, which a fault rule may name. */
    readonly serviceArn: string;
  }): SecretRead;
}

/** A container that is about to start, with the values that its definition and its secrets give it. */
export interface StartingContainer {
  readonly taskArn: string;
  readonly container: string;
  /** Whose credentials it finds. */
  readonly taskRoleArn: string | undefined;
  readonly environment: ReadonlyMap<string, string>;
}

/** A task of a service that is pending, runs, got healthy or has stopped. */
export interface TaskChange {
  readonly taskArn: string;
  readonly serviceArn: string;
  readonly serviceName: string;
  readonly lastStatus: string;
  readonly healthy: boolean;
  /** Undefined without a network interface of its own. */
  readonly ipAddress: string | undefined;
  readonly containers: readonly string[];
  readonly tags: ReadonlyMap<string, string>;
  readonly clusterTags: ReadonlyMap<string, string>;
}

/** A service that was created, retagged or deleted, or whose cluster was retagged. */
export interface ServiceChange {
  /** In the long format, also where the service's own ARN is short. */
  readonly serviceArn: string;
  readonly serviceName: string;
  readonly clusterName: string;
  readonly account: string;
  readonly region: string;
  readonly exists: boolean;
  readonly tags: ReadonlyMap<string, string>;
  readonly clusterTags: ReadonlyMap<string, string>;
}

/** An alarm that has another state than before. */
export interface AlarmChange {
  readonly account: string;
  readonly region: string;
  readonly alarmName: string;
  readonly state: string;
}

/** Runs functions: a simulated Lambda, or its stand-in. */
export interface Functions {
  /**
   * Runs a function and returns its answer. The name of the error that it rejects with becomes the error's name in a
   * state machine; its message, name and stack the cause. The signal is aborted when the answer is no longer awaited.
   */
  invoke(
    functionName: string,
    payload: Json,
    context: { readonly executionArn: string; readonly stateName: string; readonly signal: AbortSignal },
  ): Promise<Json>;
  /** Hands over an event and does not wait. It never rejects: the functions handle their own failures. */
  invokeAsync(functionName: string, event: Json): void;
  /** The function's ARN, which permissions are on. Needed where a simulator has IAM. */
  arnOf?(functionName: string): string;
}

/** How the services of a simulator reach one another, regardless of the order in which they were added. */
export interface Connections {
  /** Events that services emit: each belongs on the default bus of its account and region. */
  readonly events: Topic<AwsEvent>;
  readonly taskChanges: Topic<TaskChange>;
  readonly serviceChanges: Topic<ServiceChange>;
  readonly alarmChanges: Topic<AlarmChange>;
  /** Objections to a container that has a health check keep it from ever passing. */
  readonly containerStarts: Objections<StartingContainer>;
  readonly secretReader: Port<SecretReader>;
  readonly functions: Port<Functions>;
  /** Without an offer, every call is allowed. */
  readonly authorizer: Port<Authorizer>;
}

/** What a service finds around it. */
export interface SimulatorContext extends Connections {
  readonly clock: Clock;
  readonly random: Random;
  readonly faults: Faults;
  /** What calls take; the router puts it around every call of an AWS API. */
  readonly latency: Latency;
}

/** New connections, without listeners and offers. */
export function newConnections(): Connections {
  return {
    events: new Topic(),
    taskChanges: new Topic(),
    serviceChanges: new Topic(),
    alarmChanges: new Topic(),
    containerStarts: new Objections(),
    secretReader: new Port("secrets: add Secrets Manager"),
    functions: new Port("functions: give them to the port `functions`"),
    authorizer: new Port("permissions: make an Iam with the context"),
  };
}
