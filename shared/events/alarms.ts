import * as z from "zod";
import { AutopilotError } from "../base/errors.ts";
import { awsDetailTypes, eventSources } from "../base/vocabulary.ts";

const kindSchema = z.object({
  source: z.literal(eventSources.cloudWatch),
  "detail-type": z.literal(awsDetailTypes.alarm),
});

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html */
const changeSchema = z
  .object({
    account: z.string().regex(/^\d{12}$/),
    region: z.string().regex(/^[a-z0-9-]+$/),
    detail: z.object({
      alarmName: z.string().min(1),
      configuration: z.object({ description: z.string().default("") }).prefault({}),
      previousState: z.object({ value: z.string() }).optional(),
      state: z.object({ value: z.string(), reason: z.string().default(""), timestamp: z.string().optional() }),
    }),
  })
  .transform(({ account, region, detail: { alarmName, configuration, state, previousState } }) => ({
    account,
    region,
    name: alarmName,
    /** What the alarm means, and where its runbook is. */
    description: configuration.description,
    state: state.value,
    previousState: previousState?.value,
    /** CloudWatch's own reason. */
    reason: state.reason,
  }));

/** A CloudWatch alarm that changed from one state to another. */
export type AlarmChange = z.output<typeof changeSchema>;

/**
 * The change of a CloudWatch alarm in an event; undefined for any other event. Throws `malformed-event` when the event
 * is not as CloudWatch documents it.
 */
export function readAlarmChange(event: unknown): AlarmChange | undefined {
  if (!kindSchema.safeParse(event).success) return undefined;
  const parsed = changeSchema.safeParse(event);
  if (parsed.success) return parsed.data;
  throw new AutopilotError("malformed-event", `${awsDetailTypes.alarm}: ${z.prettifyError(parsed.error)}`);
}
