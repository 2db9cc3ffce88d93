import type { EventBridge } from "@ztunnel-autopilot/simulator";
import { isJsonObject, type JsonObject } from "../../shared/base/json.ts";
import { DEFAULT_NAME } from "../../shared/base/vocabulary.ts";
import type { Config } from "../../shared/config/config.ts";
import type { EventPatternOptions, EventRules } from "../../stacks/definitions/event-patterns.ts";

interface Place {
  readonly account: string;
  readonly region: string;
}

/** What the rules depend on in the configuration. */
export function ruleOptions({ name, homeAccount, enrollTagKey, ztunnel, rootCaSecret }: Config): EventPatternOptions {
  const { imageParameter } = ztunnel;
  return {
    homeAccount,
    enrollTagKey,
    alarmNamePrefix: `${name}-`,
    ...(imageParameter !== undefined && { imageParameterName: imageParameter }),
    ...(rootCaSecret !== undefined && { rootCaSecret }),
  };
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
  homeBusName: string = DEFAULT_NAME,
): string {
  const homeBusArn = eventBridge.createBus(home.account, home.region, homeBusName);
  for (const { name, pattern, functions } of rules.homeRules)
    eventBridge.putRule({ ...home, busName: homeBusName }, { name, pattern: asJson(pattern), targets: functions });
  for (const { account, region } of targets)
    for (const { name, pattern } of rules.forwardedRules)
      eventBridge.putRule({ account, region }, { name, pattern: asJson(pattern), targets: [homeBusArn] });
  return homeBusArn;
}

function asJson(pattern: unknown): JsonObject {
  if (isJsonObject(pattern)) return pattern;
  throw new TypeError("an event pattern is an object");
}
