import { METRICS_NAMESPACE, type MetricDimensions, type MetricName } from "../../shared/base/metrics.ts";
import {
  alarmDescription,
  DEAD_LETTERS,
  functionEnding,
  ownAlarms,
  ROOT_CA_DAYS,
} from "../../shared/base/own-alarms.ts";
import { resourceEndings, silenceEnding } from "../../shared/base/vocabulary.ts";
import {
  type AutopilotDeployment,
  alarmName,
  homeBusName,
  resourceName,
  stateMachineArn,
} from "../definitions/deployment.ts";
import { schedules } from "../definitions/event-patterns.ts";
import { functions } from "../definitions/functions.ts";
import { heartbeatsOf, silenceOf } from "../definitions/heartbeat.ts";
import { stateMachines } from "../definitions/state-machines.ts";

/** A CloudWatch alarm on one metric, by AWS's names. */
export interface AlarmDefinition {
  readonly name: string;
  readonly description: string;
  readonly namespace: string;
  readonly metricName: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: "Sum" | "Maximum" | "Minimum" | "SampleCount";
  readonly periodSeconds: number;
  /** All of these periods in a row set it off. */
  readonly periods: number;
  readonly comparison: "GreaterThanThreshold" | "LessThanThreshold";
  readonly threshold: number;
  readonly missingData: "breaching" | "notBreaching" | "ignore";
}

type Metric = Pick<AlarmDefinition, "namespace" | "metricName" | "dimensions">;
type Rule = Partial<Omit<AlarmDefinition, "name" | "description" | keyof Metric>>;

/** An alarm that goes off as soon as a queue holds a dead letter. */
export function deadLetterDefinition(queueName: string): AlarmDefinition {
  return {
    name: `${queueName}-not-empty`,
    description: alarmDescription(DEAD_LETTERS),
    namespace: "AWS/SQS",
    metricName: "ApproximateNumberOfMessagesVisible",
    dimensions: { QueueName: queueName },
    ...aboveZero,
    statistic: "Maximum",
    periodSeconds: 60,
  };
}

/** The alarms of the home region, besides those of its queues. Their names end as their runbooks are called. */
export function homeAlarms(deployment: AutopilotDeployment): readonly AlarmDefinition[] {
  return [
    ...rollAlarms(deployment),
    ...sweepAlarms(deployment),
    ...meshAlarms(deployment),
    ...executionAlarms(deployment),
    ...functionAlarms(deployment),
    ...ledgerAlarms(deployment),
    ...silenceAlarms(deployment),
  ];
}

function rollAlarms(deployment: AutopilotDeployment): readonly AlarmDefinition[] {
  const own = ownMetric(deployment);
  const alarm = (ending: string, metric: Metric, rule: Rule = {}) => alarmOf(deployment, { ending, metric, rule });
  return [
    alarm("roll-not-reverted", own("Rolls", { outcome: "revert-failed" })),
    alarm("rollout-services-stuck", own("RolloutStuck", {}), maximum),
    alarm("rollout-rolled-back", own("Rollouts", { status: "rolled-back" })),
    alarm("rollout-failed", own("Rollouts", { status: "failed" })),
  ];
}

function sweepAlarms(deployment: AutopilotDeployment): readonly AlarmDefinition[] {
  const own = ownMetric(deployment);
  return [
    alarmOf(deployment, {
      ending: "sweep-not-run",
      metric: own("SweptServices", {}),
      rule: silentFor(900, 4),
    }),
    alarmOf(deployment, {
      ending: "unenrolls-postponed",
      metric: own("UnenrollsPostponed", {}),
      rule: { ...maximum, periodSeconds: 900 },
    }),
    alarmOf(deployment, {
      ending: "token-secrets-gone",
      metric: own("TokenSecretsGone", {}),
      rule: { ...maximum, periodSeconds: 900 },
    }),
  ];
}

function meshAlarms(deployment: AutopilotDeployment): readonly AlarmDefinition[] {
  const own = ownMetric(deployment);
  const endsSoon = {
    statistic: "Minimum",
    periodSeconds: 900,
    comparison: "LessThanThreshold",
    threshold: ROOT_CA_DAYS,
    missingData: "ignore",
  } as const;
  return [
    alarmOf(deployment, {
      ending: "root-ca-not-watched",
      metric: own("ControlPlanesRead", {}),
      rule: silentFor(600, 3),
    }),
    ...deployment.controlPlanes.map((controlPlane) =>
      alarmOf(deployment, {
        ending: `root-ca-ends-soon-${controlPlane}`,
        metric: own("RootCaDaysLeft", { controlPlane }),
        rule: endsSoon,
      }),
    ),
  ];
}

