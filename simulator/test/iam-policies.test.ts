import { describe, expect, it } from "vitest";
import { Iam } from "../aws/iam/iam.ts";
import { compilePolicy } from "../aws/iam/policy.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";
import type { Need, Principal } from "../core/authorization.ts";
import { Simulator } from "../core/simulator.ts";
import { allows, trusting } from "./policies.ts";

const HOME = "111111111111";
const AWAY = "222222222222";
const ROLE = `arn:aws:iam::${HOME}:role/team/web`;
const here = { account: HOME, region: "eu-west-1" };
const SERVICE = `arn:aws:ecs:eu-west-1:${HOME}:service/shop/web`;
const BUS = `arn:aws:events:eu-west-1:${HOME}:event-bus/mesh`;
const trust = trusting({ Service: "lambda.amazonaws.com" });
const session: Principal = {
  kind: "session",
  account: HOME,
  roleArn: ROLE,
  sessionArn: `arn:aws:sts::${HOME}:assumed-role/web/one`,
};
const elsewhere: Principal = {
  kind: "session",
  account: AWAY,
  roleArn: `arn:aws:iam::${AWAY}:role/web`,
  sessionArn: `arn:aws:sts::${AWAY}:assumed-role/web/one`,
};

/** A policy variable as policies write it. */
const variable = (key: string) => `$\{${key}}`;

interface World {
  readonly identity?: readonly object[];
  readonly resource?: object;
  readonly principal?: Principal;
}

/** Why the role may not, or "allowed". */
function decision(need: Need, { identity = [], resource, principal = session }: World, place = here): string {
  const iam = new Iam(new Simulator({ clock: new VirtualClock(Date.parse("2026-01-05T12:00:00Z")) }).context);
  const roleArn = principal.kind === "session" ? principal.roleArn : ROLE;
  iam.putRole({ roleArn, trust, policies: identity });
  if (resource) iam.putResourcePolicy(need.resource, resource);
  return iam.refusal(principal, need, place) ?? "allowed";
}

const UPDATE = { action: "ecs:UpdateService", resource: SERVICE };
const PUT = { action: "events:PutEvents", resource: BUS };
const deny = (Action: string, Resource: string, more: object = {}) => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Deny", Action, Resource, ...more }],
});
const grants = (Principal: unknown, more: object = {}, Effect = "Allow") => ({
  Version: "2012-10-17",
  Statement: [{ Effect, Action: "events:PutEvents", Resource: BUS, Principal, ...more }],
});

