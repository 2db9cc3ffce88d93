/** Namespace of every metric of the product. Its dimension `service` names the deployment: `ztunnel-autopilot-prod`. */
export const METRICS_NAMESPACE = "ZtunnelAutopilot";

export interface MetricDefinition {
  /** CloudWatch's unit; days have none. */
  readonly unit: "Count" | "Seconds" | "Percent" | "None";
  /** Its own dimensions, whose values are closed sets or names of the configuration: never a service's ARN. */
  readonly dimensions: readonly string[];
}

/**
 * Every metric that the functions measure: what they may emit, and what the dashboard and the alarms read.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export const metrics = {
  /** Decisions of single reconciles: enroll, update, unenroll, none, refuse. */
  Decisions: { unit: "Count", dimensions: ["action"] },
  /** Refusals found by single reconciles. */
  Refusals: { unit: "Count", dimensions: ["reason"] },

  /** What the last sweep saw, by service: in the mesh, not as its tags ask for, and refused (by reason). */
  ServicesEnrolled: { unit: "Count", dimensions: [] },
  ServicesWithDrift: { unit: "Count", dimensions: [] },
  ServicesRefused: { unit: "Count", dimensions: ["reason"] },
  /** What a sweep did. `SweptServices` has a value for every completed sweep. */
  SweptServices: { unit: "Count", dimensions: [] },
  SweepStarted: { unit: "Count", dimensions: [] },
  SweepRefused: { unit: "Count", dimensions: [] },
  SweepFailed: { unit: "Count", dimensions: [] },
  SweepPostponed: { unit: "Count", dimensions: [] },
  /** Of the postponed services, those that leave the mesh: `policy.maxUnenrollPerSweep` limits them. */
  UnenrollsPostponed: { unit: "Count", dimensions: [] },
  /** Token secrets that running services pin and that somebody has deleted: their next tasks can't start. */
  TokenSecretsGone: { unit: "Count", dimensions: [] },

  /** Of every account and region: 1 where a sweep has read everything, else 0. */
  SweptPlaces: { unit: "Count", dimensions: ["place"] },
  /** Services that their last roll could not revert and that do not run since: by the sweep, and as it happens. */
  ServicesStranded: { unit: "Count", dimensions: [] },
  /** Runs of a schedule that came to their end, of the functions whose silence no other metric shows. */
  ScheduledRuns: { unit: "Count", dimensions: ["function"] },

  Rolls: { unit: "Count", dimensions: ["outcome"] },
  RollDuration: { unit: "Seconds", dimensions: ["outcome"] },

  /** Rollouts that ended, by how. */
  Rollouts: { unit: "Count", dimensions: ["status"] },
  /** The current rollout: its completed share, and its services that failed or could not be rolled back. */
  RolloutDone: { unit: "Percent", dimensions: [] },
  RolloutFailed: { unit: "Count", dimensions: [] },
  RolloutStuck: { unit: "Count", dimensions: [] },
  /** Rollouts that could not go on or were rolled back, and whose cause is there still. */
  RolloutsUnresolved: { unit: "Count", dimensions: [] },
  /** How long a service of a rollout waits for its turn in AWS's quotas. */
  QuotaWait: { unit: "Seconds", dimensions: [] },

  ControlPlanesRead: { unit: "Count", dimensions: [] },
  RootCaChanges: { unit: "Count", dimensions: [] },
  /** Days until the first certificate of the root CA bundle expires; negative when it has expired. */
  RootCaDaysLeft: { unit: "None", dimensions: ["controlPlane"] },

  /** For how many minutes the oldest news has waited for Slack. */
  NewsWaitMinutes: { unit: "None", dimensions: [] },

  /** Steps that failed, including those that are tried again. AWS's throttling is the code `throttled`. */
  Failures: { unit: "Count", dimensions: ["code"] },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricName = keyof typeof metrics;
/** A value for each of the metric's own dimensions. */
export type MetricDimensions<M extends MetricName> = Readonly<
  Record<(typeof metrics)[M]["dimensions"][number], string>
>;
