import type { EventBridge } from "@ztunnel-autopilot/simulator";
import { isJsonObject, type JsonObject } from "../../shared/base/json.ts";
import { DEFAULT_NAME } from "../../shared/base/vocabulary.ts";
import type { EventRules } from "../../stacks/definitions/event-patterns.ts";

interface Place {
  readonly account: string;
  readonly region: string;
}

/** What the home bus is called, which the forwarding rules' names begin with, and by which role those forward. */
interface RuleNames {
  readonly name: string;
  readonly forwardingRole?: (account: string) => string;
}

/**
 * Lays out the product's buses and rules as its stacks do: the home bus, its rules to functions, and on every target's
 * default bus the rules that forward to it. Returns the home bus's ARN.
 */
export function installRules(
  eventBridge: EventBridge,
  rules: EventRules,
  home: Place,
  targets: readonly Place[],
  { name, forwardingRole }: RuleNames = { name: DEFAULT_NAME },
): string {
  const homeBusArn = eventBridge.createBus(home.account, home.region, name);
  for (const rule of rules.homeRules)
    eventBridge.putRule(
      { ...home, busName: name },
      { name: rule.name, pattern: asJson(rule.pattern), targets: rule.functions },
    );
  for (const { account, region } of targets) {
    const roleArn = forwardingRole?.(account);
    for (const rule of rules.forwardedRules)
      eventBridge.putRule(
        { account, region },
        {
          name: `${name}-${rule.name}`,
          pattern: asJson(rule.pattern),
          targets: [homeBusArn],
          ...(roleArn !== undefined && { roleArn }),
        },
      );
  }
  return homeBusArn;
}

function asJson(pattern: unknown): JsonObject {
  if (isJsonObject(pattern)) return pattern;
  throw new TypeError("an event pattern is an object");
}