describe("IAM's decision in one account", () => {
  it("is refused unless a policy allows it, in AWS's words", () => {
    expect(decision(UPDATE, {})).toBe(
      `User: arn:aws:sts::${HOME}:assumed-role/web/one is not authorized to perform: ecs:UpdateService on resource: ${SERVICE} because no identity-based policy allows the ecs:UpdateService action`,
    );
  });

  it.each([
    ["the action and the resource", allows("ecs:UpdateService", SERVICE), true],
    ["the action in other case", allows("ECS:updateservice", SERVICE), true],
    ["wildcards", allows("ecs:Update*", `arn:aws:ecs:*:${HOME}:service/*`), true],
    ["one character", allows("ecs:UpdateServic?", SERVICE), true],
    ["everything", allows("*", "*"), true],
    ["another action", allows("ecs:DescribeServices", SERVICE), false],
    ["another region", allows("ecs:UpdateService", SERVICE.replace("eu-west-1", "us-east-1")), false],
    ["another account", allows("ecs:UpdateService", SERVICE.replace(HOME, AWAY)), false],
    // A wildcard in one part of an ARN does not reach into the next.
    ["a wildcard of another part", allows("ecs:UpdateService", `arn:aws:ecs:*:*/${HOME}:service/*`), false],
    ["a resource whose case differs", allows("ecs:UpdateService", SERVICE.replace("web", "Web")), false],
    [
      "all actions but others",
      { Version: "2012-10-17", Statement: [{ Effect: "Allow", NotAction: "iam:*", Resource: "*" }] },
      true,
    ],
    [
      "all actions but this",
      { Version: "2012-10-17", Statement: [{ Effect: "Allow", NotAction: "ecs:*", Resource: "*" }] },
      false,
    ],
    [
      "all resources but others",
      { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "ecs:*", NotResource: BUS }] },
      true,
    ],
    [
      "all resources but this",
      { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "ecs:*", NotResource: SERVICE }] },
      false,
    ],
    ["a variable", allows("ecs:*", `arn:aws:ecs:*:${variable("aws:PrincipalAccount")}:service/*`), true],
    ["a variable without a value", allows("ecs:*", `arn:aws:ecs:*:${variable("aws:SourceAccount")}:service/*`), false],
    [
      "a variable's default",
      allows("ecs:*", `arn:aws:ecs:*:*:service/${variable("aws:PrincipalTag/cluster, 'shop'")}/*`),
      true,
    ],
  ])("by a policy that allows %s", (_what, policy, allowed) => {
    expect(decision(UPDATE, { identity: [policy] }) === "allowed").toBe(allowed);
  });

  it("is refused by an explicit deny, even if another statement allows it", () => {
    const identity = [allows("*", "*"), deny("ecs:UpdateService", SERVICE)];
    expect(decision(UPDATE, { identity })).toMatch(/with an explicit deny in an identity-based policy$/);
    const resource = grants("*", {}, "Deny");
    expect(decision(PUT, { identity: [allows("*", "*")], resource })).toMatch(
      /explicit deny in a resource-based policy$/,
    );
  });

  it.each([
    ["the role", { AWS: ROLE }, [], true],
    ["the session", { AWS: `arn:aws:sts::${HOME}:assumed-role/web/one` }, [], true],
    ["everybody", "*", [], true],
    ["the account, which then decides itself", { AWS: HOME }, [], false],
    [
      "the account's root, whose own policies allow it",
      { AWS: `arn:aws:iam::${HOME}:root` },
      [allows("events:PutEvents", BUS)],
      true,
    ],
    ["another role", { AWS: `${ROLE}-2` }, [], false],
    ["a service", { Service: "events.amazonaws.com" }, [], false],
  ])("by a resource's policy that names %s", (_what, principal, identity, allowed) => {
    expect(decision(PUT, { identity, resource: grants(principal) }) === "allowed").toBe(allowed);
  });

  it("is refused by a resource's policy with NotPrincipal for whom it names", () => {
    const statement = { Effect: "Deny", Action: "events:PutEvents", Resource: BUS, NotPrincipal: { AWS: ROLE } };
    const resource = { Version: "2012-10-17", Statement: [statement] };
    const identity = [allows("events:PutEvents", BUS)];
    expect(decision(PUT, { identity, resource })).toBe("allowed");
    expect(decision(PUT, { identity, resource, principal: elsewhere })).toContain("explicit deny");
  });

  it("is yes for the account's administrator, unless a resource's policy denies it", () => {
    const principal = { kind: "account", account: HOME } as const;
    expect(decision(UPDATE, { principal })).toBe("allowed");
    expect(decision(PUT, { principal, resource: grants("*", {}, "Deny") })).toContain("explicit deny");
  });
});

describe("IAM's decision across accounts", () => {
  const identity = [allows("events:PutEvents", BUS)];

  it("needs both sides", () => {
    const resource = grants({ AWS: AWAY });
    const principal = elsewhere;
    expect(decision(PUT, { identity, resource, principal })).toBe("allowed");
    expect(decision(PUT, { resource, principal })).toContain("no identity-based policy allows");
    expect(decision(PUT, { identity, principal })).toContain("no resource-based policy allows");
    expect(decision(PUT, { resource: grants({ AWS: elsewhere.roleArn }), principal })).toContain("no identity-based");
  });

  it("is refused for another account's administrator without a policy of the resource", () => {
    const principal = { kind: "account", account: AWAY } as const;
    expect(decision(PUT, { principal })).toContain("no resource-based policy allows");
    expect(decision(PUT, { principal, resource: grants({ AWS: AWAY }) })).toBe("allowed");
  });

  it("is that of the resource's policy for an AWS service", () => {
    const sourceArn = `arn:aws:events:eu-west-1:${AWAY}:rule/mesh-tags`;
    const principal = { kind: "service", service: "events.amazonaws.com", sourceArn } as const;
    const from = (account: string) => ({ Condition: { StringEquals: { "aws:SourceAccount": account } } });
    const resource = (account: string) => grants({ Service: "events.amazonaws.com" }, from(account));
    expect(decision(PUT, { principal, resource: resource(AWAY) })).toBe("allowed");
    expect(decision(PUT, { principal, resource: resource(HOME) })).toContain("no resource-based policy allows");
    expect(decision(PUT, { principal })).toContain("User: events.amazonaws.com is not authorized");
  });
});

