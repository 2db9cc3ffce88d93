/**
 * The calls that the use cases make, as they need them. The gateways in `shared/gateways/` have them; a use case takes
 * only the ones that it uses.
 */
import type { ServiceRef } from "../base/arn.ts";
import type { JsonObject } from "../base/json.ts";
import type { MetricDimensions, MetricName } from "../base/metrics.ts";
import type { AutopilotDetailType, OperatorDetailType } from "../base/vocabulary.ts";
import type { MeshFacts } from "../model/mesh.ts";
import type {
  DescribedTaskDefinition,
  NamespaceState,
  ObservedService,
  RoleBinding,
  ServiceDeployment,
  ServiceEvent,
  Tags,
  WorkloadIdentity,
} from "../model/service.ts";
import type { ObservedTask } from "../model/task.ts";
import type { WorkloadEntry, WorkloadEntrySelection } from "../model/workload-entry.ts";

export interface EcsCalls {
  /** Throws `service-not-found`. */
  describeService(ref: ServiceRef): Promise<ObservedService>;
  /** ECS's own events of the service, at most a hundred; none of a service that it does not know. */
  describeServiceEvents(ref: ServiceRef): Promise<readonly ServiceEvent[]>;
  /** The latest service deployments, at most 20, that were created since then (epoch milliseconds). */
  describeServiceDeployments(ref: ServiceRef, sinceMs: number): Promise<readonly ServiceDeployment[]>;
  /** At most ten names. Services that ECS does not know are left out. */
  describeServices(clusterArn: string, names: readonly string[]): Promise<readonly ObservedService[]>;
  /** From a cache unless asked for fresh: a revision never changes, only its status and tags do. */
  describeTaskDefinition(arn: string, options?: { readonly fresh?: boolean }): Promise<DescribedTaskDefinition>;
  /** The family's newest ACTIVE revision, or `undefined`. */
  describeLatestTaskDefinition(family: string): Promise<DescribedTaskDefinition | undefined>;
  /** Registers raw JSON unchanged and returns the new revision's ARN. Throws `registration-refused`. */
  registerTaskDefinition(definition: JsonObject): Promise<string>;
  /** Without a revision or a forced deployment, what runs goes on running. Throws `update-refused`. */
  updateService(
    ref: ServiceRef,
    change: {
      readonly taskDefinitionArn?: string;
      /** Where its tasks get tags from; true: from the service. */
      readonly propagateTags?: boolean | "NONE" | "TASK_DEFINITION";
      readonly forceNewDeployment?: boolean;
    },
  ): Promise<ObservedService>;
  /** From a cache that is at most five minutes old, unless asked for fresh. */
  describeCluster(
    clusterArn: string,
    options?: { readonly fresh?: boolean },
  ): Promise<{ readonly clusterArn: string; readonly tags: Tags }>;
  listClusters(): AsyncIterable<string>;
  /** The ARNs of the cluster's services, short ones too: those services can have no tags, and are not described. */
  listServices(clusterArn: string): AsyncIterable<string>;
  /** Those of a service, of a family in a cluster, or of a whole cluster, where reading ends once there are `most`. */
  listTasks(
    of:
      | ServiceRef
      | { readonly clusterArn: string; readonly family: string }
      | { readonly clusterArn: string; readonly most: number },
    desiredStatus: "RUNNING" | "STOPPED",
  ): Promise<readonly string[]>;
  describeTasks(clusterArn: string, taskArns: readonly string[]): Promise<readonly ObservedTask[]>;
  tagResource(arn: string, tags: Tags): Promise<void>;
  untagResource(arn: string, tagKeys: readonly string[]): Promise<void>;
}

export interface DescribedSecret {
  readonly arn: string;
  readonly name: string;
  /** Staging labels by version id. */
  readonly versions: Readonly<Record<string, readonly string[]>>;
  readonly tags: Tags;
  readonly scheduledForDeletion: boolean;
  /** When it, its versions or its policy were changed last, epoch milliseconds; undefined where AWS does not say. */
  readonly changedMs?: number | undefined;
}

export interface SecretsCalls {
  describeSecret(nameOrArn: string): Promise<DescribedSecret | undefined>;
  /** `created: false`: a secret of this name exists, and has its own versions, tags and policy. */
  createSecret(input: {
    readonly name: string;
    readonly description: string;
    readonly value: string;
    readonly versionId: string;
    readonly tags: Tags;
  }): Promise<{ readonly arn: string; readonly created: boolean }>;
  /**
   * Returns the version's labels. An existing version keeps its labels and does not get those given here; one with
   * another content throws `secret-version-foreign`.
   */
  putSecretValue(input: {
    readonly secretArn: string;
    readonly value: string;
    readonly versionId: string;
    readonly labels: readonly string[];
  }): Promise<readonly string[]>;
  getResourcePolicy(secretArn: string): Promise<string | undefined>;
  putResourcePolicy(secretArn: string, policy: string): Promise<void>;
  deleteResourcePolicy(secretArn: string): Promise<void>;
  /** Nobody can read the secret any more; after the days it is gone. Nothing changes where it is scheduled already. */
  scheduleDeletion(secretArn: string, afterDays: number): Promise<void>;
  /** Cancels a deletion that is scheduled. */
  restoreSecret(secretArn: string): Promise<void>;
  /** Puts a label on a version; takes it from the version that has it. */
  moveLabel(secretArn: string, label: string, toVersionId: string, fromVersionId?: string): Promise<void>;
  removeLabel(secretArn: string, label: string, fromVersionId: string): Promise<void>;
  listSecrets(namePrefix: string): AsyncIterable<DescribedSecret>;
}

