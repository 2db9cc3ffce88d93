import { Iam, Simulator, VirtualClock } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import { installRoles, labDeployment } from "../../lab/autopilot/roles.ts";
import { parseConfig } from "../../shared/config/config.ts";
import { arn, homeBusName, resourceName, roleArn, stateMachineArn } from "../../stacks/definitions/deployment.ts";
import { schedules } from "../../stacks/definitions/event-patterns.ts";
import { scheduleGroupArn } from "../../stacks/definitions/event-permissions.ts";
import { functions } from "../../stacks/definitions/functions.ts";
import { heartbeatGroupName, heartbeatRoleName } from "../../stacks/definitions/heartbeat.ts";
import { stateMachineRoleName } from "../../stacks/definitions/state-machine-role.ts";
import { stateMachines } from "../../stacks/definitions/state-machines.ts";
import wideConfig from "./support/wide.config.ts";

const config = parseConfig(wideConfig);
const deployment = labDeployment(config);
const { home } = deployment;
const iam = new Iam(new Simulator({ clock: new VirtualClock() }).context);
installRoles(iam, config);

const foreign = { account: "999999999999", region: home.region };

interface Assumed {
  readonly role: string;
  readonly service: string;
  /** On whose behalf AWS takes the role on. */
  readonly own: string;
  /** Others' resources, on whose behalf it must not. */
  readonly others: readonly string[];
}

const ofFunctions = functions.map(({ name }): Assumed => {
  const resource = `function:${resourceName(deployment, name)}`;
  return {
    role: resourceName(deployment, name),
    service: "lambda.amazonaws.com",
    own: arn("lambda", home, resource),
    others: [arn("lambda", foreign, resource)],
  };
});

const ofSchedules = schedules.map(
  ({ name }): Assumed => ({
    role: resourceName(deployment, `${name}-schedule`),
    service: "scheduler.amazonaws.com",
    own: scheduleGroupArn(deployment),
    others: [
      arn("scheduler", home, "schedule-group/default"),
      arn("scheduler", home, "schedule-group/others"),
      scheduleGroupArn({ ...deployment, home: foreign }),
    ],
  }),
);

const ofMachines = stateMachines.map(
  (machine): Assumed => ({
    role: stateMachineRoleName(deployment, machine),
    service: "states.amazonaws.com",
    own: stateMachineArn(deployment, machine.name),
    others: [
      arn("states", home, "stateMachine:others"),
      stateMachineArn({ ...deployment, home: foreign }, machine.name),
    ],
  }),
);

const forwarding: Assumed = {
  role: resourceName(deployment, "forwarding"),
  service: "events.amazonaws.com",
  own: arn("events", home, `rule/${homeBusName(deployment)}-tag-changed`),
  others: [arn("events", home, "rule/others"), arn("events", foreign, `rule/${homeBusName(deployment)}-tag-changed`)],
};

const heartbeat: Assumed = {
  role: heartbeatRoleName(deployment),
  service: "scheduler.amazonaws.com",
  own: arn("scheduler", home, `schedule-group/${heartbeatGroupName(deployment)}`),
  others: [
    arn("scheduler", home, "schedule-group/default"),
    arn("scheduler", foreign, `schedule-group/${heartbeatGroupName(deployment)}`),
  ],
};

const assumed: readonly Assumed[] = [...ofFunctions, ...ofSchedules, ...ofMachines, forwarding, heartbeat];

describe("a role that an AWS service takes on", () => {
  const refusal = (service: string, sourceArn: string, role: string) =>
    iam.refusal({ kind: "service", service, sourceArn }, { action: "sts:AssumeRole", resource: role }, home);

  it.each(assumed.map((one) => [one.role, one] as const))(
    "%s, is taken on for the deployment's own resource alone",
    (name, { service, own, others }) => {
      const role = roleArn(home, name);
      expect(refusal(service, own, role)).toBeUndefined();
      for (const other of others) expect(refusal(service, other, role), other).toContain("not authorized");
    },
  );

  it("is every role of the home account", () => {
    const ours = iam.roleArns().filter((one) => one.includes(`:${home.account}:`));
    expect([...ours].sort()).toEqual(assumed.map(({ role }) => roleArn(home, role)).sort());
  });
});
