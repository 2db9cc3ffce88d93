import type { Clock } from "../clock/clock.ts";

/** A token bucket: `burst` calls at once, then `perSecond` of them each second. */
export interface Rate {
  readonly bucket: string;
  readonly burst: number;
  readonly perSecond: number;
}

type RateTable = Readonly<Record<string, Rate>>;

function rates(bucket: string, burst: number, perSecond: number, ...operations: readonly string[]): RateTable {
  return Object.fromEntries(operations.map((operation) => [operation, { bucket, burst, perSecond }]));
}

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html */
const ECS: RateTable = {
  ...rates("task-definition-modify", 20, 1, "RegisterTaskDefinition", "DeregisterTaskDefinition"),
  ...rates(
    "task-definition-read",
    50,
    20,
    "DescribeTaskDefinition",
    "ListTaskDefinitions",
    "ListTaskDefinitionFamilies",
  ),
  ...rates("service-modify", 50, 5, "CreateService", "UpdateService", "DeleteService"),
  ...rates("service-read", 100, 20, "DescribeServices", "ListServices"),
  ...rates("service-deployment", 50, 20, "ListServiceDeployments", "DescribeServiceDeployments"),
  ...rates("tag-modify", 20, 10, "TagResource", "UntagResource"),
  ...rates("tag-read", 50, 20, "ListTagsForResource"),
  ...rates("cluster-read", 50, 20, "DescribeClusters", "ListClusters"),
  ...rates("cluster-resource-read", 100, 20, "DescribeTasks", "ListTasks"),
  ...rates("cluster-resource-modify", 100, 40, "StopTask", "RunTask"),
};

/** https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html */
const SECRETS_MANAGER: RateTable = {
  ...rates("write", 50, 50, "PutSecretValue", "UpdateSecret", "UpdateSecretVersionStage", "ReplicateSecretToRegions"),
  ...rates("create", 50, 50, "CreateSecret"),
  ...rates("delete", 50, 50, "DeleteSecret", "RestoreSecret"),
  ...rates("policy", 50, 50, "PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy"),
  ...rates("tags", 50, 50, "TagResource", "UntagResource"),
  ...rates("describe", 40_000, 40_000, "DescribeSecret"),
  ...rates("read", 10_000, 10_000, "GetSecretValue"),
  ...rates("batch-read", 100, 100, "BatchGetSecretValue"),
  ...rates("list", 100, 100, "ListSecrets"),
  ...rates("list-versions", 50, 50, "ListSecretVersionIds"),
};

/** https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const STATES_LARGE: RateTable = {
  ...rates("start", 1_300, 300, "StartExecution"),
  ...rates("describe", 300, 15, "DescribeExecution"),
  ...rates("send-task", 3_000, 500, "SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat"),
  ...rates("stop", 1_000, 200, "StopExecution"),
};
const STATES: RateTable = {
  ...rates("start", 800, 150, "StartExecution"),
  ...rates("describe", 250, 10, "DescribeExecution"),
  ...rates("send-task", 1_500, 300, "SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat"),
  ...rates("stop", 500, 25, "StopExecution"),
};
const LARGE_STATES_REGIONS = new Set(["us-east-1", "us-west-2", "eu-west-1"]);

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html */
const CLOUDWATCH: RateTable = {
  ...rates("describe-alarms", 9, 9, "DescribeAlarms"),
  ...rates("put-metric-alarm", 3, 3, "PutMetricAlarm"),
  ...rates("put-composite-alarm", 3, 3, "PutCompositeAlarm"),
  ...rates("set-alarm-state", 3, 3, "SetAlarmState"),
  ...rates("delete-alarms", 3, 3, "DeleteAlarms"),
};

/** AWS's default rate of an operation in a region; `undefined` where the lab does not throttle. */
export function rateOf(service: string, operation: string, region: string): Rate | undefined {
  switch (service) {
    case "ecs":
      return ECS[operation];
    case "secretsmanager":
      return SECRETS_MANAGER[operation];
    case "cloudwatch":
      return CLOUDWATCH[operation];
    case "states":
      return (LARGE_STATES_REGIONS.has(region) ? STATES_LARGE : STATES)[operation];
    default:
      return undefined;
  }
}

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

/** Token buckets per account, region and group of operations. They refill by the lab's clock. */
export class Throttle {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes a token. False when the bucket is empty: the call is to be refused. */
  admits(call: { service: string; operation: string; account: string; region: string }): boolean {
    const rate = rateOf(call.service, call.operation, call.region);
    if (!rate) return true;
    const key = `${call.account}/${call.region}/${call.service}/${rate.bucket}`;
    const nowMs = this.#clock.now();
    const bucket = this.#buckets.get(key) ?? { tokens: rate.burst, filledAtMs: nowMs };
    this.#buckets.set(key, bucket);
    const refill = ((nowMs - bucket.filledAtMs) / 1000) * rate.perSecond;
    bucket.tokens = Math.min(rate.burst, bucket.tokens + refill);
    bucket.filledAtMs = nowMs;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}
