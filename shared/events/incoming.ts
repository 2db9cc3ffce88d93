import * as z from "zod";
import { AutopilotError } from "../base/errors.ts";
import { cloudTrailEvent } from "./cloudtrail.ts";
import { deploymentEvent, tagEvent, taskEvent } from "./ecs.ts";
import { type Envelope, envelopeSchema, type Incoming, ignored } from "./envelope.ts";
import { endOfRoll, parameterEvent, rootCaRotated, secretEvent } from "./own.ts";

export type { IgnoredReason, Incoming } from "./envelope.ts";

type Parser = (event: Envelope) => Incoming;

/** What we know to read, by source and detail-type. Whatever else comes is ignored: AWS adds kinds as it likes. */
const parsers: ReadonlyMap<string, Parser> = new Map<string, Parser>([
  ["aws.ecs|ECS Deployment State Change", deploymentEvent],
  ["aws.ecs|ECS Task State Change", taskEvent],
  ["aws.ecs|AWS API Call via CloudTrail", cloudTrailEvent],
  ["aws.tag|Tag Change on Resource", tagEvent],
  ["aws.ssm|Parameter Store Change", parameterEvent],
  ["aws.secretsmanager|Secret Label Updated", secretEvent],
  ["ztunnel-autopilot.operator|Root CA Rotated", rootCaRotated],
  ["ztunnel-autopilot|Service Enrolled", endOfRoll],
  ["ztunnel-autopilot|Service Updated", endOfRoll],
  ["ztunnel-autopilot|Service Unenrolled", endOfRoll],
  ["ztunnel-autopilot|Service Roll Failed", endOfRoll],
  ["ztunnel-autopilot|Service Roll Superseded", endOfRoll],
  ["ztunnel-autopilot|Drift Corrected", endOfRoll],
]);

/**
 * What an event asks to look at. An event carries identity only: everything else is read again. Events of an unknown
 * kind, and those that concern no service of ours, are `ignored` with a reason. Throws `AutopilotError`
 * `malformed-event` when the envelope, or the detail of a known kind, is not as its source documents.
 */
export function parseIncoming(event: unknown): Incoming {
  const parsed = envelopeSchema.safeParse(event);
  if (!parsed.success) throw malformed("an event", parsed.error);
  const envelope = parsed.data;
  const kind = `${envelope.source}|${envelope["detail-type"]}`;
  const parser = parsers.get(kind);
  if (!parser) return ignored("unknown-event-kind", kind);
  try {
    return parser(envelope);
  } catch (error) {
    if (error instanceof z.ZodError) throw malformed(`${envelope["detail-type"]} (${envelope.source})`, error);
    throw error;
  }
}

function malformed(what: string, cause: z.ZodError): AutopilotError {
  return new AutopilotError("malformed-event", `In ${what}: ${z.prettifyError(cause)}`, { cause });
}
