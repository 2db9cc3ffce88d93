import * as z from "zod";
import { AutopilotError } from "../base/errors.ts";
import { awsDetailTypes, detailTypesWhere, eventSources, operatorDetailTypes } from "../base/vocabulary.ts";
import { rollEndedEvent, rootCaRotatedEvent } from "./autopilot-events.ts";
import { parameterEvent, secretEvent } from "./aws-config-events.ts";
import { cloudTrailEvent } from "./cloudtrail.ts";
import { deploymentEvent, tagEvent, taskEvent } from "./ecs.ts";
import { type Envelope, envelopeSchema, type Incoming, ignored } from "./envelope.ts";

export type { IgnoredReason, Incoming } from "./envelope.ts";

type Parser = (event: Envelope) => Incoming;

/** The parsers by source and detail type. Any other event is ignored: AWS adds kinds of events as it likes. */
const parsers: ReadonlyMap<string, Parser> = new Map<string, Parser>([
  [kindOf(eventSources.ecs, awsDetailTypes.deployment), deploymentEvent],
  [kindOf(eventSources.ecs, awsDetailTypes.task), taskEvent],
  [kindOf(eventSources.ecs, awsDetailTypes.apiCall), cloudTrailEvent],
  [kindOf(eventSources.tag, awsDetailTypes.tag), tagEvent],
  [kindOf(eventSources.ssm, awsDetailTypes.parameter), parameterEvent],
  [kindOf(eventSources.secretsManager, awsDetailTypes.secretLabel), secretEvent],
  [kindOf(eventSources.operator, operatorDetailTypes.rootCaRotated), rootCaRotatedEvent],
  ...detailTypesWhere(({ endsRoll }) => endsRoll !== "no").map((detailType): [string, Parser] => [
    kindOf(eventSources.autopilot, detailType),
    rollEndedEvent,
  ]),
]);

function kindOf(source: string, detailType: string): string {
  return `${source}|${detailType}`;
}

/**
 * What an event asks to reconcile, or says about a deployment. An event carries identity only: all else is read again.
 * Events of an unknown kind, and those that concern no enrollable service, are `ignored` with a reason. Throws
 * `AutopilotError` `malformed-event` when the envelope, or the detail of a known kind, is not as its source documents.
 */
export function parseIncoming(event: unknown): Incoming {
  const parsed = envelopeSchema.safeParse(event);
  if (!parsed.success) throw malformed("an event", parsed.error);
  const envelope = parsed.data;
  const kind = kindOf(envelope.source, envelope["detail-type"]);
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
