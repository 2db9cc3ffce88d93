import { type EnvironmentVariable, resourceEndings } from "../shared/base/vocabulary.ts";
import type { Context } from "./context.ts";
import { type DeadLetters, failedInvocationsArn } from "./dead-letters.ts";
import { functionBundling } from "./definitions/bundling.ts";
import { arn, homeBusName, LIVE_ALIAS, resourceName, stateMachineArn } from "./definitions/deployment.ts";
import type { FunctionDefinition } from "./definitions/function-definition.ts";
import { functions } from "./definitions/functions.ts";
import { logicalName } from "./definitions/logical-name.ts";
import { functionStatements, lambdaTrust, policy, type Statement } from "./definitions/permissions.ts";

/** The functions by their files below `functions/`. */
export type Functions = ReadonlyMap<string, sst.aws.Function>;

/** Every function of the deployment, each with a role of its own. */
export function deployedFunctions(here: Context, queues: DeadLetters): Functions {
  return new Map(functions.map((definition) => [definition.name, deployed(definition, here, queues)]));
}

/** The aliases of the functions, by the same names. */
export type Aliases = ReadonlyMap<string, aws.lambda.Alias>;

/**
 * Lets the alias of each function name the version that this deployment has published. State machines call it: an
 * execution that is under way goes on with the new code, and an operator can point it to an earlier version.
 */
export function liveAliases(functions: Functions): Aliases {
  return new Map(
    [...functions].map(([name, { nodes }]) => {
      const { name: functionName, version: functionVersion } = nodes.function;
      return [
        name,
        new aws.lambda.Alias(`${logicalName(name)}Live`, { name: LIVE_ALIAS, functionName, functionVersion }),
      ];
    }),
  );
}

function deployed(definition: FunctionDefinition, here: Context, queues: DeadLetters): sst.aws.Function {
  const { deployment, config, settings } = here;
  const logical = logicalName(definition.name);
  const name = resourceName(deployment, definition.name);
  const vpc = definition.kubernetes ? config.vpc : undefined;
  const variables = environmentOf(here);
  const deployedFunction = new sst.aws.Function(logical, {
    name,
    description: definition.description,
    handler: `functions/${definition.name}.handler`,
    runtime: "nodejs24.x",
    architecture: "arm64",
    memory: `${definition.memoryMiB} MB`,
    timeout: `${definition.timeoutSeconds} seconds`,
    nodejs: functionBundling,
    versioning: true,
    logging: { retention: settings.logRetention, format: "json" },
    ...(definition.reservedConcurrency && { concurrency: { reserved: definition.reservedConcurrency } }),
    ...(vpc && { vpc: { privateSubnets: vpc.subnetIds, securityGroups: vpc.securityGroupIds } }),
    transform: {
      role: {
        name,
        assumeRolePolicy: lambdaTrust(deployment),
        inlinePolicies: [{ name: "calls", policy: policy(roleStatements(definition, here)) }],
        managedPolicyArns: [],
      },
      // In place of SST's own, which hold a key for linked resources: there are none.
      function: {
        environment: { variables },
        tracingConfig: { mode: settings.xRay ? "Active" : "PassThrough" },
      },
    },
  });
  if (definition.invocation === "asynchronous") {
    new aws.lambda.FunctionEventInvokeConfig(`${logical}Failures`, {
      functionName: deployedFunction.name,
      maximumRetryAttempts: 2,
      maximumEventAgeInSeconds: 3600,
      ...(!definition.repeats && { destinationConfig: { onFailure: { destination: queues.failedInvocations.arn } } }),
    });
  }
  return deployedFunction;
}

function environmentOf({ deployment, stage }: Context): Record<EnvironmentVariable, string> {
  return {
    AUTOPILOT_STAGE: stage,
    AUTOPILOT_TABLE: resourceName(deployment, resourceEndings.ledger),
    AUTOPILOT_BUS: homeBusName(deployment),
    ROLL_SERVICE_ARN: stateMachineArn(deployment, resourceEndings.rollService),
    ROLL_FLEET_ARN: stateMachineArn(deployment, resourceEndings.rollFleet),
  };
}

function roleStatements(definition: FunctionDefinition, here: Context): readonly object[] {
  const { deployment, config, settings } = here;
  const logGroup = `log-group:/aws/lambda/${resourceName(deployment, definition.name)}:*`;
  const own: Statement[] = [
    {
      Effect: "Allow",
      Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
      Resource: [arn("logs", deployment.home, logGroup)],
    },
  ];
  if (definition.invocation === "asynchronous" && !definition.repeats) {
    own.push({ Effect: "Allow", Action: ["sqs:SendMessage"], Resource: [failedInvocationsArn(here)] });
  }
  if (settings.xRay) {
    own.push({ Effect: "Allow", Action: ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], Resource: ["*"] });
  }
  const network = definition.kubernetes && config.vpc ? networkStatements(definition, here) : [];
  return [...functionStatements(definition, deployment), ...own, ...network];
}

/** Lambda makes the network interfaces with the function's role; the function's code may not. */
function networkStatements({ name }: FunctionDefinition, { deployment }: Context): readonly object[] {
  const Action = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
  ];
  const code = arn("lambda", deployment.home, `function:${resourceName(deployment, name)}`);
  return [
    { Effect: "Allow", Action, Resource: ["*"] },
    {
      Effect: "Deny",
      Action,
      Resource: ["*"],
      Condition: { ArnEquals: { "lambda:SourceFunctionArn": [code] } },
    },
  ];
}
