import type { Config } from "../../../shared/config/config.ts";
import {
  type AutopilotDeployment,
  functionArn,
  memberAccounts,
  roleArn as roleArnOf,
  stateMachineArn,
} from "../../../stacks/definitions/deployment.ts";
import { eventPatterns } from "../../../stacks/definitions/event-patterns.ts";
import { logicalName } from "../../../stacks/definitions/logical-name.ts";
import { stateMachineRoleName } from "../../../stacks/definitions/state-machine-role.ts";
import { type StateMachineDefinition, stateMachines } from "../../../stacks/definitions/state-machines.ts";
import { substitute } from "../../../stacks/definitions/substitute.ts";
import { deploymentOf, patternOptionsOf } from "../../../stacks/deployment.ts";
import { memberAccountTemplate } from "../../../stacks/member-account.ts";
import type { DeployedPolicies } from "./policies.ts";

/** The stage that the templates are made for. */
const STAGE = "prod";

/**
 * CloudFormation templates by their file's name: those of the member accounts as they are deployed, and one that the
 * home stage's roles, rules and state machines are put into. SST deploys these by Pulumi, which the linters don't read.
 */
export function templatesOf(config: Config, policies: DeployedPolicies): Readonly<Record<string, unknown>> {
  const members = memberAccounts(deploymentOf(config, STAGE)).map(
    (account) => [`member-${account}.json`, memberAccountTemplate(config, STAGE, account)] as const,
  );
  return { ...Object.fromEntries(members), "home.json": homeTemplate(config, policies) };
}

function homeTemplate(config: Config, { roles, queues }: DeployedPolicies): object {
  const deployment = deploymentOf(config, STAGE);
  const own = roles.filter(({ roleArn }) => roleArn.includes(`:${deployment.home.account}:`));
  const roleResources = own.map(({ roleArn, trust, policies }) => {
    const Policies = policies.map((PolicyDocument, index) => ({ PolicyName: `calls-${index}`, PolicyDocument }));
    return resource(`Role-${nameOf(roleArn)}`, "AWS::IAM::Role", { AssumeRolePolicyDocument: trust, Policies });
  });
  const machines = stateMachines.map((machine) =>
    resource(`Machine-${machine.name}`, "AWS::StepFunctions::StateMachine", {
      RoleArn: roleArnOf(deployment.home, stateMachineRoleName(deployment, machine)),
      Definition: substitute(machine.definition, arnsOf(machine, deployment)),
    }),
  );
  const rules = eventPatterns(patternOptionsOf(config, STAGE)).homeRules.map(({ name, pattern }) =>
    resource(`Rule-${name}`, "AWS::Events::Rule", { EventPattern: pattern }),
  );
  const queuePolicies = queues.map(({ name, policy }) =>
    resource(`Queue-${name}`, "AWS::SQS::QueuePolicy", { Queues: [name], PolicyDocument: policy }),
  );
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: "The home stage's roles, queue policies, rules and state machines, for linters alone.",
    Resources: Object.fromEntries([...roleResources, ...queuePolicies, ...machines, ...rules]),
  };
}

function resource(name: string, Type: string, Properties: object): readonly [string, object] {
  return [logicalName(name).replaceAll(/\W/g, ""), { Type, Properties }];
}

function nameOf(roleArn: string): string {
  return roleArn.slice(roleArn.lastIndexOf("/") + 1);
}

/** An ARN for each token of a state machine's definition. */
function arnsOf({ functions, stateMachines: started }: StateMachineDefinition, deployment: AutopilotDeployment) {
  const named = (tokens: Readonly<Record<string, string>>, arnOf: (name: string) => string) =>
    Object.entries(tokens).map(([token, name]) => [token, arnOf(name)]);
  return Object.fromEntries([
    ...named(functions, (name) => functionArn(deployment, name)),
    ...named(started, (name) => stateMachineArn(deployment, name)),
  ]);
}
