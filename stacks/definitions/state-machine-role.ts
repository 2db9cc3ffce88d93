import {
  type AutopilotDeployment,
  arn,
  functionArn,
  liveFunctionArn,
  namePrefix,
  resourceName,
  stateMachineArn,
} from "./deployment.ts";
import { executionsOf, type Statement, serviceTrust } from "./permissions.ts";
import type { StateMachineDefinition } from "./state-machines.ts";

const LAMBDA = /^arn:aws:states:::lambda:invoke(\.waitForTaskToken)?$/;
const NESTED = /^arn:aws:states:::states:startExecution(\.sync(:2)?)?$/;

/** Writing logs names no resource: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html */
const logDelivery: Statement = {
  Effect: "Allow",
  Action: [
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
  ],
  Resource: ["*"],
};

/**
 * The statements of a state machine's role: for the tasks of its definition, and for its log. Throws when the
 * definition has an integration that is not known here.
 */
export function stateMachineStatements(
  machine: StateMachineDefinition,
  deployment: AutopilotDeployment,
): readonly Statement[] {
  const integrations = integrationsOf(machine.definition);
  const unknown = integrations.find((resource) => !LAMBDA.test(resource) && !NESTED.test(resource));
  if (unknown) throw new Error(`${machine.name} has a task of ${unknown}, for which it would get no permission`);
  return [
    ...invocations(machine, deployment),
    ...(integrations.some((resource) => NESTED.test(resource)) ? nestedExecutions(machine, deployment) : []),
    ...(isDistributed(machine.definition) ? ownChildren(machine, deployment) : []),
    logDelivery,
  ];
}

/** The trust policy of the state machines' roles: for those of the deployment. */
export function stateMachineTrust(deployment: AutopilotDeployment): string {
  const own = arn("states", deployment.home, `stateMachine:${namePrefix(deployment)}-*`);
  return serviceTrust("states.amazonaws.com", deployment.home.account, own);
}

/** The name of a state machine's role. */
export function stateMachineRoleName(deployment: AutopilotDeployment, { name }: StateMachineDefinition): string {
  return resourceName(deployment, `${name}-machine`);
}

function invocations({ functions }: StateMachineDefinition, deployment: AutopilotDeployment): readonly Statement[] {
  const names = [...new Set(Object.values(functions))].sort();
  if (names.length === 0) return [];
  // Executions that an earlier version has begun go on with its definition, which names the function without an alias.
  const Resource = names.flatMap((name) => [functionArn(deployment, name), liveFunctionArn(deployment, name)]);
  return [{ Effect: "Allow", Action: ["lambda:InvokeFunction"], Resource }];
}

/**
 * To wait for a nested execution, Step Functions needs a rule of its own:
 * https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
 */
function nestedExecutions(
  { stateMachines }: StateMachineDefinition,
  deployment: AutopilotDeployment,
): readonly Statement[] {
  const names = [...new Set(Object.values(stateMachines))].sort();
  return [
    {
      Effect: "Allow",
      Action: ["states:StartExecution"],
      Resource: names.map((name) => stateMachineArn(deployment, name)),
    },
    {
      Effect: "Allow",
      Action: ["states:DescribeExecution", "states:StopExecution"],
      Resource: names.flatMap((name) => executionsOf(deployment, name)),
    },
    {
      Effect: "Allow",
      Action: ["events:DescribeRule", "events:PutRule", "events:PutTargets"],
      Resource: [arn("events", deployment.home, "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule")],
    },
  ];
}

/**
 * A distributed Map runs its items as executions of its own state machine:
 * https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
 */
function ownChildren({ name }: StateMachineDefinition, deployment: AutopilotDeployment): readonly Statement[] {
  const labeled = executionsOf(deployment, name).map((one) => one.replace(/:\*$/, "/*:*"));
  return [
    { Effect: "Allow", Action: ["states:StartExecution"], Resource: [stateMachineArn(deployment, name)] },
    {
      Effect: "Allow",
      Action: ["states:DescribeExecution", "states:StopExecution"],
      Resource: [...executionsOf(deployment, name), ...labeled],
    },
  ];
}

function integrationsOf(definition: unknown): readonly string[] {
  const found = membersOf(definition).flatMap(([key, value]) =>
    key === "Resource" && typeof value === "string" ? [value] : integrationsOf(value),
  );
  return [...new Set(found)];
}

function isDistributed(definition: unknown): boolean {
  return membersOf(definition).some(
    ([key, value]) => (key === "Mode" && value === "DISTRIBUTED") || isDistributed(value),
  );
}

function membersOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}
