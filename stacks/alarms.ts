import type { Context } from "./context.ts";
import { resourceName } from "./definitions/deployment.ts";

interface InRegion {
  /** Ends the logical names of what is not in the home region. */
  readonly suffix?: string;
  readonly options?: $util.CustomResourceOptions;
}

/** Where the alarms of a region are told: an alarm reaches topics of its own region only. Subscribe to it. */
export function alarmTopic({ deployment }: Context, { suffix = "", options }: InRegion = {}) {
  return new aws.sns.Topic(`Alarms${suffix}`, { name: resourceName(deployment, "alarms") }, options);
}

/** An alarm that goes off as soon as a queue holds a dead letter. */
export function deadLetterAlarm(
  { deployment }: Context,
  {
    queue,
    queueName,
    topic,
    suffix = "",
    options,
  }: InRegion & {
    readonly queue: aws.sqs.Queue;
    readonly queueName: string;
    readonly topic: aws.sns.Topic;
  },
) {
  return new aws.cloudwatch.MetricAlarm(
    `${queueName}NotEmpty${suffix}`,
    {
      name: $interpolate`${queue.name}-not-empty`,
      alarmDescription: `${deployment.name} ${deployment.stage}: a dead letter waits in the queue of the same name.`,
      namespace: "AWS/SQS",
      metricName: "ApproximateNumberOfMessagesVisible",
      dimensions: { QueueName: queue.name },
      statistic: "Maximum",
      period: 60,
      evaluationPeriods: 1,
      threshold: 0,
      comparisonOperator: "GreaterThanThreshold",
      treatMissingData: "notBreaching",
      alarmActions: [topic.arn],
      okActions: [topic.arn],
    },
    options,
  );
}
