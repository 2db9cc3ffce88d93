import { deadLetterAlarm } from "./alarms.ts";
import type { Context } from "./context.ts";
import { undeliveredRetentionSeconds } from "./definitions/delivery.ts";
import { type AccountRegion, queueArn, resourceName } from "./definitions/deployment.ts";
import { undeliveredPolicy, undeliveredRules } from "./definitions/event-permissions.ts";

const UNDELIVERED = "undelivered-events";
const FAILED = "failed-invocations";

export interface DeadLetters {
  /** Events that a rule or a schedule could not hand over. */
  readonly undeliveredEvents: aws.sqs.Queue;
  /** Events on which a function failed too often. */
  readonly failedInvocations: aws.sqs.Queue;
}

/** The queues of the home region. */
export function deadLetters(here: Context, topic: aws.sns.Topic): DeadLetters {
  const queueName = resourceName(here.deployment, FAILED);
  const failedInvocations = new aws.sqs.Queue("FailedInvocations", { name: queueName, ...kept });
  deadLetterAlarm({ name: queueName, logical: "FailedInvocations", topic });
  return {
    undeliveredEvents: undeliveredEvents(here, { topic, place: here.deployment.home }),
    failedInvocations,
  };
}

/** The queue of a region for events that its rules could not hand over: it must be in the rule's own region. */
export function undeliveredEvents(
  here: Context,
  at: {
    readonly place: AccountRegion;
    readonly topic: aws.sns.Topic;
    readonly suffix?: string;
    readonly options?: $util.CustomResourceOptions;
  },
): aws.sqs.Queue {
  const { deployment } = here;
  const { place, suffix = "", options } = at;
  const name = resourceName(deployment, UNDELIVERED);
  const queue = new aws.sqs.Queue(`UndeliveredEvents${suffix}`, { name, ...kept }, options);
  new aws.sqs.QueuePolicy(
    `UndeliveredEventsPolicy${suffix}`,
    {
      queueUrl: queue.url,
      policy: undeliveredPolicy(queueArn(deployment, place, UNDELIVERED), undeliveredRules(deployment, place)),
    },
    options,
  );
  deadLetterAlarm({ name, logical: "UndeliveredEvents", ...at });
  return queue;
}

const kept = { messageRetentionSeconds: undeliveredRetentionSeconds, sqsManagedSseEnabled: true };

/** The ARN of the queue of failed invocations, for the policies of its writers. */
export function failedInvocationsArn({ deployment }: Context): string {
  return queueArn(deployment, deployment.home, FAILED);
}

/** The ARN of the queue of the home region's undelivered events, for the policies of its writers. */
export function undeliveredEventsArn({ deployment }: Context): string {
  return queueArn(deployment, deployment.home, UNDELIVERED);
}