export interface ControlPlaneCalls {
  readMeshFacts(): Promise<MeshFacts>;
  /**
   * The certificates of the Kubernetes secret that istiod signs with, its own first, in PEM; the key in it is not
   * kept. Throws `control-plane-refused` where it is not granted, `control-plane-incomplete` without one.
   */
  readCaChain(): Promise<readonly string[]>;
  /** `istio-system`, the default of the tags, is used as it is and counts as ambient. */
  readNamespace(namespace: string): Promise<NamespaceState>;
  /** Creates the namespace, in the mesh. One that exists is labeled only where the configuration says so. */
  ensureNamespace(namespace: string): Promise<void>;
  /** Binds a service account that is not bound. Throws `control-plane-refused` when it is bound to another role. */
  ensureServiceAccount(identity: WorkloadIdentity): Promise<void>;
  /** The roles that the service account is bound to, by each annotation that istiod reads; none if it is not. */
  readBindings(namespace: string, serviceAccount: string): Promise<readonly RoleBinding[]>;
  /** Removes the autopilot's binding of the service account to this very role, if it has it. */
  unbind(identity: WorkloadIdentity): Promise<void>;
  /** The bindings of every service account of a namespace, by its name; none for a namespace that does not exist. */
  listBindings(namespace: string): Promise<ReadonlyMap<string, readonly RoleBinding[]>>;
  /** The namespaces in the mesh, without `istio-system`; undefined where that would take more than `mostCalls`. */
  listAmbientNamespaces(mostCalls: number): Promise<ReadonlySet<string> | undefined>;
  /**
   * The bindings of every service account by namespace and name, as `listBindings` has them, for each namespace whose
   * accounts could all be read; undefined where that would take more than `mostCalls`.
   */
  listAllBindings(
    mostCalls: number,
  ): Promise<ReadonlyMap<string, ReadonlyMap<string, readonly RoleBinding[]>> | undefined>;
  /** Those of the whole control plane without a namespace. */
  listWorkloadEntries(selection: WorkloadEntrySelection): Promise<readonly WorkloadEntry[]>;
}

export interface ServingCertificateCalls {
  /** The certificates that istiod serves at its address, its own first, in PEM. Throws when it can't be asked. */
  readChain(istiodUrl: string): Promise<readonly string[]>;
}

/** `RUNNING`, `SUCCEEDED`, …, or what Step Functions adds: `hasEndedExecution` says what follows. */
export type ExecutionStatus = string;

export interface ExecutionCalls {
  /** `started: false` when the name is taken: the status is that of the execution that has it. */
  startExecution(input: {
    readonly name: string;
    readonly input: JsonObject;
  }): Promise<{ readonly started: true } | { readonly started: false; readonly status: ExecutionStatus }>;
  /** False when the token is no longer waited for. */
  sendTaskSuccess(taskToken: string, output: JsonObject): Promise<boolean>;
}

export interface BusEvent {
  readonly detailType: AutopilotDetailType | OperatorDetailType;
  readonly detail: JsonObject;
  readonly resources: readonly string[];
}

export interface BusCalls {
  putEvents(events: readonly BusEvent[]): Promise<void>;
}

/** Structured log lines; Powertools' logger has these. Never given a token, an event or a task definition. */
export interface Log {
  info(message: string, extra?: JsonObject): void;
  warn(message: string, extra?: JsonObject): void;
  error(message: string, extra?: JsonObject): void;
}

/** Numbers that become CloudWatch metrics (EMF), each in its own unit. */
export interface Measure {
  /** One more. */
  count<M extends MetricName>(metric: M, dimensions: MetricDimensions<M>): void;
  record<M extends MetricName>(metric: M, value: number, dimensions: MetricDimensions<M>): void;
}

/** A CloudWatch alarm, metric or composite, as it stands. */
export interface DescribedAlarm {
  readonly name: string;
  /** `OK`, `ALARM`, `INSUFFICIENT_DATA`, or what CloudWatch adds. */
  readonly state: string;
  readonly reason: string;
}

export interface AlarmCalls {
  /** Any number of names. Alarms that CloudWatch does not know are left out. */
  describeAlarms(names: readonly string[]): Promise<readonly DescribedAlarm[]>;
}

export interface ParameterCalls {
  /** The value of a Parameter Store parameter by its name or ARN, decrypted; `undefined` when there is none. */
  getParameter(name: string): Promise<string | undefined>;
  /** Writes a plain parameter, or a new version of it. */
  putParameter(name: string, value: string): Promise<void>;
}
