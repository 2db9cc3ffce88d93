import { METRICS_NAMESPACE, type MetricDimensions, type MetricName } from "../../shared/base/metrics.ts";
import {
  alarmDescription,
  DEAD_LETTERS,
  eventFunctionNames,
  functionEnding,
  ownAlarms,
  ROOT_CA_DAYS,
  silentFunctions,
} from "../../shared/base/own-alarms.ts";
import { resourceEndings, silenceEnding, sweepEnding } from "../../shared/base/vocabulary.ts";
import {
  type AutopilotDeployment,
  alarmName,
  homeBusName,
  resourceName,
  stateMachineArn,
} from "../definitions/deployment.ts";
import { schedules } from "../definitions/event-patterns.ts";
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
  /** All of these periods in a row set it off, or as many of them as `datapoints` says. */
  readonly periods: number;
  readonly datapoints?: number;
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
  const alarm = (ending: string, metric: Metric, rule: Rule) => alarmOf(deployment, { ending, metric, rule });
  return [
    alarm("roll-not-reverted", own("ServicesStranded", {}), { ...asMeasured, periodSeconds: 900 }),
    alarm("rollout-unresolved", own("RolloutsUnresolved", {}), asMeasured),
    alarm("slack-is-silent", own("NewsWaitMinutes", {}), { ...asMeasured, threshold: NEWS_MINUTES }),
  ];
}

function sweepAlarms(deployment: AutopilotDeployment): readonly AlarmDefinition[] {
  const own = ownMetric(deployment);
  const rule = { ...asMeasured, periodSeconds: 900 };
  return [
    alarmOf(deployment, {
      ending: "sweep-not-run",
      metric: own("SweptServices", {}),
      rule: silentFor(900, 4),
    }),
    alarmOf(deployment, { ending: "unenrolls-postponed", metric: own("UnenrollsPostponed", {}), rule }),
    alarmOf(deployment, { ending: "token-secrets-gone", metric: own("TokenSecretsGone", {}), rule }),
    ...heartbeatsOf(deployment).places.map((place) =>
      alarmOf(deployment, {
        ending: sweepEnding(place),
        metric: own("SweptPlaces", { place: `${place.account}-${place.region}` }),
        // While no sweep runs at all, one alarm says so.
        rule: { ...asMeasured, periodSeconds: 900, periods: 4, comparison: "LessThanThreshold", threshold: 1 },
      }),
    ),
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
  return stateMachines.map(({ name }) => {
    const dimensions = { StateMachineArn: stateMachineArn(deployment, name) };
    return alarmOf(deployment, {
      ending: `${name}-executions-failed`,
      metric: { namespace: "AWS/States", metricName: "ExecutionsFailed", dimensions },
      rule: often,
    });
  });
}

function functionAlarms(deployment: AutopilotDeployment): readonly AlarmDefinition[] {
  const own = ownMetric(deployment);
  const silent = silentFunctions.map((name) => {
    const minutes = schedules.find(({ functionName }) => functionName === name)?.everyMinutes ?? 1;
    const metric = own("ScheduledRuns", { function: name.replaceAll("/", "-") });
    return alarmOf(deployment, {
      ending: functionEnding(name, "not-run"),
      metric,
      rule: silentFor(Math.max(5, minutes) * 60, 3),
    });
  });
  const events = eventFunctionNames.flatMap((name) => {
    const dimensions = { FunctionName: resourceName(deployment, name) };
    return troubles.map(({ metricName, ending, rule }) =>
      alarmOf(deployment, {
        ending: functionEnding(name, ending),
        metric: { namespace: "AWS/Lambda", metricName, dimensions },
        rule,
      }),
    );
  });
  return [...silent, ...events];
}

function ledgerAlarms(deployment: AutopilotDeployment): readonly AlarmDefinition[] {
  const dimensions = { TableName: resourceName(deployment, resourceEndings.ledger) };
  return ledgerThrottles.map(({ metricName, ending }) =>
    alarmOf(deployment, {
      ending,
      metric: { namespace: "AWS/DynamoDB", metricName, dimensions },
      rule: again,
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

const NEWS_MINUTES = 15;

/** Three of the last six periods: what passes does not go off, what comes and goes does not go off and end in turns. */
const again = { periods: 6, datapoints: 3 } as const;

/** A failed execution is taken up by the next sweep, or by the guard: more than two in an hour are not. */
const often = { periodSeconds: 3600, threshold: 2 } as const;

/** An event that is lost is nowhere. For an hour, until sweeps have seen what it was about. */
const hourly = { periodSeconds: 3600 } as const;

const troubles = [
  { metricName: "Throttles", ending: "throttled", rule: again },
  { metricName: "DestinationDeliveryFailures", ending: "events-lost", rule: hourly },
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

/** The state as it was measured last: who measures it has an alarm on silence of its own. */
const asMeasured = { statistic: "Maximum", missingData: "ignore" } as const;

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
