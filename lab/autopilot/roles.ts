import type { Iam } from "@ztunnel-autopilot/simulator";
import type { Config } from "../../shared/config/config.ts";
import { operatorReadRole } from "../../shared/config/names.ts";
import { operatorReadStatements } from "../../shared/config/operator-policy.ts";
import { homeBusPolicy } from "../../stacks/definitions/bus-policy.ts";
import {
  type AutopilotDeployment,
  arnPartition,
  functionArn,
  homeBusArn,
  memberAccounts,
  resourceName,
  roleArn,
} from "../../stacks/definitions/deployment.ts";
import { eventPatterns, type Schedule, schedules } from "../../stacks/definitions/event-patterns.ts";
import {
  forwardingStatements,
  forwardingTrust,
  homeRuleArn,
  invocationPolicy,
  scheduleStatements,
  scheduleTrust,
} from "../../stacks/definitions/event-permissions.ts";
import { functions } from "../../stacks/definitions/functions.ts";
import { heartbeatPolicy, heartbeatRoleName, heartbeatTrust } from "../../stacks/definitions/heartbeat.ts";
import {
  functionStatements,
  lambdaTrust,
  memberRoleUsers,
  memberStatements,
  policy,
  roleTrust,
} from "../../stacks/definitions/permissions.ts";
import {
  stateMachineRoleName,
  stateMachineStatements,
  stateMachineTrust,
} from "../../stacks/definitions/state-machine-role.ts";
import { stateMachines } from "../../stacks/definitions/state-machines.ts";
import { deploymentOf, patternOptionsOf } from "../../stacks/deployment.ts";

/** What takes roles and resource policies: a lab's IAM, or who lists them. */
export type PolicyTaker = Pick<Iam, "putRole" | "putResourcePolicy">;

/** The configuration's deployment in a lab, which is not a stage. */
export function labDeployment(config: Config): AutopilotDeployment {
  return deploymentOf(config, undefined);
}

/** The role of a function, by its file below `functions/`. */
export function functionRoleArn(deployment: AutopilotDeployment, functionName: string): string {
  return roleArn(deployment.home, resourceName(deployment, functionName));
}

/** The role by which an account's rules forward events to the home bus. */
export function forwardingRoleArn(deployment: AutopilotDeployment, account: string): string {
  return roleArn({ account, region: deployment.home.region }, resourceName(deployment, "forwarding"));
}

/** The role of a function's schedule. */
export function scheduleRoleArn(deployment: AutopilotDeployment, { name }: Schedule): string {
  return roleArn(deployment.home, resourceName(deployment, `${name}-schedule`));
}

/**
 * Gives a lab's IAM the roles and resource policies that the stacks deploy, out of the same definitions: of functions,
 * state machines, schedules and forwarding, the member roles and the operators' read roles, and the policies of the
 * home bus and of the functions. Throws an Error for a policy that the simulator can't evaluate.
 */
export function installRoles(iam: PolicyTaker, config: Config): void {
  const deployment = labDeployment(config);
  homeRoles(iam, deployment);
  for (const account of memberAccounts(deployment)) memberRoles(iam, { deployment, config, account });
  const accounts = [deployment.home.account, ...memberAccounts(deployment)];
  for (const account of accounts) {
    forwardingRole(iam, deployment, account);
    heartbeatRole(iam, deployment, account);
  }
  const busArn = homeBusArn(deployment);
  const operatorRoles = deployment.operatorRoles.length > 0 ? operatorsOf(config) : [];
  iam.putResourcePolicy(busArn, homeBusPolicy({ ...deployment, operatorRoles }, busArn));
  functionPolicies(iam, config, deployment);
}

function homeRoles(iam: PolicyTaker, deployment: AutopilotDeployment): void {
  for (const definition of functions) {
    const statements = functionStatements(definition, deployment);
    const policies = statements.length > 0 ? [policy(statements)] : [];
    iam.putRole({ roleArn: functionRoleArn(deployment, definition.name), trust: lambdaTrust(deployment), policies });
  }
  for (const machine of stateMachines) {
    iam.putRole({
      roleArn: roleArn(deployment.home, stateMachineRoleName(deployment, machine)),
      trust: stateMachineTrust(deployment),
      policies: [policy(stateMachineStatements(machine, deployment))],
    });
  }
  for (const schedule of schedules) {
    iam.putRole({
      roleArn: scheduleRoleArn(deployment, schedule),
      trust: scheduleTrust(deployment),
      policies: [policy(scheduleStatements(deployment, schedule.functionName))],
    });
  }
}

function memberRoles(
  iam: PolicyTaker,
  {
    deployment,
    config,
    account,
  }: { readonly deployment: AutopilotDeployment; readonly config: Config; readonly account: string },
): void {
  const place = { account, region: deployment.home.region };
  iam.putRole({
    roleArn: roleArn(place, deployment.memberRoleName),
    trust: roleTrust(memberRoleUsers(deployment), deployment.name),
    policies: [policy(memberStatements(account, deployment))],
  });
  const reads = operatorReadStatements(config, account);
  if (reads.length === 0) return;
  iam.putRole({
    roleArn: roleArn(place, operatorReadRole(config)),
    trust: roleTrust(operatorsOf(config), config.name),
    policies: [policy(reads)],
  });
}

/** The user of a lab is the home account's administrator, and an operator as well. */
function operatorsOf({ operatorRoles, homeAccount, homeRegion }: Config): readonly string[] {
  return [...operatorRoles, `arn:${arnPartition(homeRegion)}:iam::${homeAccount}:root`];
}

function heartbeatRole(iam: PolicyTaker, deployment: AutopilotDeployment, account: string): void {
  iam.putRole({
    roleArn: roleArn({ account, region: deployment.home.region }, heartbeatRoleName(deployment)),
    trust: heartbeatTrust(deployment, account),
    policies: [heartbeatPolicy(deployment, account)],
  });
}

function forwardingRole(iam: PolicyTaker, deployment: AutopilotDeployment, account: string): void {
  iam.putRole({
    roleArn: forwardingRoleArn(deployment, account),
    trust: forwardingTrust(deployment, account),
    policies: [policy(forwardingStatements(deployment))],
  });
}

/** What the functions' own policies allow the rules on the home bus. */
function functionPolicies(iam: PolicyTaker, config: Config, deployment: AutopilotDeployment): void {
  const { homeRules } = eventPatterns(patternOptionsOf(config, undefined));
  for (const { name } of functions) {
    const rules = homeRules
      .filter((rule) => rule.functions.includes(name))
      .map((rule) => homeRuleArn(deployment, rule));
    const arn = functionArn(deployment, name);
    if (rules.length > 0) iam.putResourcePolicy(arn, invocationPolicy(arn, rules));
  }
}
