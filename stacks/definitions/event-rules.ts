import type { FunctionName } from "../../shared/base/vocabulary.ts";
import type { AccountRegion } from "./deployment.ts";
import type { EventPattern } from "./event-pattern.ts";

/** A rule on the default bus of every target account and region; its one target is the home bus. */
export interface ForwardedRule {
  readonly name: string;
  readonly description: string;
  readonly pattern: EventPattern;
}

/** A rule on the home bus; its targets are functions. One without any is there for its metric. */
export interface HomeRule extends ForwardedRule {
  readonly functions: readonly FunctionName[];
}

export interface EventRules {
  readonly forwardedRules: readonly ForwardedRule[];
  readonly homeRules: readonly HomeRule[];
}

/** What the rules of a deployment's heartbeats depend on. */
export interface HeartbeatOptions {
  /** What the names of its resources begin with: two stages may share an account and region. */
  readonly deployment: string;
  readonly places: readonly AccountRegion[];
}

/** What the rules of a deployment depend on. */
export interface EventPatternOptions {
  /** Events of operators, and the autopilot's own, are taken from this account alone. */
  readonly homeAccount: string;
  /** The key of the tag that enrolls a service. */
  readonly enrollTagKey: string;
  /** What the keys of the autopilot's other tags begin with. Default: what they begin with in production. */
  readonly tagPrefix?: string;
  /** The SSM parameter that holds the fleet's image. Without it there is no rule for it. */
  readonly imageParameterName?: string;
  /** Name or ARN of the secret that holds the mesh's root CA. Without it there is no rule for it. */
  readonly rootCaSecret?: string;
  /** What the names of the deployment's own alarms begin with. Without it there is no rule for them. */
  readonly alarmNamePrefix?: string;
  /** The places that send heartbeats. Without it there is no rule for them. */
  readonly heartbeats?: HeartbeatOptions;
}