/** Values of a request's keys, a condition, whether it holds. */
const conditions: readonly (readonly [string, Need["keys"], object, boolean])[] = [
  ["StringEquals", { "ecs:CreateAction": "a" }, { StringEquals: { "ecs:CreateAction": ["b", "a"] } }, true],
  ["StringEquals, other case", { "ecs:CreateAction": "A" }, { StringEquals: { "ecs:CreateAction": "a" } }, false],
  [
    "StringEquals takes no wildcard",
    { "ecs:CreateAction": "ab" },
    { StringEquals: { "ecs:CreateAction": "a*" } },
    false,
  ],
  ["a key in other case", { "ECS:createAction": "a" }, { StringEquals: { "ecs:CREATEACTION": "a" } }, true],
  ["StringEquals without the key", {}, { StringEquals: { "ecs:CreateAction": "a" } }, false],
  ["StringEqualsIfExists without the key", {}, { StringEqualsIfExists: { "ecs:CreateAction": "a" } }, true],
  ["StringNotEquals", { "ecs:CreateAction": "a" }, { StringNotEquals: { "ecs:CreateAction": ["b", "a"] } }, false],
  ["StringNotEquals without the key", {}, { StringNotEquals: { "ecs:CreateAction": "a" } }, true],
  [
    "StringEqualsIgnoreCase",
    { "ecs:CreateAction": "A" },
    { StringEqualsIgnoreCase: { "ecs:CreateAction": "a" } },
    true,
  ],
  ["StringLike", { "ecs:CreateAction": "abc" }, { StringLike: { "ecs:CreateAction": "a?*" } }, true],
  ["StringNotLike", { "ecs:CreateAction": "abc" }, { StringNotLike: { "ecs:CreateAction": "a*" } }, false],
  ["ArnLike", { "ecs:cluster": SERVICE }, { ArnLike: { "ecs:cluster": "arn:aws:ecs:*:*:service/shop/*" } }, true],
  [
    "ArnEquals with a wildcard",
    { "ecs:cluster": SERVICE },
    { ArnEquals: { "ecs:cluster": "arn:aws:ecs:*:*:*" } },
    true,
  ],
  ["ArnLike of what is none", { "ecs:cluster": "shop" }, { ArnLike: { "ecs:cluster": "*" } }, false],
  ["ArnNotLike", { "ecs:cluster": SERVICE }, { ArnNotLike: { "ecs:cluster": "arn:aws:ecs:*:*:*" } }, false],
  [
    "Bool",
    { "secretsmanager:BlockPublicPolicy": "true" },
    { Bool: { "secretsmanager:BlockPublicPolicy": true } },
    true,
  ],
  [
    "Bool, false",
    { "secretsmanager:BlockPublicPolicy": "false" },
    { Bool: { "secretsmanager:BlockPublicPolicy": "true" } },
    false,
  ],
  ["Null true, absent", {}, { Null: { "aws:TagKeys": "true" } }, true],
  ["Null false, absent", {}, { Null: { "aws:TagKeys": "false" } }, false],
  ["Null false, there", { "aws:TagKeys": ["a"] }, { Null: { "aws:TagKeys": "false" } }, true],
  [
    "ForAllValues",
    { "aws:TagKeys": ["a", "b"] },
    { "ForAllValues:StringEquals": { "aws:TagKeys": ["a", "b", "c"] } },
    true,
  ],
  [
    "ForAllValues, one more",
    { "aws:TagKeys": ["a", "x"] },
    { "ForAllValues:StringEquals": { "aws:TagKeys": ["a", "b"] } },
    false,
  ],
  ["ForAllValues without the key", {}, { "ForAllValues:StringEquals": { "aws:TagKeys": ["a"] } }, true],
  ["ForAnyValue", { "aws:TagKeys": ["x", "a"] }, { "ForAnyValue:StringEquals": { "aws:TagKeys": ["a"] } }, true],
  ["ForAnyValue, none", { "aws:TagKeys": ["x"] }, { "ForAnyValue:StringLike": { "aws:TagKeys": ["a*"] } }, false],
  ["ForAnyValue without the key", {}, { "ForAnyValue:StringEquals": { "aws:TagKeys": ["a"] } }, false],
  ["a tag of the request", { "aws:RequestTag/team": "a" }, { StringEquals: { "aws:RequestTag/team": "a" } }, true],
  ["a tag of the resource", {}, { StringEquals: { "aws:ResourceTag/Team": "mesh" } }, true],
  ["the region", {}, { StringEquals: { "aws:RequestedRegion": ["eu-west-1"] } }, true],
  ["the role", {}, { ArnEquals: { "aws:PrincipalArn": ROLE } }, true],
  [
    "a variable",
    { "ecs:CreateAction": HOME },
    { StringEquals: { "ecs:CreateAction": variable("aws:PrincipalAccount") } },
    true,
  ],
  ["a time before", {}, { DateLessThan: { "aws:CurrentTime": "2026-01-05T12:00:01Z" } }, true],
  ["a time after", {}, { DateGreaterThan: { "aws:CurrentTime": "2026-01-05T12:00:00Z" } }, false],
  ["a number", {}, { NumericGreaterThanEquals: { "aws:EpochTime": "1767614400" } }, true],
  ["a number that is less", {}, { NumericLessThan: { "aws:EpochTime": "1767614400" } }, false],
  [
    "two keys, of which one does not hold",
    { "ecs:CreateAction": "a" },
    { StringEquals: { "ecs:CreateAction": "a", "aws:RequestedRegion": "x" } },
    false,
  ],
  [
    "two operators, of which one does not hold",
    { "ecs:CreateAction": "a" },
    { StringEquals: { "ecs:CreateAction": "a" }, Null: { "ecs:CreateAction": "true" } },
    false,
  ],
];

