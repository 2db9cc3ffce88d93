import { type Authorizer, Iam, type Principal, Simulator, VirtualClock } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import autopilotConfig from "../../autopilot.config.ts";
import { functionRoleArn, installRoles, labDeployment } from "../../lab/autopilot/roles.ts";
import { type ConfigInput, parseConfig, targetsOf } from "../../shared/config/config.ts";
import { roleArn } from "../../stacks/definitions/deployment.ts";
import { functions } from "../../stacks/definitions/functions.ts";
import { isTargetScope, type TargetScope } from "../../stacks/definitions/scopes.ts";
import wideConfig from "./support/wide.config.ts";

interface Place {
  readonly account: string;
  readonly region: string;
}
type Keys = Parameters<Authorizer["refusal"]>[1]["keys"];

/** What a call on each scope names in a place, as the services ask IAM for it. */
const requests: Readonly<Record<Exclude<TargetScope, "eks-clusters">, (at: string, place: Place) => [string, Keys?]>> =
  {
    alarms: (at) => [`arn:aws:cloudwatch:${at}:alarm:*`],
    services: (at) => [`arn:aws:ecs:${at}:service/shop/web`],
    "service-deployments": (at) => [`arn:aws:ecs:${at}:service-deployment/shop/web/1`],
    clusters: (at) => [`arn:aws:ecs:${at}:cluster/shop`],
    tasks: (at) => [`arn:aws:ecs:${at}:task/shop/0123`],
    "in-a-cluster": (at) => ["*", { "ecs:cluster": `arn:aws:ecs:${at}:cluster/shop` }],
    "region-wide": () => ["*"],
    "task-definitions": (at) => [`arn:aws:ecs:${at}:task-definition/web:*`],
    "registered-task-definitions": (at) => [
      `arn:aws:ecs:${at}:task-definition/web:*`,
      { "ecs:CreateAction": "RegisterTaskDefinition", "aws:TagKeys": ["team"] },
    ],
    "passed-roles": (_at, { account }) => [
      `arn:aws:iam::${account}:role/ecs/web`,
      { "iam:PassedToService": "ecs-tasks.amazonaws.com" },
    ],
    "service-tags": (at) => [`arn:aws:ecs:${at}:service/shop/web`, { "aws:TagKeys": ["ecs.solo.io/namespace"] }],
    "task-tags": (at) => [`arn:aws:ecs:${at}:task/shop/1`, { "aws:TagKeys": ["ecs.solo.io/hostname"] }],
    "cluster-tags": (at) => [`arn:aws:ecs:${at}:cluster/shop`, { "aws:TagKeys": ["ecs.solo.io/discovery-enabled"] }],
    "token-secrets": (at) => [`arn:aws:secretsmanager:${at}:secret:ztunnel-autopilot/web-AbCdEf`],
    "token-secret-policies": (at) => [
      `arn:aws:secretsmanager:${at}:secret:ztunnel-autopilot/web-AbCdEf`,
      { "secretsmanager:BlockPublicPolicy": "true" },
    ],
  };

const configurations: readonly (readonly [string, ConfigInput])[] = [
  [
    "the smallest",
    {
      ...autopilotConfig,
      accounts: autopilotConfig.accounts.slice(0, 1),
      controlPlanes: autopilotConfig.controlPlanes.slice(0, 1),
    },
  ],
  ["the default", autopilotConfig],
  ["the richest", wideConfig],
];

describe.each(configurations)("with %s configuration", (_what, input) => {
  const config = parseConfig(input);
  const deployment = labDeployment(config);
  const iam = new Iam(new Simulator({ clock: new VirtualClock() }).context);
  installRoles(iam, config);

  /** The session that a function's calls to an account are made with. */
  const callerIn = (functionName: string, account: string): Principal => {
    const role =
      account === deployment.home.account
        ? functionRoleArn(deployment, functionName)
        : roleArn({ account, region: deployment.home.region }, config.memberRoleName);
    const principal = iam.principalOf(iam.openSession(role, "test", 60).accessKeyId);
    if (!principal) throw new Error(`${role} has no session`);
    return principal;
  };

  const calls = functions.flatMap(({ name, calls: own }) =>
    own.flatMap(({ scope, actions }) =>
      isTargetScope(scope) && scope !== "eks-clusters" ? actions.map((action) => ({ name, scope, action })) : [],
    ),
  );

  it.each(calls)("$name may $action on $scope wherever services run, and nowhere else", ({ name, scope, action }) => {
    for (const place of targetsOf(config)) {
      const caller = callerIn(name, place.account);
      const refusal = (at: Place) => {
        const [resource, keys] = requests[scope](`${at.region}:${at.account}`, at);
        return iam.refusal(caller, { action, resource, ...(keys && { keys }) }, at);
      };
      expect(refusal(place), `${place.account}/${place.region}`).toBeUndefined();
      // IAM has no regions: a role that may be passed may be passed everywhere.
      if (scope !== "passed-roles") {
        expect(refusal({ ...place, region: "sa-east-1" })).toContain("is not authorized to perform");
      }
      // Without a resource, only the caller's own account can be meant.
      if (scope !== "region-wide") {
        const foreign = refusal({ ...place, account: "999999999999" });
        expect(foreign).toContain("is not authorized to perform");
      }
    }
  });

  it.each(targetsOf(config))(
    "every function that calls $account/$region may take on the member role",
    ({ account }) => {
      if (account === deployment.home.account) return;
      const resource = roleArn({ account, region: deployment.home.region }, config.memberRoleName);
      for (const { name, calls: own } of functions) {
        const caller = callerIn(name, deployment.home.account);
        const assume = (externalId: string) => {
          const need = { action: "sts:AssumeRole", resource, keys: { "sts:ExternalId": externalId } };
          return iam.refusal(caller, need, deployment.home);
        };
        const wants = own.some(({ scope }) => scope === "member-roles");
        expect(assume(config.name) === undefined, name).toBe(wants);
        expect(assume("another"), name).toContain("sts:AssumeRole");
      }
    },
  );

  it("nobody may read, tag or speak beyond what the product does", () => {
    const { account, region } = targetsOf(config)[0] ?? deployment.home;
    const at = { account, region };
    const bus = `arn:aws:events:${deployment.home.region}:${deployment.home.account}:event-bus/${config.name}`;
    const foreign = [
      {
        action: "secretsmanager:GetSecretValue",
        resource: `arn:aws:secretsmanager:${region}:${account}:secret:bank-AbCdEf`,
      },
      {
        action: "secretsmanager:PutSecretValue",
        resource: `arn:aws:secretsmanager:${region}:${account}:secret:bank-AbCdEf`,
      },
      {
        action: "ecs:TagResource",
        resource: `arn:aws:ecs:${region}:${account}:service/shop/web`,
        keys: { "aws:TagKeys": ["team"] },
      },
      {
        action: "iam:PassRole",
        resource: `arn:aws:iam::${account}:role/ecs/web`,
        keys: { "iam:PassedToService": "ec2.amazonaws.com" },
      },
      { action: "ecs:DeleteService", resource: `arn:aws:ecs:${region}:${account}:service/shop/web` },
      { action: "events:PutEvents", resource: bus, keys: { "events:source": ["aws.ecs"] } },
      { action: "events:PutEvents", resource: `${bus}-other`, keys: { "events:source": ["ztunnel-autopilot"] } },
    ];
    for (const { name } of functions) {
      for (const need of foreign) expect(iam.refusal(callerIn(name, account), need, at), name).toBeDefined();
    }
  });
});
