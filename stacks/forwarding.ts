import { alarmTopic } from "./alarms.ts";
import type { Context } from "./context.ts";
import { type DeadLetters, undeliveredEvents } from "./dead-letters.ts";
import { deliveryRetries } from "./definitions/delivery.ts";
import { forwardedRegions, resourceName, targetRegions } from "./definitions/deployment.ts";
import { eventPatterns } from "./definitions/event-patterns.ts";
import { forwardingStatements, forwardingTrust } from "./definitions/event-permissions.ts";
import { logicalName } from "./definitions/logical-name.ts";
import { policy } from "./definitions/permissions.ts";
import { patternOptionsOf } from "./deployment.ts";
import { heartbeat, heartbeatRole } from "./heartbeat.ts";
import { ownership } from "./ownership.ts";

interface Parts {
  readonly bus: aws.cloudwatch.EventBus;
  readonly queues: DeadLetters;
  readonly topic: aws.sns.Topic;
}

/**
 * In every region of the home account: rules on the default bus that forward to the home bus. One hop, as EventBridge
 * forwards no further. Other accounts have theirs by their own template. Returns the records that the stage owns its
 * services there.
 */
export function forwarding(here: Context, { bus, queues }: Parts): readonly aws.ssm.Parameter[] {
  const { deployment } = here;
  const { home } = deployment;
  const role = new aws.iam.Role("ForwardingRole", {
    name: resourceName(deployment, "forwarding"),
    assumeRolePolicy: forwardingTrust(deployment, home.account),
    inlinePolicies: [{ name: "forward", policy: policy(forwardingStatements(deployment)) }],
  });
  const sender = heartbeatRole(here);
  return forwardedRegions(deployment, home.account).flatMap((region) => {
    if (region !== home.region) return [forwardFrom(region, here, { bus, role, sender })];
    heartbeat(here, region, { sender });
    const owned = targetRegions(deployment, home.account).includes(region) ? [ownership(here)] : [];
    forwardedRules(here, { bus, role, queue: queues.undeliveredEvents, options: { dependsOn: owned } });
    return owned;
  });
}

function forwardFrom(
  region: string,
  here: Context,
  {
    bus,
    role,
    sender,
  }: { readonly bus: aws.cloudwatch.EventBus; readonly role: aws.iam.Role; readonly sender: aws.iam.Role },
): aws.ssm.Parameter {
  const { home } = here.deployment;
  const suffix = logicalName(region);
  const provider = new aws.Provider(`Region${suffix}`, {
    region,
    allowedAccountIds: [home.account],
    defaultTags: { tags: { "sst:app": $app.name, "sst:stage": $app.stage } },
  });
  const options = { provider };
  const topic = alarmTopic(here, region, { suffix, options });
  const queue = undeliveredEvents(here, { place: { account: home.account, region }, topic, suffix, options });
  const owned = ownership(here, { suffix, options });
  heartbeat(here, region, { sender, suffix, options });
  forwardedRules(here, { bus, role, queue, suffix, options: { ...options, dependsOn: [owned] } });
  return owned;
}

function forwardedRules(
  { config, deployment }: Context,
  at: {
    readonly bus: aws.cloudwatch.EventBus;
    readonly role: aws.iam.Role;
    readonly queue: aws.sqs.Queue;
    readonly suffix?: string;
    readonly options?: $util.CustomResourceOptions;
  },
): void {
  const { bus, role, queue, suffix = "", options } = at;
  for (const { name, description, pattern } of eventPatterns(patternOptionsOf(config, deployment.stage))
    .forwardedRules) {
    const logical = `Forward${logicalName(name)}${suffix}`;
    const rule = new aws.cloudwatch.EventRule(
      logical,
      { name: resourceName(deployment, name), description, eventPattern: JSON.stringify(pattern) },
      options,
    );
    new aws.cloudwatch.EventTarget(
      `${logical}Target`,
      {
        rule: rule.name,
        arn: bus.arn,
        roleArn: role.arn,
        retryPolicy: deliveryRetries,
        deadLetterConfig: { arn: queue.arn },
      },
      options,
    );
  }
}