describe("a condition", () => {
  it.each(conditions)("of %s", (_what, keys, Condition, holds) => {
    const need = { ...UPDATE, ...(keys && { keys }), tags: () => new Map([["team", "mesh"]]) };
    const identity = [allows("ecs:UpdateService", "*", { Condition })];
    expect(decision(need, { identity }) === "allowed").toBe(holds);
  });

  it("on tags of a resource whose tags are not known here is an error, not a no", () => {
    const identity = [
      allows("ecs:UpdateService", "*", { Condition: { StringEquals: { "aws:ResourceTag/team": "a" } } }),
    ];
    expect(() => decision(UPDATE, { identity })).toThrow("ecs:UpdateService has no aws:ResourceTag");
  });
});

describe("a policy", () => {
  const identity = (statement: object) => () =>
    compilePolicy({ Version: "2012-10-17", Statement: [statement] }, "identity");
  const fine = { Effect: "Allow", Action: "ecs:UpdateService", Resource: "*" };
  const when = (Condition: object) => ({ ...fine, Condition });

  it.each([
    [
      "an operator that is not known",
      when({ IpAddress: { "aws:RequestedRegion": "10.0.0.0/8" } }),
      "operator IpAddress",
    ],
    ["a misspelled operator", when({ StringEqual: { "aws:RequestedRegion": "x" } }), "operator StringEqual"],
    [
      "an unknown quantifier",
      when({ "ForEach:StringEquals": { "aws:TagKeys": "x" } }),
      "operator ForEach:StringEquals",
    ],
    ["a key that is not known", when({ StringEquals: { "ecs:clusters": "x" } }), "key ecs:clusters"],
    ["a key with several values as one with one", when({ StringEquals: { "aws:TagKeys": "x" } }), "needs ForAllValues"],
    ["an invalid truth", when({ Bool: { "aws:SecureTransport": "yes" } }), "neither true nor false"],
    ["an invalid number", when({ NumericEquals: { "aws:EpochTime": "soon" } }), "can't be compared"],
    [
      "an unknown variable",
      when({ StringEquals: { "aws:RequestedRegion": variable("aws:Region") } }),
      "variable aws:region",
    ],
    ["an action that there is not", { ...fine, Action: "ecs:UpdateServices" }, "no action ecs:updateservices"],
    ["a service that there is not", { ...fine, Action: "elasticcontainer:*" }, "no action elasticcontainer:*"],
    ["a wildcard that no action fits", { ...fine, Action: "ecs:Modify*" }, "no action ecs:modify*"],
    ["an element that there is not", { ...fine, Actions: [] }, "Actions"],
    ["no action", { Effect: "Allow", Resource: "*" }, "one of Action, NotAction"],
    ["no resource", { Effect: "Allow", Action: "ecs:*" }, "either Resource or NotResource"],
    ["a resource that is not an ARN", { ...fine, Resource: "service/web" }, "service/web is not an ARN"],
    ["a principal, as an identity's", { ...fine, Principal: "*" }, "names no principal"],
  ])("with %s is refused where it is read", (_what, statement, message) => {
    expect(identity(fine)).not.toThrow();
    expect(identity(statement)).toThrow(message);
  });

  it.each([
    ["a role with a wildcard", { AWS: `arn:aws:iam::${HOME}:role/*` }],
    ["a name", { AWS: "web" }],
    ["a canonical user", { CanonicalUser: "79a5" }],
  ])("of a resource with %s as principal is refused", (_what, principal) => {
    expect(() => compilePolicy(grants(principal), "resource")).toThrow("The simulator does not evaluate this policy");
  });

  it("takes variables as text in the old version", () => {
    const [statement] = compilePolicy(
      { Version: "2008-10-17", Statement: [when({ StringEquals: { "aws:RequestedRegion": variable("x") } })] },
      "identity",
    );
    expect(statement?.condition((key) => (key === "aws:requestedregion" ? [variable("x")] : undefined))).toBe(true);
  });
});
