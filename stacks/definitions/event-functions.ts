import { controlPlaneCalls, elsewhere, type FunctionDefinition, startRollCalls } from "./function-definition.ts";
import { on } from "./scopes.ts";

/** The functions that events and the clock invoke. */
export const eventFunctions: readonly FunctionDefinition[] = [
  {
    name: "reconcile-service",
    description: "Reconciles the service or cluster that an event names, and starts rolls.",
    invocation: "asynchronous",
    memoryMiB: 512,
    timeoutSeconds: 300,
    calls: [
      on("ledger", "dynamodb:GetItem", "dynamodb:UpdateItem"),
      on("services", "ecs:DescribeServices", "ecs:UpdateService"),
      on("clusters", "ecs:DescribeClusters"),
      on("in-a-cluster", "ecs:ListServices"),
      on("region-wide", "ecs:DescribeTaskDefinition"),
      on("service-tags", "ecs:UntagResource"),
      on("cluster-tags", "ecs:TagResource"),
      on("bus", "events:PutEvents"),
      ...startRollCalls,
      elsewhere,
    ],
  },
  {
    name: "sweep-services",
    description: "Reconciles every service on a schedule: events can be lost.",
    invocation: "asynchronous",
    memoryMiB: 1024,
    timeoutSeconds: 900,
    reservedConcurrency: 1,
    calls: [
      on("ledger", "dynamodb:GetItem", "dynamodb:Scan", "dynamodb:UpdateItem"),
      on("services", "ecs:DescribeServices", "ecs:UpdateService"),
      on("clusters", "ecs:DescribeClusters"),
      on("in-a-cluster", "ecs:ListServices"),
      on("region-wide", "ecs:DescribeTaskDefinition", "ecs:ListClusters", "secretsmanager:ListSecrets"),
      on("service-tags", "ecs:UntagResource"),
      on("cluster-tags", "ecs:TagResource"),
      on("token-secrets", "secretsmanager:DescribeSecret", "secretsmanager:UpdateSecretVersionStage"),
      on("bus", "events:PutEvents"),
      ...startRollCalls,
      elsewhere,
    ],
  },
  {
    name: "signal-deployment",
    description: "Signals the end of a deployment to the roll that waits for it, and counts tasks that die.",
    invocation: "asynchronous",
    memoryMiB: 512,
    timeoutSeconds: 60,
    calls: [
      on("ledger", "dynamodb:GetItem", "dynamodb:UpdateItem"),
      on("services", "ecs:DescribeServices"),
      on("task-tokens", "states:SendTaskSuccess"),
      on("bus", "events:PutEvents"),
      elsewhere,
    ],
  },
  {
    name: "watch-root-ca",
    description: "Keeps the mesh facts of every control plane and watches their root CAs.",
    invocation: "asynchronous",
    memoryMiB: 1024,
    // During a rotation it reads every enrolled service.
    timeoutSeconds: 900,
    reservedConcurrency: 1,
    kubernetes: true,
    calls: [
      on("ledger", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan"),
      on("services", "ecs:DescribeServices"),
      on("region-wide", "ecs:DescribeTaskDefinition"),
      on("bus", "events:PutEvents"),
      ...controlPlaneCalls,
    ],
  },
  {
    name: "notify-slack",
    description: "Posts an event to the operations channel.",
    invocation: "asynchronous",
    memoryMiB: 512,
    timeoutSeconds: 60,
    // Slack takes about a message a second in a channel.
    reservedConcurrency: 2,
    calls: [on("ledger", "dynamodb:GetItem"), on("slack-secret", "secretsmanager:GetSecretValue")],
  },
];
