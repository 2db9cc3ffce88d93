import type { ServiceRef } from "../base/arn.ts";
import type { JsonObject } from "../base/json.ts";

/** Tags by key. */
export type Tags = Readonly<Record<string, string>>;

/** Kubernetes namespace and service account, bound to one IAM role. */
export interface WorkloadIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly roleArn: string;
}

/** A role that a service account is bound to, and the annotation that says so. */
export interface RoleBinding {
  readonly annotation: string;
  readonly roleArn: string;
}

/** What a Kubernetes namespace is to the mesh: workloads of one that is not ambient are not in it. */
export type NamespaceState = "absent" | "ambient" | "not-ambient";

/** A deployment as DescribeServices returns it. */
export interface Deployment {
  readonly id: string;
  /** `PRIMARY`, `ACTIVE`, `INACTIVE`, or what ECS adds: its model does not enumerate it. */
  readonly status: string;
  readonly taskDefinitionArn: string;
  /** `IN_PROGRESS`, `COMPLETED`, `FAILED`, or what ECS adds. */
  readonly rolloutState: string | undefined;
  readonly rolloutStateReason: string | undefined;
  readonly failedTasks: number;
  readonly desiredCount: number;
  readonly runningCount: number;
}

/** A service deployment as ECS keeps it for 90 days. Its statuses are open: ECS may add others. */
export interface ServiceDeployment {
  readonly createdAtMs: number;
  readonly status: string;
  /** The alarms of the deployment configuration that went off. */
  readonly triggeredAlarms: readonly string[];
  /** The circuit breaker has ended it. */
  readonly isBroken: boolean;
  /** A lifecycle hook has failed, or has timed out. */
  readonly hasFailedHook: boolean;
}

/** What ECS says about a service, in words for people. */
export interface ServiceEvent {
  /** Epoch milliseconds. */
  readonly createdAtMs: number;
  readonly message: string;
}

/** A service as DescribeServices returns it, reduced to what decisions need. */
export interface ObservedService {
  readonly ref: ServiceRef;
  readonly status: string;
  /** When it was created, epoch milliseconds. A service that is created again under its name has another time. */
  readonly createdAtMs: number | undefined;
  /** The PRIMARY deployment's task definition: what the service is meant to run now. */
  readonly taskDefinitionArn: string;
  readonly deploymentController: string;
  readonly deploymentStrategy: string;
  readonly hasPauseHook: boolean;
  /** What its strategy (bake times, steps, hooks) may add to the time of a deployment. */
  readonly strategyMinutes: number;
  /** `REPLICA` or `DAEMON`. */
  readonly schedulingStrategy: string;
  /** What ECS may stop and start of the desired count during a rolling deployment, in percent. */
  readonly deploymentPercents: { readonly minimumHealthy: number; readonly maximum: number };
  /** The expressions of its own placement constraints, in ECS's cluster query language. */
  readonly placementExpressions: readonly string[];
  /** `ECS` for a service of Express Mode, which ECS deploys by itself. */
  readonly resourceManagement: string;
  /** Its tasks have the proxy container of Service Connect. */
  readonly usesServiceConnect: boolean;
  readonly launchType: "FARGATE" | "EC2" | "EXTERNAL" | undefined;
  /** Fargate platform version as set: `LATEST`, `1.4.0` …; undefined on EC2. */
  readonly platformVersion: string | undefined;
  readonly desiredCount: number;
  /** Whose tags its tasks get when they start: `SERVICE`, `TASK_DEFINITION`, or `NONE`. */
  readonly propagateTags: string;
  readonly deployments: readonly Deployment[];
  readonly tags: Tags;
}

/** A task definition as described: raw and lossless, with its tags beside it. */
export interface DescribedTaskDefinition {
  readonly taskDefinitionArn: string;
  /** The raw `taskDefinition` member, with its read-only fields. */
  readonly raw: JsonObject;
  readonly tags: readonly { readonly key: string; readonly value: string }[];
}
