import { AwsError } from "../../base/aws-error.ts";
import type { JsonObject } from "../../base/json.ts";
import type { AwsEvent } from "../../core/event.ts";
import { compilePattern, MAX_PATTERN_CHARACTERS } from "./pattern.ts";

/** A rule of a bus. A target is a function's name or the ARN of another bus. */
export interface Rule {
  readonly name: string;
  readonly pattern: JsonObject;
  readonly targets: readonly string[];
  /** The role by which EventBridge puts the events on other buses. Functions are invoked by their own policy. */
  readonly roleArn?: string;
}

export interface Bus {
  readonly name: string;
  readonly arn: string;
  readonly account: string;
  readonly region: string;
  readonly rules: Map<string, CompiledRule>;
}

export interface CompiledRule extends Rule {
  readonly arn: string;
  readonly matches: (event: AwsEvent) => boolean;
}

const BUS_ARN = /^arn:aws[\w-]*:events:([a-z0-9-]+):(\d{12}):event-bus\/([\w./-]+)$/;
const MAX_TARGETS = 5;

/** The ARN of a bus. */
export function busArn(account: string, region: string, name: string): string {
  return `arn:aws:events:${region}:${account}:event-bus/${name}`;
}

/** All buses with their rules. Every account and region has a bus `default`. */
export class Buses {
  readonly #buses = new Map<string, Bus>();

  list(account: string, region: string): readonly Bus[] {
    this.default(account, region);
    return [...this.#buses.values()].filter((bus) => bus.account === account && bus.region === region);
  }

  all(): readonly Bus[] {
    return [...this.#buses.values()];
  }

  default(account: string, region: string): Bus {
    return this.create(account, region, "default");
  }

  /** The bus of that name. Creates it if it doesn't exist. */
  create(account: string, region: string, name: string): Bus {
    const arn = busArn(account, region, name);
    const bus = this.#buses.get(arn) ?? { name, arn, account, region, rules: new Map() };
    this.#buses.set(arn, bus);
    return bus;
  }

  /** The bus by its name in an account and region, or by its ARN; `undefined` if there is none. */
  find(account: string, region: string, nameOrArn: string | undefined): Bus | undefined {
    if (nameOrArn === undefined || nameOrArn === "default") return this.default(account, region);
    const [, arnRegion, arnAccount, name] = BUS_ARN.exec(nameOrArn) ?? [];
    if (arnRegion === undefined || arnAccount === undefined || name === undefined)
      return this.#buses.get(busArn(account, region, nameOrArn));
    return name === "default" ? this.default(arnAccount, arnRegion) : this.#buses.get(nameOrArn);
  }

  /**
   * Adds the rule to the bus, or replaces the one of its name.
   * @throws AwsError InvalidEventPatternException, ValidationException, LimitExceededException
   */
  putRule(bus: Bus, rule: Rule): void {
    if (!/^[\w.-]{1,64}$/.test(rule.name))
      throw new AwsError("ValidationException", `${rule.name} is not a valid rule name.`);
    if (JSON.stringify(rule.pattern).length > MAX_PATTERN_CHARACTERS)
      throw new AwsError(
        "InvalidEventPatternException",
        `Event pattern is not valid. Reason: it is longer than ${MAX_PATTERN_CHARACTERS} characters.`,
      );
    if (rule.targets.length > MAX_TARGETS)
      throw new AwsError("LimitExceededException", `A rule has no more than ${MAX_TARGETS} targets.`);
    const path = bus.name === "default" ? rule.name : `${bus.name}/${rule.name}`;
    const test = compilePattern(rule.pattern);
    bus.rules.set(rule.name, {
      ...rule,
      arn: `arn:aws:events:${bus.region}:${bus.account}:rule/${path}`,
      matches: (event) => test(asJson(event)),
    });
  }
}

/** True for the ARN of a bus. */
export function isBusArn(target: string): boolean {
  return BUS_ARN.test(target);
}

function asJson(event: AwsEvent): JsonObject {
  return { ...event };
}
