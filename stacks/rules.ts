import type { Context } from "./context.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { deliveryRetries } from "./definitions/delivery.ts";
import { eventPatterns, type HomeRule } from "./definitions/event-patterns.ts";
import { logicalName } from "./definitions/logical-name.ts";
import { patternOptionsOf } from "./deployment.ts";
import type { Functions } from "./functions.ts";
import { deployedFunction } from "./state-machines.ts";

interface Parts {
  readonly bus: aws.cloudwatch.EventBus;
  readonly functions: Functions;
  readonly queues: DeadLetters;
}

/** The rules on the home bus. */
export function homeRules({ config, deployment }: Context, parts: Parts): void {
  for (const rule of eventPatterns(patternOptionsOf(config, deployment.stage)).homeRules) homeRule(rule, parts);
}

function homeRule(
  { name, description, pattern, functions: targets }: HomeRule,
  { bus, functions, queues }: Parts,
): void {
  const logical = logicalName(name);
  const rule = new aws.cloudwatch.EventRule(`${logical}Rule`, {
    name,
    description,
    eventBusName: bus.name,
    eventPattern: JSON.stringify(pattern),
  });
  for (const target of targets) {
    const lambda = deployedFunction(functions, target);
    const ending = `${logical}To${logicalName(target)}`;
    new aws.lambda.Permission(`${ending}Permission`, {
      action: "lambda:InvokeFunction",
      function: lambda.name,
      principal: "events.amazonaws.com",
      sourceArn: rule.arn,
    });
    new aws.cloudwatch.EventTarget(`${ending}Target`, {
      rule: rule.name,
      eventBusName: bus.name,
      arn: lambda.arn,
      retryPolicy: deliveryRetries,
      deadLetterConfig: { arn: queues.undeliveredEvents.arn },
    });
  }
}
