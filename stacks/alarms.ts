import type { Context } from "./context.ts";
import { alarmKey, alarmKeyPolicy } from "./definitions/alarm-key.ts";
import { alarmName, resourceName } from "./definitions/deployment.ts";
import { logicalName } from "./definitions/logical-name.ts";
import { type AlarmDefinition, deadLetterDefinition, homeAlarms } from "./observability/alarm-definitions.ts";

interface InRegion {
  /** Ends the logical names of what is not in the home region. */
  readonly suffix?: string;
  readonly options?: $util.CustomResourceOptions;
}

/**
 * The topic of a region's alarms: an alarm reaches topics of its own region only. Subscribe to it; the ops channel
 * hears of every alarm anyway, by an event.
 */
export function alarmTopic(
  { deployment }: Context,
  region: string,
  { suffix = "", options }: InRegion = {},
): aws.sns.Topic {
  const key = new aws.kms.Key(
    `AlarmsKey${suffix}`,
    {
      description: alarmKey.description,
      policy: JSON.stringify(alarmKeyPolicy({ account: deployment.home.account, region })),
      enableKeyRotation: true,
      deletionWindowInDays: alarmKey.deletionDays,
    },
    options,
  );
  const name = resourceName(deployment, "alarms");
  return new aws.sns.Topic(`Alarms${suffix}`, { name, kmsMasterKeyId: key.arn }, options);
}

/** An alarm that goes off as soon as the queue of this name holds a dead letter. */
export function deadLetterAlarm({
  name,
  logical,
  topic,
  suffix = "",
  options,
}: InRegion & {
  readonly name: string;
  readonly logical: string;
  readonly topic: aws.sns.Topic;
}) {
  return alarm(`${logical}NotEmpty${suffix}`, deadLetterDefinition(name), topic, options);
}

/** The alarms of the home region, besides those of its queues. */
export function alarms({ deployment }: Context, topic: aws.sns.Topic): void {
  for (const definition of homeAlarms(deployment)) {
    const ending = definition.name.slice(alarmName(deployment, "").length);
    alarm(`${logicalName(ending)}Alarm`, definition, topic);
  }
}

function alarm(
  logical: string,
  definition: AlarmDefinition,
  topic: aws.sns.Topic,
  options?: $util.CustomResourceOptions,
) {
  const { name, description, namespace, metricName, dimensions, statistic, threshold } = definition;
  return new aws.cloudwatch.MetricAlarm(
    logical,
    {
      name,
      alarmDescription: description,
      namespace,
      metricName,
      dimensions: { ...dimensions },
      statistic,
      period: definition.periodSeconds,
      evaluationPeriods: definition.periods,
      ...(definition.datapoints !== undefined && { datapointsToAlarm: definition.datapoints }),
      threshold,
      comparisonOperator: definition.comparison,
      treatMissingData: definition.missingData,
      alarmActions: [topic.arn],
      okActions: [topic.arn],
    },
    options,
  );
}
