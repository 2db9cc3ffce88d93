import type { JsonObject } from "../../../shared/base/json.ts";
import { eventPatterns } from "../../../stacks/definitions/event-patterns.ts";
import type { HomeRule } from "../../../stacks/definitions/event-rules.ts";

/** A pattern with a name of its own. */
export interface NamedPattern {
  readonly name: string;
  readonly pattern: unknown;
  /** The rule on the home bus that has it; undefined for a pattern that no rule has. */
  readonly rule?: HomeRule;
}

const homeAccount = "123456789012";
const arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:mesh/root-ca-AbCdEf";

/** The rules of the richest and of the smallest configuration, and what only other ones have. */
const configurations = {
  rich: {
    homeAccount,
    enrollTagKey: "ztunnel-autopilot/enroll",
    imageParameterName: "/ztunnel-autopilot/image",
    rootCaSecret: "mesh/root-ca",
    alarmNamePrefix: "ztunnel-autopilot-prod-",
  },
  small: { homeAccount, enrollTagKey: "mesh.example.com/on" },
  "secret by ARN": { homeAccount, enrollTagKey: "ecs.solo.io/namespace", rootCaSecret: arn },
};

/** Operators beyond those that the rules use today, on members that the sample events have. */
const operators: Readonly<Record<string, JsonObject>> = {
  "a number": { detail: { version: [3] } },
  null: { detail: { responseElements: [null] } },
  "numeric =": { detail: { version: [{ numeric: ["=", 3] }] } },
  "numeric range": { detail: { version: [{ numeric: [">", 2, "<=", 4] }] } },
  "numeric in an array": { detail: { remainingResources: { integerValue: [{ numeric: ["<", 1000] }] } } },
  prefix: { source: [{ prefix: "aws." }] },
  "prefix in any case": { detail: { eventName: [{ prefix: { "equals-ignore-case": "service_" } }] } },
  suffix: { "detail-type": [{ suffix: "Change" }] },
  "suffix in any case": { "detail-type": [{ suffix: { "equals-ignore-case": "CHANGE" } }] },
  "equals-ignore-case": { source: [{ "equals-ignore-case": "AWS.ECS" }] },
  wildcard: { resources: [{ wildcard: "arn:aws:ecs:*:service/*" }] },
  "wildcard in the middle": { resources: [{ wildcard: "arn:*:ecs:*-*:111122223333:*/ecs-demo/*" }] },
  "anything-but": { source: [{ "anything-but": ["aws.ecs", "aws.ssm"] }] },
  "anything-but a number": { detail: { version: [{ "anything-but": [3, 4] }] } },
  "anything-but prefix": { source: [{ "anything-but": { prefix: "aws." } }] },
  "anything-but suffix": { "detail-type": [{ "anything-but": { suffix: "Change" } }] },
  "anything-but in any case": { source: [{ "anything-but": { "equals-ignore-case": ["AWS.ECS"] } }] },
  "anything-but wildcard": { "detail-type": [{ "anything-but": { wildcard: "*State*" } }] },
  "anything-but in an array": { resources: [{ "anything-but": { prefix: "arn:aws:ecs" } }] },
  exists: { detail: { clusterArn: [{ exists: true }] } },
  "exists: false": { detail: { clusterArn: [{ exists: false }] } },
  "exists: false below objects": { detail: { configuration: { description: [{ exists: false }] } } },
  "exists: false or a value": { detail: { eventType: [{ exists: false }, "ERROR"] } },
  "objects of an array": { detail: { containers: { name: ["ztunnel"], lastStatus: ["STOPPED"] } } },
  "arrays in objects of an array": {
    detail: { attachments: { details: { name: ["subnetId"], value: [{ prefix: "subnet-" }] } } },
  },
  $or: { $or: [{ source: ["aws.ecs"] }, { detail: { service: ["ec2"] } }] },
  "$or in $or": { detail: { $or: [{ status: ["ACTIVE"] }, { $or: [{ version: [3] }, { type: ["String"] }] }] } },
};

/** Every pattern of the product, and one for each operator. */
export const namedPatterns: readonly NamedPattern[] = [
  ...Object.entries(configurations).flatMap(([configuration, options]) => {
    const { forwardedRules, homeRules } = eventPatterns(options);
    return [
      ...forwardedRules.map(({ name, pattern }) => ({ name: `${configuration}, forwarded: ${name}`, pattern })),
      ...homeRules.map((rule) => ({ name: `${configuration}: ${rule.name}`, pattern: rule.pattern, rule })),
    ];
  }),
  ...Object.entries(operators).map(([name, pattern]) => ({ name: `operator ${name}`, pattern })),
];
