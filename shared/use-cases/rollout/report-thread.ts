import { atSlacksPace, postedOf, SlackUnavailable } from "../../slack/calls.ts";
import { layOut } from "../../slack/layout.ts";
import { type RolloutEvent, rolloutStory } from "../../slack/rollout-stories.ts";
import { type ReportCalls, recordUnavailable } from "./report-calls.ts";

/** How many events of a rollout are remembered as notified. */
const MAX_NOTIFIED = 200;

/**
 * Posts an event in the thread of the rollout's message, once: `eventId` identifies it. True when it was posted. False
 * when there is no such message, when the event was posted before, and when Slack did not take it, which is logged and
 * counted.
 */
export async function reportDetail(event: RolloutEvent, eventId: string, calls: ReportCalls): Promise<boolean> {
  const { ledger, pause } = calls;
  const { rolloutId } = event.detail;
  const key = detailKey(event, eventId);
  const slack = await calls.slack();
  if (key === undefined || !slack.updates) return false;
  const changed = await ledger.changeRollout(rolloutId, (rollout) => {
    const notified = rollout.slack?.notified ?? [];
    const under = notified.includes(key) ? undefined : postedOf(rollout);
    if (!under) return { result: undefined };
    const slackState = { ...rollout.slack, notified: [...notified, key].slice(-MAX_NOTIFIED) };
    return { next: { ...rollout, slack: slackState }, result: under };
  });
  const under = changed?.result;
  if (!under) return false;
  try {
    await atSlacksPace(pause, () => slack.postMessage(layOut(rolloutStory(event), calls.stage), { under }));
    return true;
  } catch (error) {
    if (!(error instanceof SlackUnavailable)) throw error;
    recordUnavailable(error, rolloutId, calls);
    return false;
  }
}

/**
 * A step that is run again emits its event again under another id: its content identifies it where it occurs only once.
 */
function detailKey({ detailType, detail }: RolloutEvent, eventId: string): string | undefined {
  switch (detailType) {
    case "Rollout Wave Completed":
      return `wave-${detail.number}`;
    case "Rollout Completed":
      return detail.outcome;
    case "Rollout Rolled Back":
      return "rolled-back";
    case "Rollout Paused":
      return eventId;
    default:
      return undefined;
  }
}
