import type { Context } from "./context.ts";
import { type DeadLetters, undeliveredEventsArn } from "./dead-letters.ts";
import { resourceName } from "./definitions/deployment.ts";
import { type Schedule, schedules } from "./definitions/event-patterns.ts";
import { scheduleGroupName, scheduleStatements, scheduleTrust } from "./definitions/event-permissions.ts";
import { logicalName } from "./definitions/logical-name.ts";
import { policy } from "./definitions/permissions.ts";
import type { Functions } from "./functions.ts";
import { deployedFunction } from "./state-machines.ts";

interface Parts {
  readonly functions: Functions;
  readonly queues: DeadLetters;
  /** Records without which nothing may act. */
  readonly owned: readonly aws.ssm.Parameter[];
}

interface GroupedParts extends Parts {
  readonly group: aws.scheduler.ScheduleGroup;
}

/** The schedules of the functions. */
export function functionSchedules(here: Context, parts: Parts): void {
  const group = new aws.scheduler.ScheduleGroup("ScheduleGroup", { name: scheduleGroupName(here.deployment) });
  for (const schedule of schedules) scheduled(schedule, here, { ...parts, group });
}

function scheduled(
  { name, functionName, everyMinutes }: Schedule,
  here: Context,
  { functions, queues, owned, group }: GroupedParts,
): void {
  const { deployment } = here;
  const logical = `${logicalName(name)}Schedule`;
  const role = new aws.iam.Role(`${logical}Role`, {
    name: resourceName(deployment, `${name}-schedule`),
    assumeRolePolicy: scheduleTrust(deployment),
    inlinePolicies: [
      {
        name: "invoke",
        policy: policy([
          ...scheduleStatements(deployment, functionName),
          { Effect: "Allow", Action: ["sqs:SendMessage"], Resource: [undeliveredEventsArn(here)] },
        ]),
      },
    ],
  });
  new aws.scheduler.Schedule(
    logical,
    {
      name: resourceName(deployment, name),
      groupName: group.name,
      scheduleExpression: `rate(${everyMinutes} ${everyMinutes === 1 ? "minute" : "minutes"})`,
      flexibleTimeWindow: { mode: "OFF" },
      target: {
        arn: deployedFunction(functions, functionName).arn,
        roleArn: role.arn,
        input: "{}",
        // The next time is soon: what could not be handed over by then is not worth more tries.
        retryPolicy: { maximumRetryAttempts: 5, maximumEventAgeInSeconds: Math.max(60, everyMinutes * 60) },
        deadLetterConfig: { arn: queues.undeliveredEvents.arn },
      },
    },
    { dependsOn: [...owned] },
  );
}
