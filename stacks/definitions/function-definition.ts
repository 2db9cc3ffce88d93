import type { FunctionName, KubernetesFunctionName } from "../../shared/base/vocabulary.ts";
import { type Calls, on } from "./scopes.ts";

/** A function of the deployment. Everything that its role may do follows from `calls`. */
export type FunctionDefinition = FunctionSettings & (KubernetesFunction | OtherFunction);

interface FunctionSettings {
  /** Its file below `functions/`, without the ending. */
  readonly name: FunctionName;
  readonly description: string;
  /**
   * `synchronous`: a state machine waits for it. `asynchronous`: events and schedules invoke it; failures go to a
   * queue.
   */
  readonly invocation: "synchronous" | "asynchronous";
  readonly memoryMiB: number;
  readonly timeoutSeconds: number;
  /** Its next run does all that one that failed would have done: what it failed on is not kept. */
  readonly repeats?: true;
  /** How many may run at a time, where more would exhaust a quota of ECS or Slack, or do the same work twice. */
  readonly reservedConcurrency?: number;
  readonly calls: readonly Calls[];
}

/** It calls a Kubernetes API: it needs an access entry, and is in the VPC if the configuration names one. */
interface KubernetesFunction {
  readonly name: KubernetesFunctionName;
  readonly kubernetes: true;
}

interface OtherFunction {
  readonly name: Exclude<FunctionName, KubernetesFunctionName>;
  readonly kubernetes?: never;
}

/** Every call to another account than the home account is made with the member role there. */
export const elsewhere = on("member-roles", "sts:AssumeRole");

/** The calls that a connection to a control plane needs. */
export const controlPlaneCalls: readonly Calls[] = [
  on("eks-clusters", "eks:DescribeCluster"),
  on("kubeconfig-secrets", "secretsmanager:GetSecretValue"),
  elsewhere,
];

/** Starting an execution that may have been started before. */
export const startRollCalls: readonly Calls[] = [
  on("roll-service", "states:StartExecution"),
  on("roll-service-executions", "states:DescribeExecution"),
];

/** The same for the fleet's state machine. */
export const startRolloutCalls: readonly Calls[] = [
  on("roll-fleet", "states:StartExecution"),
  on("roll-fleet-executions", "states:DescribeExecution"),
];

/** Registering a revision passes roles and, if it has tags, is a TagResource as well. */
export const register: readonly Calls[] = [
  on("task-definitions", "ecs:RegisterTaskDefinition"),
  on("registered-task-definitions", "ecs:TagResource"),
  on("passed-roles", "iam:PassRole"),
];
