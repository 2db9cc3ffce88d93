import { AutopilotError } from "../../../shared/base/errors.ts";
import type { FunctionName } from "../../../shared/base/vocabulary.ts";
import { readAlarmChange } from "../../../shared/events/alarms.ts";
import { parseIncoming } from "../../../shared/events/incoming.ts";
import { operatorEvent } from "../../../shared/events/operator.ts";
import { readOutgoing } from "../../../shared/events/outgoing.ts";
import type { HomeRule } from "../../../stacks/definitions/event-rules.ts";
import type { Asked } from "./events.ts";

/** How a function reads an event that its rule has matched: `unread` for one from which it takes nothing. */
export type Reading = "read" | "unread" | "refused as malformed";

type Reader = (event: unknown) => boolean;

const isIncoming: Reader = (event) => parseIncoming(event).kind !== "ignored";

/** How the functions behind the rules read events, as in functions/. */
const readers: Partial<Record<FunctionName, Reader>> = {
  "reconcile-service": isIncoming,
  "signal-deployment": isIncoming,
  // Reads all control planes, regardless of the event.
  "watch-root-ca": () => true,
  "notify-slack": (event) => readAlarmChange(event) !== undefined || readOutgoing(event) !== undefined,
  "rollout/report": (event) => readOutgoing(event) !== undefined,
  "rollout/control": (event) =>
    (operatorEvent(event, "Rollout Control") ?? operatorEvent(event, "Release Requested")) !== undefined,
  // Takes the detail of an operator's event as it is, and compares the fleet at any other.
  "rollout/request": () => true,
};

/**
 * How the rule's functions read the event, and what is wrong about it: undefined if nothing is. An event that AWS may
 * send must be read; any other must be read, ignored, or refused by name.
 */
export function readingOf(rule: HomeRule, { name, event, plausible }: Asked): { reading: Reading; wrong?: string } {
  let reading: Reading = "read";
  for (const functionName of rule.functions) {
    const read = readers[functionName];
    if (!read) return { reading: "unread", wrong: `${rule.name}: nobody knows how ${functionName} reads events` };
    try {
      if (!read(event)) reading = "unread";
    } catch (error) {
      if (!(error instanceof AutopilotError) || error.code !== "malformed-event")
        return { reading, wrong: `${rule.name} on ${name}: ${functionName} threw ${String(error)}` };
      reading = "refused as malformed";
    }
  }
  const ok = reading === "read" || !plausible;
  return ok ? { reading } : { reading, wrong: `${rule.name} on ${name}: matched, but ${reading}` };
}
