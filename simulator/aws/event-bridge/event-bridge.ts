import type { FaultMatch } from "../../base/faults.ts";
import type { JsonObject } from "../../base/json.ts";
import { randomUuid } from "../../base/random-id.ts";
import type { SimulatorContext } from "../../core/connections.ts";
import type { AwsEvent } from "../../core/event.ts";
import type { AwsService, Operation } from "../../core/service.ts";
import { type Bus, Buses, type CompiledRule, isBusArn, type Rule } from "./buses.ts";
import { eventBridgeNeeds } from "./needs.ts";
import { createOperations } from "./operations.ts";
import { targetRefusal } from "./target-refusal.ts";

export interface EventBridgeOptions {
  /** How long a hand-over takes, at least and at most. Later events may be handed over before earlier ones. */
  readonly latencyMs?: { readonly min: number; readonly max: number };
  /** How probable it is that an event is handed over to a target twice. */
  readonly duplicateProbability?: number;
  /** How many events the log keeps. */
  readonly logLimit?: number;
}

/** An event on a bus, and how it was delivered. */
export interface LoggedEvent {
  readonly event: AwsEvent;
  readonly busArn: string;
  readonly atMs: number;
  readonly matchedRules: readonly string[];
  /** The fault that struck, or why a rule's target did not get the event. */
  readonly notes: readonly string[];
}

/** An event on its way: `fromBus` names the bus that forwarded it. */
interface Arrival {
  readonly event: AwsEvent;
  readonly bus: Bus;
  readonly fromBus: Bus | undefined;
}

/** How often to check whether a region that is down is up again. */
const HELD_BACK_MS = 5_000;

/**
 * EventBridge: buses and rules, with deliveries that are late, doubled, out of order or lost. A rule's target is
 * another bus, or a function, which is invoked asynchronously.
 */
export class EventBridge implements AwsService {
  readonly name = "events";
  readonly protocol = { kind: "awsJson1_1", target: "AWSEvents" } as const;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly needs = eventBridgeNeeds;
  readonly #context: SimulatorContext;
  readonly #options: Required<EventBridgeOptions>;
  readonly #buses = new Buses();
  #log: LoggedEvent[] = [];
  readonly #listeners: ((event: AwsEvent, atMs: number) => void)[] = [];

  constructor(context: SimulatorContext, options: EventBridgeOptions = {}) {
    this.#context = context;
    this.#options = { latencyMs: { min: 50, max: 800 }, duplicateProbability: 0, logLimit: 10_000, ...options };
    this.operations = createOperations({
      buses: this.#buses,
      now: () => context.clock.now(),
      newId: () => this.newEventId(),
      put: (bus, event) => this.#enter(bus, event),
    });
    context.events.subscribe((event) => this.emit(event));
  }

  /** Creates a bus if it doesn't exist yet. Returns its ARN. */
  createBus(account: string, region: string, name: string): string {
    return this.#buses.create(account, region, name).arn;
  }

  /**
   * Adds a rule to a bus, or replaces the one of its name.
   * @throws AwsError InvalidEventPatternException when the pattern has anything that the simulator does not implement
   */
  putRule(place: { readonly account: string; readonly region: string; readonly busName?: string }, rule: Rule): void {
    this.#buses.putRule(this.#buses.create(place.account, place.region, place.busName ?? "default"), rule);
  }

  /** Takes a rule away from a bus, as somebody does who deletes it. False when there is none of the name. */
  removeRule(place: { readonly account: string; readonly region: string; readonly busName?: string }, name: string) {
    return this.#buses.create(place.account, place.region, place.busName ?? "default").rules.delete(name);
  }

  /** Puts an AWS service's event on the default bus of its account and region. */
  emit(event: AwsEvent): void {
    this.#enter(this.#buses.default(event.account, event.region), event);
  }

  /** Calls the listener with each event that arrives on a bus, also where no log is kept. */
  onEvent(listener: (event: AwsEvent, atMs: number) => void): void {
    this.#listeners.push(listener);
  }

  /** The events that arrived on buses, the oldest first. */
  log(): readonly LoggedEvent[] {
    return this.#log;
  }

