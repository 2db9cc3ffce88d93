import type { JsonObject } from "../../base/json.ts";
import type { ContainerSpec, TaskDefinitionSpec } from "./container-spec.ts";
/** Tags by key, in the order in which they were set. */
export type Tags = Map<string, string>;

/** All of ECS in one account and region. */
export interface EcsScope {
  readonly account: string;
  readonly region: string;
  readonly clusters: Map<string, EcsCluster>;
  readonly families: Map<string, EcsRevision[]>;
}

export interface EcsCluster {
  readonly sequence: number;
  readonly arn: string;
  readonly name: string;
  readonly scope: EcsScope;
  readonly tags: Tags;
  /** Members of the request that the simulator stores and returns. */
  readonly settings: JsonObject;
  status: "ACTIVE" | "INACTIVE";
  /** When it became INACTIVE. */
  deletedAtMs: number | undefined;
  tagVersion: number;
  readonly services: Map<string, EcsService>;
  /** Tasks that are not yet STOPPED, by id. */
  readonly tasks: Map<string, EcsTask>;
  /** STOPPED tasks that can still be described, the oldest first. */
  readonly stopped: Map<string, EcsTask>;
}

export interface EcsRevision {
  readonly arn: string;
  readonly family: string;
  readonly revision: number;
  /** The definition as DescribeTaskDefinition returns it, unknown members included. */
  readonly definition: JsonObject;
  readonly spec: TaskDefinitionSpec;
  readonly tags: Tags;
  deregisteredAtMs: number | undefined;
  /** When its deletion was asked for: it is DELETE_IN_PROGRESS since then. */
  deleteRequestedAtMs: number | undefined;
}

export type DeploymentController = "ECS" | "CODE_DEPLOY" | "EXTERNAL";

export interface EcsService {
  readonly sequence: number;
  readonly arn: string;
  readonly name: string;
  readonly cluster: EcsCluster;
  readonly controller: DeploymentController;
  readonly clientToken: string | undefined;
  readonly createdAtMs: number;
  readonly tags: Tags;
  tagVersion: number;
  status: "ACTIVE" | "DRAINING" | "INACTIVE";
  /** When it became INACTIVE. */
  deletedAtMs: number | undefined;
  desiredCount: number;
  /** Members of the requests that are stored and returned as they came. */
  settings: JsonObject;
  /** The primary deployment first. */
  deployments: EcsDeployment[];
  /** Where the circuit breaker rolls back to. */
  lastCompleted: EcsDeployment | undefined;
  /** Tasks that are not yet STOPPED. */
  readonly tasks: Set<EcsTask>;
  readonly stopped: Map<string, EcsTask>;
  /** Tasks that move to another zone, by those that take their places. */
  readonly rebalancing: Map<EcsTask, EcsTask>;
  /** The newest first. */
  readonly history: EcsServiceDeployment[];
  /** The newest first, at most 100 as in AWS. */
  messages: { readonly id: string; readonly createdAtMs: number; readonly message: string }[];
}

export interface EcsDeployment {
  /** `ecs-svc/` and 19 digits. */
  readonly id: string;
  readonly service: EcsService;
  readonly revision: EcsRevision;
  readonly serviceRevisionArn: string;
  readonly settings: JsonObject;
  readonly createdAtMs: number;
  status: "PRIMARY" | "ACTIVE" | "INACTIVE";
  rolloutState: "IN_PROGRESS" | "COMPLETED" | "FAILED";
  rolloutStateReason: string;
  updatedAtMs: number;
  /** Failed tasks in a row. */
  failedTasks: number;
  /**
   * What the scheduler does: nothing yet, launch the new tasks beside the old ones, or replace the old ones as the
   * percentages allow.
   */
  phase: "waiting" | "beside" | "replacing";
  /** How far the stages are that come once its tasks are healthy. */
  staged: "not yet" | "under way" | "ended";
  /** The service's events say already that its deployment configuration leaves no room. */
  stuck: boolean;
  /** No task is launched before this time. */
  retryAtMs: number;
  /** Tasks whose desired status is RUNNING. */
  readonly tasks: Set<EcsTask>;
  /** Tasks on their way to STOPPED. */
  readonly stopping: Set<EcsTask>;
  /** The service deployment that it belongs to. */
  record: EcsServiceDeployment;
}

