import type { FunctionName } from "../../shared/base/vocabulary.ts";
import { autopilotRules, operatorRules } from "./autopilot-rules.ts";
import { awsRules } from "./aws-rules.ts";
import type { EventPatternOptions, EventRules, ForwardedRule, HomeRule } from "./event-rules.ts";
import { forwardedHeartbeat, heartbeatRules } from "./heartbeat.ts";

export type { EventPatternOptions, EventRules, HomeRule } from "./event-rules.ts";

/** A function that runs on a schedule. */
export interface Schedule {
  readonly name: string;
  readonly functionName: FunctionName;
  readonly everyMinutes: number;
}

/**
 * The rules of a deployment. Each pattern has at most 2,048 characters, EventBridge's limit. An event is never trusted:
 * it only names what to read again.
 */
export function eventPatterns(options: EventPatternOptions): EventRules {
  const fromAws = awsRules(options);
  const { heartbeats } = options;
  return {
    forwardedRules: [...forwarded(fromAws), ...(heartbeats ? [forwardedHeartbeat(heartbeats)] : [])],
    homeRules: [
      ...fromAws,
      ...autopilotRules(options),
      ...operatorRules(options),
      ...(heartbeats ? heartbeatRules(heartbeats) : []),
    ],
  };
}

/** Functions that run on a schedule, because events can be lost. */
export const schedules: readonly Schedule[] = [
  { name: "sweep-services", functionName: "sweep-services", everyMinutes: 15 },
  { name: "watch-root-ca", functionName: "watch-root-ca", everyMinutes: 5 },
  { name: "request-rollouts", functionName: "rollout/request", everyMinutes: 5 },
  { name: "guard-rollout", functionName: "rollout/guard", everyMinutes: 1 },
  { name: "report-rollouts", functionName: "rollout/report", everyMinutes: 1 },
];

/** Rules whose events a wider rule forwards already: an event must not be forwarded twice. */
const narrowerRules: readonly string[] = ["deployment-started-or-completed", "mesh-task-failed"];

/** Events are forwarded by the very patterns of the home bus's rules. */
function forwarded(rules: readonly HomeRule[]): ForwardedRule[] {
  return rules
    .filter(({ name }) => !narrowerRules.includes(name))
    .map(({ name, description, pattern }) => ({ name, description, pattern }));
}