  /** Buses with their rules. */
  state(): readonly JsonObject[] {
    return this.#buses.all().map(({ arn, rules }) => ({
      busArn: arn,
      rules: [...rules.values()].map(({ name, pattern, targets }) => ({ name, pattern, targets })),
    }));
  }

  /** An event's id in UUID form, from the seeded random source. */
  newEventId(): string {
    return randomUuid(this.#context.random);
  }

  /** Where a fault can strike: once, when the event enters its first bus. While its region is down it is held back. */
  #enter(bus: Bus, event: AwsEvent): void {
    const arrival = { event, bus, fromBus: undefined };
    const subject = faultSubject(event);
    if (this.#context.faults.strike("lose-event", subject)) {
      this.#record(arrival, [], ["lose-event"]);
      return;
    }
    const delay = this.#context.faults.strike("delay-event", subject);
    const duplicate = this.#context.faults.strike("duplicate-event", subject);
    const notes = [delay, duplicate].flatMap((rule) => (rule === undefined ? [] : [rule.kind]));
    const extraMs = (delay?.delaySeconds ?? 0) * 1000;
    const dispatch = (...more: readonly string[]) => {
      this.#dispatch(arrival, extraMs, [...notes, ...more]);
      if (duplicate !== undefined) this.#dispatch(arrival, extraMs, ["duplicate"]);
    };
    const { account, region } = event;
    // A rule that names a call concerns that call alone, no events.
    const isDown = () => this.#context.faults.inForce("region-down", { account, region });
    if (isDown()) void this.#until(() => !isDown()).then(() => dispatch("region-down"));
    else dispatch();
  }

  async #until(holds: () => boolean): Promise<void> {
    do await this.#context.clock.sleep(HELD_BACK_MS);
    while (!holds());
  }

  #dispatch(arrival: Arrival, extraMs: number, givenNotes: readonly string[]): void {
    const notes = [...givenNotes];
    const rules = [...arrival.bus.rules.values()].filter((rule) => rule.matches(arrival.event));
    for (const rule of rules)
      for (const target of rule.targets) {
        const refusal = refuseHop(arrival, target);
        if (refusal === undefined) this.#schedule(arrival, rule, target, extraMs);
        else notes.push(`${rule.name}: ${refusal}`);
      }
    this.#record(arrival, rules, notes);
  }

  #schedule(arrival: Arrival, rule: CompiledRule, target: string, extraMs: number): void {
    const { clock, random } = this.#context;
    const { latencyMs, duplicateProbability } = this.#options;
    const copies = random() < duplicateProbability ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const latency = latencyMs.min + random() * (latencyMs.max - latencyMs.min);
      // Deliveries are not awaited: an error in one is a defect of the simulator and ends the process.
      void clock.sleep(extraMs + latency).then(() => this.#handOver(arrival, rule, target));
    }
  }

  #handOver(arrival: Arrival, rule: CompiledRule, target: string): void {
    const { event, bus } = arrival;
    const refused = targetRefusal(this.#context, { event, rule, target, place: bus });
    if (refused !== undefined) {
      this.#record(arrival, [rule], [`${rule.name}: NO_PERMISSIONS ${refused}`]);
      return;
    }
    if (!isBusArn(target)) {
      this.#context.functions.get().invokeAsync(target, { ...event });
      return;
    }
    const targetBus = this.#buses.find(bus.account, bus.region, target);
    if (targetBus === undefined) this.#record({ event, bus, fromBus: undefined }, [rule], [`no bus ${target}`]);
    else this.#dispatch({ event, bus: targetBus, fromBus: bus }, 0, []);
  }

  #record({ event, bus }: Arrival, rules: readonly CompiledRule[], notes: readonly string[]): void {
    for (const listener of this.#listeners) listener(event, this.#context.clock.now());
    if (this.#options.logLimit === 0) return;
    const matchedRules = rules.map(({ name }) => name);
    this.#log.push({ event, busArn: bus.arn, atMs: this.#context.clock.now(), matchedRules, notes });
    if (this.#log.length > this.#options.logLimit * 1.1) this.#log = this.#log.slice(-this.#options.logLimit);
  }
}

/**
 * Why an event that came from another bus does not go on to a further one.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
 */
function refuseHop({ bus, fromBus }: Arrival, target: string): string | undefined {
  if (fromBus === undefined || !isBusArn(target)) return undefined;
  const [, , , region, account] = target.split(":");
  if (account !== bus.account) return "THIRD_ACCOUNT_HOP_DETECTED";
  return region === bus.region ? "an event that came from another bus is not forwarded" : "THIRD_REGION_HOP_DETECTED";
}

/** What a fault rule can match of an event. */
function faultSubject(event: AwsEvent): FaultMatch {
  const service = serviceOf(event);
  return {
    account: event.account,
    region: event.region,
    detailType: event["detail-type"],
    ...(service === undefined ? {} : { service }),
  };
}

/** The ARN of the ECS service that an event is about; CloudTrail's and tasks' events name it in their own ways. */
function serviceOf({ resources, detail }: AwsEvent): string | undefined {
  const arn = resources.find((resource) => resource.includes(":service/"));
  if (arn !== undefined) return arn;
  const { group, clusterArn, serviceArn } = detail;
  if (typeof group === "string" && typeof clusterArn === "string" && group.startsWith("service:"))
    return `${clusterArn.replace(":cluster/", ":service/")}/${group.slice("service:".length)}`;
  return typeof serviceArn === "string" ? serviceArn : undefined;
}
