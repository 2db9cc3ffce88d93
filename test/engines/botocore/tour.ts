import type { SimulatorRequest } from "@ztunnel-autopilot/simulator";
import * as z from "zod";
import type { Lab } from "../../../lab/autopilot/lab.ts";
import type { JsonObject } from "../../../shared/base/json.ts";

/** What comes before an operation in the header `x-amz-target`. */
export const targets = {
  ecs: "AmazonEC2ContainerServiceV20141113",
  secretsmanager: "secretsmanager",
  ssm: "AmazonSSM",
  events: "AWSEvents",
  states: "AWSStepFunctions",
  cloudwatch: "GraniteServiceVersion20100801",
} as const;

type Stop = readonly [service: keyof typeof targets, operation: string, input: JsonObject];

/** What the tour's calls are about: things that the story has left in its lab. */
export interface TourSubjects {
  readonly serviceArn: string;
  readonly clusterArn: string;
  /** A task of the service that runs. */
  readonly taskArn: string;
  readonly serviceDeploymentArn: string;
  readonly stateMachineArn: string;
  readonly executionArn: string;
}

/**
 * Calls of what an operator may use of the lab and the story does not, among them some that are refused. Some use what
 * others before them have made.
 */
export function tourStops(subjects: TourSubjects): readonly Stop[] {
  const { serviceArn, clusterArn, taskArn, serviceDeploymentArn, stateMachineArn, executionArn } = subjects;
  const started = `${stateMachineArn.replace(":stateMachine:", ":execution:")}:tour`;
  const container = { name: "web", image: "nginx:1.29", essential: true, portMappings: [{ containerPort: 80 }] };
  const definition = { family: "tour", containerDefinitions: [container], networkMode: "bridge", memory: "256" };
  const alarm = { AlarmName: "tour", Namespace: "Tour", MetricName: "Errors", Statistic: "Sum", Period: 60 };
  const limits = { EvaluationPeriods: 1, Threshold: 5, ComparisonOperator: "GreaterThanThreshold" };
  const pattern = JSON.stringify({ source: ["aws.ecs"] });
  const event = { id: "1", account: "123456789012", source: "aws.ecs", time: "2026-01-01T00:00:00Z" };
  const wholeEvent = { ...event, region: "us-east-1", resources: [], "detail-type": "x", detail: {} };
  return [
    ["ecs", "CreateCluster", { clusterName: "tour", tags: [{ key: "team", value: "tour" }] }],
    ["ecs", "RegisterTaskDefinition", { ...definition, tags: [{ key: "team", value: "tour" }] }],
    ["ecs", "RegisterTaskDefinition", { family: "tour", containerDefinitions: [] }],
    ["ecs", "CreateService", { cluster: "tour", serviceName: "web", taskDefinition: "tour", desiredCount: 0 }],
    ["ecs", "ListTagsForResource", { resourceArn: serviceArn }],
    ["ecs", "StopTask", { cluster: clusterArn, task: taskArn, reason: "a tour" }],
    ["ecs", "ListServiceDeployments", { service: serviceArn, cluster: clusterArn }],
    [
      "ecs",
      "DescribeServiceDeployments",
      { serviceDeploymentArns: [serviceDeploymentArn, `${serviceDeploymentArn}x`] },
    ],
    ["ecs", "ListTaskDefinitions", { familyPrefix: "tour", sort: "DESC" }],
    ["ecs", "ListTaskDefinitionFamilies", { familyPrefix: "tour" }],
    ["ecs", "DescribeServices", { cluster: "tour", services: ["web", "nope"] }],
    ["ecs", "DescribeClusters", { clusters: ["tour"], include: ["TAGS", "SETTINGS", "STATISTICS"] }],
    ["ecs", "DeregisterTaskDefinition", { taskDefinition: "tour:1" }],
    ["ecs", "DeleteTaskDefinitions", { taskDefinitions: ["tour:1", "tour:9"] }],
    ["ecs", "DeleteCluster", { cluster: "tour" }],
    ["ecs", "DeleteService", { cluster: "tour", service: "web", force: true }],
    ["ecs", "DeleteCluster", { cluster: "tour" }],
    ["ecs", "UpdateService", { cluster: clusterArn, service: "nope", desiredCount: 1 }],
    ["secretsmanager", "CreateSecret", { Name: "tour", SecretString: "a", ClientRequestToken: "t".repeat(32) }],
    ["secretsmanager", "CreateSecret", { Name: "tour", SecretString: "b" }],
    ["secretsmanager", "UpdateSecret", { SecretId: "tour", SecretString: "c", Description: "a tour" }],
    ["secretsmanager", "TagResource", { SecretId: "tour", Tags: [{ Key: "team", Value: "tour" }] }],
    ["secretsmanager", "UntagResource", { SecretId: "tour", TagKeys: ["team"] }],
    ["secretsmanager", "ListSecretVersionIds", { SecretId: "tour", IncludeDeprecated: true }],
    ["secretsmanager", "DeleteResourcePolicy", { SecretId: "tour" }],
    ["secretsmanager", "DeleteSecret", { SecretId: "tour", RecoveryWindowInDays: 7 }],
    ["secretsmanager", "GetSecretValue", { SecretId: "tour" }],
    ["secretsmanager", "RestoreSecret", { SecretId: "tour" }],
    ["secretsmanager", "GetSecretValue", { SecretId: "nope" }],
    ["ssm", "PutParameter", { Name: "/tour/a", Type: "String", Value: "1", Description: "a tour" }],
    ["ssm", "PutParameter", { Name: "/tour/a", Type: "String", Value: "2" }],
    ["ssm", "GetParameters", { Names: ["/tour/a", "/tour/b"] }],
    ["ssm", "DescribeParameters", {}],
    ["ssm", "LabelParameterVersion", { Name: "/tour/a", ParameterVersion: 1, Labels: ["stable", "1st"] }],
    ["ssm", "GetParameter", { Name: "/tour/a:stable" }],
    ["ssm", "GetParameterHistory", { Name: "/tour/a" }],
    ["ssm", "UnlabelParameterVersion", { Name: "/tour/a", ParameterVersion: 1, Labels: ["stable", "gone"] }],
    ["ssm", "DeleteParameter", { Name: "/tour/a" }],
    ["ssm", "GetParameter", { Name: "/tour/a" }],
    ["events", "ListEventBuses", {}],
    ["events", "ListRules", {}],
    ["events", "DescribeRule", { Name: "ztunnel-autopilot-tag-changed" }],
    ["events", "DescribeRule", { Name: "nope" }],
    ["events", "ListTargetsByRule", { Rule: "ztunnel-autopilot-tag-changed" }],
    ["events", "TestEventPattern", { EventPattern: pattern, Event: JSON.stringify(wholeEvent) }],
    ["events", "TestEventPattern", { EventPattern: "{}", Event: JSON.stringify(wholeEvent) }],
    [
      "events",
      "PutEvents",
      { Entries: [{ Source: "tour", DetailType: "Tour", Detail: "{}", Time: 1767225600 }, { Source: "tour" }] },
    ],
    ["states", "ListStateMachines", {}],
    ["states", "DescribeStateMachine", { stateMachineArn }],
    ["states", "ListExecutions", { stateMachineArn, statusFilter: "SUCCEEDED" }],
    ["states", "GetExecutionHistory", { executionArn, reverseOrder: true }],
    ["states", "GetExecutionHistory", { executionArn, includeExecutionData: false }],
    ["states", "StartExecution", { stateMachineArn, name: "tour", input: JSON.stringify({ serviceArn }) }],
    ["states", "StopExecution", { executionArn: started, error: "Tour", cause: "a tour" }],
    ["states", "StopExecution", { executionArn: `${executionArn}-nope` }],
    ["states", "SendTaskFailure", { taskToken: "no token of this lab", error: "Tour", cause: "a tour" }],
    ["states", "SendTaskHeartbeat", { taskToken: "no token of this lab" }],
    ["cloudwatch", "PutMetricAlarm", { ...alarm, ...limits, Dimensions: [{ Name: "Service", Value: "web" }] }],
    ["cloudwatch", "PutCompositeAlarm", { AlarmName: "tour-both", AlarmRule: 'ALARM("tour")' }],
    ["cloudwatch", "SetAlarmState", { AlarmName: "tour", StateValue: "ALARM", StateReason: "a tour" }],
    ["cloudwatch", "DescribeAlarms", { AlarmNamePrefix: "tour", AlarmTypes: ["MetricAlarm", "CompositeAlarm"] }],
    ["cloudwatch", "DeleteAlarms", { AlarmNames: ["tour-both", "tour"] }],
    ["cloudwatch", "SetAlarmState", { AlarmName: "nope", StateValue: "OK", StateReason: "a tour" }],
  ];
}

