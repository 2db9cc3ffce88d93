import { elsewhere, type FunctionDefinition, startRolloutCalls } from "./function-definition.ts";
import { on } from "./scopes.ts";

/** The steps of RollFleet, and the functions that start, control and watch it. */
export const rolloutFunctions: readonly FunctionDefinition[] = [
  {
    name: "rollout/request",
    description: "Queues and starts rollouts, for operators, a new image or a new root CA.",
    invocation: "asynchronous",
    memoryMiB: 512,
    timeoutSeconds: 120,
    calls: [
      on("ledger", "dynamodb:GetItem", "dynamodb:PutItem"),
      on("image-parameter", "ssm:GetParameter"),
      on("task-tokens", "states:SendTaskSuccess"),
      on("bus", "events:PutEvents"),
      ...startRolloutCalls,
    ],
  },
  {
    name: "rollout/control",
    description: "Pauses, resumes, approves, aborts or rolls back a rollout.",
    invocation: "asynchronous",
    memoryMiB: 512,
    timeoutSeconds: 60,
    calls: [
      on("ledger", "dynamodb:GetItem", "dynamodb:PutItem"),
      on("task-tokens", "states:SendTaskSuccess"),
      on("bus", "events:PutEvents"),
      ...startRolloutCalls,
    ],
  },
  {
    name: "rollout/guard",
    description: "On a schedule: wakes a rollout whose wait is over or whose alarm went off.",
    invocation: "asynchronous",
    memoryMiB: 512,
    timeoutSeconds: 60,
    reservedConcurrency: 1,
    calls: [
      on("ledger", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"),
      on("alarms", "cloudwatch:DescribeAlarms"),
      on("task-tokens", "states:SendTaskSuccess"),
      ...startRolloutCalls,
      elsewhere,
    ],
  },
  {
    name: "rollout/report",
    description: "Keeps each rollout's message in the operations channel up to date.",
    invocation: "asynchronous",
    memoryMiB: 512,
    timeoutSeconds: 60,
    // Slack takes about a message a second in a channel.
    reservedConcurrency: 2,
    calls: [
      on("ledger", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan"),
      on("slack-secret", "secretsmanager:GetSecretValue"),
    ],
  },
  {
    name: "rollout/start",
    description: "RollFleet: lists the enrolled services and plans the waves.",
    invocation: "synchronous",
    memoryMiB: 1024,
    timeoutSeconds: 890,
    calls: [
      on("ledger", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan"),
      on("services", "ecs:DescribeServices"),
      on("clusters", "ecs:DescribeClusters"),
      on("alarms", "cloudwatch:DescribeAlarms"),
      on("bus", "events:PutEvents"),
      elsewhere,
    ],
  },
  {
    name: "rollout/next-wave",
    description: "RollFleet: returns the next wave, or the reason to wait.",
    invocation: "synchronous",
    memoryMiB: 512,
    timeoutSeconds: 110,
    calls: [on("ledger", "dynamodb:GetItem", "dynamodb:PutItem"), on("bus", "events:PutEvents")],
  },
  {
    name: "rollout/take",
    description: "RollFleet: prepares the roll of one service of a wave.",
    invocation: "synchronous",
    memoryMiB: 512,
    timeoutSeconds: 60,
    calls: [on("ledger", "dynamodb:GetItem", "dynamodb:UpdateItem")],
  },
  {
    name: "rollout/hold",
    description: "RollFleet: stores the task token of a bake or a pause.",
    invocation: "synchronous",
    memoryMiB: 512,
    timeoutSeconds: 60,
    calls: [on("ledger", "dynamodb:GetItem", "dynamodb:PutItem"), on("task-tokens", "states:SendTaskSuccess")],
  },
  {
    name: "rollout/assess-wave",
    description: "RollFleet: judges a wave's outcomes by the failure budget.",
    invocation: "synchronous",
    memoryMiB: 1024,
    timeoutSeconds: 300,
    calls: [
      on("ledger", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"),
      on("services", "ecs:DescribeServices"),
      on("alarms", "cloudwatch:DescribeAlarms"),
      on("bus", "events:PutEvents"),
      // A service whose own alarm has fired returns by a roll of its own.
      on("roll-service", "states:StartExecution"),
      on("roll-service-executions", "states:DescribeExecution"),
      elsewhere,
    ],
  },
  {
    name: "rollout/finish",
    description: "RollFleet: records the outcome and emits the event.",
    invocation: "synchronous",
    memoryMiB: 512,
    timeoutSeconds: 110,
    calls: [
      on("ledger", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"),
      on("bus", "events:PutEvents"),
      ...startRolloutCalls,
    ],
  },
];
