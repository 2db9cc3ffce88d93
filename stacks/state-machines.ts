import type { Context } from "./context.ts";
import { liveFunctionArn, resourceName, stateMachineArn } from "./definitions/deployment.ts";
import { logicalName } from "./definitions/logical-name.ts";
import { policy } from "./definitions/permissions.ts";
import { stateMachineRoleName, stateMachineStatements, stateMachineTrust } from "./definitions/state-machine-role.ts";
import { type StateMachineDefinition, stateMachines } from "./definitions/state-machines.ts";
import { substitute } from "./definitions/substitute.ts";
import type { Aliases, Functions } from "./functions.ts";

/** Every state machine of the deployment, by the definition that the lab runs too. */
export function deployedStateMachines(here: Context, aliases: Aliases): readonly aws.sfn.StateMachine[] {
  return stateMachines.map((definition) => deployed(definition, here, aliases));
}

function deployed(machine: StateMachineDefinition, here: Context, aliases: Aliases): aws.sfn.StateMachine {
  const { deployment, settings } = here;
  const logical = logicalName(machine.name);
  const name = resourceName(deployment, machine.name);
  const role = new aws.iam.Role(`${logical}MachineRole`, {
    name: stateMachineRoleName(deployment, machine),
    assumeRolePolicy: stateMachineTrust(deployment),
    inlinePolicies: [{ name: "tasks", policy: policy(stateMachineStatements(machine, deployment)) }],
  });
  const logs = new aws.cloudwatch.LogGroup(`${logical}MachineLogs`, {
    // Step Functions shortens its resource policy by this prefix, which has a limit.
    name: `/aws/vendedlogs/states/${name}`,
    retentionInDays: settings.logRetentionDays,
  });
  return new aws.sfn.StateMachine(
    `${logical}Machine`,
    {
      name,
      type: "STANDARD",
      roleArn: role.arn,
      definition: JSON.stringify(substitute(machine.definition, tokensOf(machine, here))),
      // Execution data contains task tokens, which only the functions that signal a waiting roll may have.
      loggingConfiguration: {
        level: "ERROR",
        includeExecutionData: false,
        logDestination: $interpolate`${logs.arn}:*`,
      },
      tracingConfiguration: { enabled: settings.xRay },
    },
    { dependsOn: aliasesOf(machine, aliases) },
  );
}

function tokensOf(machine: StateMachineDefinition, { deployment }: Context): Readonly<Record<string, string>> {
  const tokens = (named: Readonly<Record<string, string>>, arnOf: (name: string) => string) =>
    Object.entries(named).map(([token, name]) => [token, arnOf(name)]);
  return Object.fromEntries([
    ...tokens(machine.functions, (name) => liveFunctionArn(deployment, name)),
    ...tokens(machine.stateMachines, (name) => stateMachineArn(deployment, name)),
  ]);
}

function aliasesOf(machine: StateMachineDefinition, aliases: Aliases): aws.lambda.Alias[] {
  return [...new Set(Object.values(machine.functions))].map((name) => named(aliases, name));
}

/** Throws when there is no such function: a definition names one that is not deployed. */
export function deployedFunction(functions: Functions, name: string): sst.aws.Function {
  return named(functions, name);
}

function named<T>(all: ReadonlyMap<string, T>, name: string): T {
  const found = all.get(name);
  if (!found) throw new Error(`${name} is not a function of stacks/definitions/functions.ts`);
  return found;
}