/** Calls what `tourStops` names, then EKS and STS, in the home account of a lab in which the story has been played. */
export async function takeTour(lab: Lab): Promise<void> {
  const { homeAccount: account, homeRegion: region } = lab.config;
  const stateMachineArn = lab.rollServiceArn;
  const service = lab.ecs
    .allServices()
    .find(({ arn, tasks }) => arn.includes(`:${region}:${account}:`) && [...tasks].some(isRunning));
  const task = [...(service?.tasks ?? [])].find(isRunning);
  const [roll] = lab.stepFunctions.listExecutions({ stateMachineArn });
  if (!service || !task || !roll) throw new Error("the story has left no service that runs, or no roll");
  const { serviceDeployments } = await lab.call({ account, region }, "ListServiceDeployments", {
    cluster: service.cluster.arn,
    service: service.arn,
  });
  const stops = tourStops({
    serviceArn: service.arn,
    clusterArn: service.cluster.arn,
    taskArn: task.arn,
    serviceDeploymentArn: deploymentsSchema.parse(serviceDeployments)[0].serviceDeploymentArn,
    stateMachineArn,
    executionArn: roll.executionArn,
  });
  const send = (request: Partial<SimulatorRequest>) => {
    const whole = { method: "POST", path: "/", query: {}, headers: {}, body: "", ...request };
    return lab.simulator.handle(whole, { account, region });
  };
  for (const [name, operation, input] of stops) {
    const headers = { "x-amz-target": `${targets[name]}.${operation}`, "content-type": "application/x-amz-json-1.1" };
    await send({ headers, body: JSON.stringify(input) });
  }
  await send({ method: "GET", path: "/clusters" });
  await send({ method: "GET", path: "/clusters/nope" });
  await send({ method: "GET", query: { Action: "GetCallerIdentity", Version: "2011-06-15" } });
}

function isRunning({ lastStatus }: { readonly lastStatus: string }): boolean {
  return lastStatus === "RUNNING";
}

const deploymentsSchema = z.tuple([z.object({ serviceDeploymentArn: z.string() })]).rest(z.unknown());
