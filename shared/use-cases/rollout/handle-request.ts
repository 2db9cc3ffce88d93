import { asAutopilotError } from "../../base/errors.ts";
import type { ReleaseRequest } from "../../events/operator.ts";
import { rolloutRefused } from "../../events/rollout-events.ts";
import { type ControlCalls, controlRollout } from "./control-rollout.ts";
import { type NotifyRefusalCalls, notifyRefusal } from "./notify-refusal.ts";
import { type RequestCalls, type Requested, requestRollout } from "./request-rollout.ts";
import { parseControl, parseRelease, parseRolloutRequest } from "./validate.ts";

/**
 * Carries out what an operator's `Rollout Requested` asks for. A detail that can't be parsed is refused by an event: an
 * operator's typo does not belong in the dead-letter queue.
 */
export async function handleRequest(
  detail: unknown,
  eventId: string,
  calls: RequestCalls & ControlCalls,
): Promise<Requested> {
  const asked = await parsedOrRefused(() => parseRolloutRequest(detail), eventId, calls);
  if (asked === undefined) return { did: "refused", rolloutId: eventId, code: "invalid-request" };
  if (asked.kind !== "rollback") return requestRollout(asked, eventId, calls);
  const { rolloutId, requestedBy } = asked;
  const accepted = await controlRollout({ rolloutId, action: "rollback", requestedBy }, eventId, calls);
  return accepted ? { did: "queued", rolloutId } : { did: "refused", rolloutId, code: "wrong-phase" };
}

/** Carries out what an operator's `Rollout Control` asks for. Returns whether it was accepted. */
export async function handleControl(detail: unknown, eventId: string, calls: ControlCalls): Promise<boolean> {
  const asked = await parsedOrRefused(() => parseControl(detail), eventId, calls);
  return asked === undefined ? false : controlRollout(asked, eventId, calls);
}

/** The services that an operator's `Release Requested` names; undefined for a detail that was refused. */
export function releaseRequestOf(
  detail: unknown,
  eventId: string,
  calls: NotifyRefusalCalls,
): Promise<ReleaseRequest | undefined> {
  return parsedOrRefused(() => parseRelease(detail), eventId, calls);
}

async function parsedOrRefused<T>(parse: () => T, eventId: string, calls: NotifyRefusalCalls): Promise<T | undefined> {
  try {
    return parse();
  } catch (error) {
    const { code, detail } = asAutopilotError(error);
    if (code !== "invalid-request" && code !== "invalid-image") throw error;
    const about = { rolloutId: eventId, kind: "request", requestedBy: "an operator" };
    await notifyRefusal(eventId, rolloutRefused({ ...about, code, detail }), calls);
    return undefined;
  }
}