/** What ListServiceDeployments and DescribeServiceDeployments return. */
export interface EcsServiceDeployment {
  readonly arn: string;
  readonly sequence: number;
  readonly createdAtMs: number;
  readonly sourceServiceRevisionArns: readonly string[];
  readonly targetServiceRevisionArn: string;
  status: ServiceDeploymentStatus;
  statusReason: string | undefined;
  updatedAtMs: number;
  finishedAtMs: number | undefined;
  /** The lifecycle stage; a rolling deployment without a bake has none. */
  stage: string | undefined;
  readonly hooks: HookRun[];
  /** Its alarms that went off. */
  readonly triggeredAlarms: string[];
  rollback: { readonly reason: string; readonly startedAtMs: number; readonly serviceRevisionArn: string } | undefined;
}

/** A lifecycle hook that was or is run. */
export interface HookRun {
  readonly hookId: string;
  readonly targetType: string;
  readonly targetArn: string | undefined;
  status: "AWAITING_ACTION" | "IN_PROGRESS" | "SUCCEEDED" | "FAILED" | "TIMED_OUT";
  readonly expiresAtMs: number;
  readonly timeoutAction: "CONTINUE" | "ROLLBACK";
  /** Why it failed, in a sentence. */
  problem?: string;
}

export type ServiceDeploymentStatus =
  | "IN_PROGRESS"
  | "SUCCESSFUL"
  | "STOPPED"
  | "ROLLBACK_IN_PROGRESS"
  | "ROLLBACK_SUCCESSFUL"
  | "ROLLBACK_FAILED";

export type TaskStatus = "PROVISIONING" | "PENDING" | "RUNNING" | "DEPROVISIONING" | "STOPPED";

export type StopCode =
  | "TaskFailedToStart"
  | "EssentialContainerExited"
  | "ServiceSchedulerInitiated"
  | "SpotInterruption"
  | "UserInitiated";

export interface TaskStop {
  readonly stopCode: StopCode;
  readonly stoppedReason: string;
  /** Why a container did not run, by its name. */
  readonly containerReasons?: Readonly<Record<string, string>>;
  /** The task failed by itself: it counts for the deployment's failed tasks. */
  readonly failed: boolean;
}

export interface EcsTask {
  readonly sequence: number;
  readonly id: string;
  readonly arn: string;
  readonly cluster: EcsCluster;
  readonly service: EcsService;
  readonly deployment: EcsDeployment;
  readonly revision: EcsRevision;
  readonly tags: Tags;
  readonly createdAtMs: number;
  /** The end of its availability zone's name. */
  readonly zone: string;
  /** Undefined for a task of a service with a launch type. */
  readonly capacityProvider: string | undefined;
  readonly network: TaskNetwork | undefined;
  readonly added: AddedContainers;
  lastStatus: TaskStatus;
  desiredStatus: "RUNNING" | "STOPPED";
  healthy: boolean;
  version: number;
  plan: TaskPlan | undefined;
  startedAtMs: number | undefined;
  stop: TaskStop | undefined;
  stoppingAtMs: number | undefined;
  stoppedAtMs: number | undefined;
}

/** Containers of a task that its definition does not name, and why those do not start that don't. */
export interface AddedContainers {
  readonly specs: readonly ContainerSpec[];
  readonly unstarted: ReadonlyMap<string, string>;
}

export interface TaskNetwork {
  readonly attachmentId: string;
  readonly networkInterfaceId: string;
  readonly macAddress: string;
  readonly subnetId: string;
  /** IPv4, or IPv6 where the subnet has nothing else. */
  readonly address: string;
  readonly ipv6: boolean;
}

/** What will happen to a container, in epoch milliseconds; `Infinity` for what never happens. */
export interface ContainerPlan {
  readonly name: string;
  readonly startsAtMs: number;
  readonly healthyAtMs: number;
  readonly unhealthyAtMs: number;
  readonly exitsAtMs: number;
  /** Undefined for one that never started. */
  readonly exitCode: number | undefined;
  /** Why it never starts. */
  readonly reason?: string;
}

/** A task's whole life, unless it is stopped before: laid out when its containers begin to start. */
export interface TaskPlan {
  readonly pullStartedAtMs: number;
  readonly pullStoppedAtMs: number;
  readonly containers: ReadonlyMap<string, ContainerPlan>;
  readonly runningAtMs: number;
  readonly healthyAtMs: number;
  /** The task stops by itself. */
  readonly failure: (TaskStop & { readonly atMs: number }) | undefined;
}