function executionAlarms(deployment: AutopilotDeployment): readonly AlarmDefinition[] {
  return stateMachines.flatMap(({ name }) => {
    const dimensions = { StateMachineArn: stateMachineArn(deployment, name) };
    return failedExecutions.map(({ metricName, ending }) =>
      alarmOf(deployment, {
        ending: `${name}-${ending}`,
        metric: { namespace: "AWS/States", metricName, dimensions },
      }),
    );
  });
}

function functionAlarms(deployment: AutopilotDeployment): readonly AlarmDefinition[] {
  return watchedFunctions.flatMap((name) => {
    const dimensions = { FunctionName: resourceName(deployment, name) };
    const minutes = Math.max(5, schedules.find(({ functionName }) => functionName === name)?.everyMinutes ?? 0);
    return troubles.map(({ metricName, ending }) =>
      alarmOf(deployment, {
        ending: functionEnding(name, ending),
        metric: { namespace: "AWS/Lambda", metricName, dimensions },
        rule: { periods: 3, periodSeconds: minutes * 60 },
      }),
    );
  });
}

function ledgerAlarms(deployment: AutopilotDeployment): readonly AlarmDefinition[] {
  const dimensions = { TableName: resourceName(deployment, resourceEndings.ledger) };
  return ledgerThrottles.map(({ metricName, ending }) =>
    alarmOf(deployment, {
      ending,
      metric: { namespace: "AWS/DynamoDB", metricName, dimensions },
      rule: { periods: 2 },
    }),
  );
}

function silenceAlarms(deployment: AutopilotDeployment): readonly AlarmDefinition[] {
  return heartbeatsOf(deployment).places.map((place) =>
    alarmOf(deployment, { ending: silenceEnding(place), ...silenceOf(deployment, place) }),
  );
}

function alarmOf(
  deployment: AutopilotDeployment,
  given: {
    /** Ends its name, by which `ownAlarms` has its text. */
    readonly ending: string;
    readonly metric: Metric;
    readonly rule?: Rule;
  },
): AlarmDefinition {
  const { ending, metric, rule } = given;
  const own = ownAlarms({ ...deployment, places: heartbeatsOf(deployment).places }).get(ending);
  if (!own) throw new Error(`the alarm ${ending} has no text`);
  const description = alarmDescription(own);
  return { name: alarmName(deployment, ending), description, ...metric, ...aboveZero, ...rule };
}

/**
 * Functions that are invoked asynchronously. The steps of the state machines fail and are throttled as part of their
 * work (they are retried until tasks are in the mesh, at the pace of ECS's quotas): their executions report failures.
 */
const watchedFunctions = functions.filter(({ invocation }) => invocation === "asynchronous").map(({ name }) => name);

const troubles = [
  { metricName: "Errors", ending: "failing" },
  { metricName: "Throttles", ending: "throttled" },
] as const;

const failedExecutions = [
  { metricName: "ExecutionsFailed", ending: "executions-failed" },
  { metricName: "ExecutionsTimedOut", ending: "executions-timed-out" },
] as const;

const ledgerThrottles = [
  { metricName: "ReadThrottleEvents", ending: "ledger-reads-throttled" },
  { metricName: "WriteThrottleEvents", ending: "ledger-writes-throttled" },
] as const;

const aboveZero = {
  statistic: "Sum",
  periodSeconds: 300,
  periods: 1,
  comparison: "GreaterThanThreshold",
  threshold: 0,
  missingData: "notBreaching",
} as const;

const maximum = { statistic: "Maximum" } as const;

/** Without a single value in these periods. */
function silentFor(periodSeconds: number, periods: number) {
  return {
    statistic: "SampleCount",
    periodSeconds,
    periods,
    comparison: "LessThanThreshold",
    threshold: 1,
    missingData: "breaching",
  } as const;
}

/** A metric of the product's own functions. */
function ownMetric(deployment: AutopilotDeployment) {
  return <M extends MetricName>(metricName: M, dimensions: MetricDimensions<M>): Metric => ({
    namespace: METRICS_NAMESPACE,
    metricName,
    dimensions: { service: homeBusName(deployment), ...dimensions },
  });
}
