import { autopilotEvents } from "../shared/base/vocabulary.ts";
import { readAlarmChange } from "../shared/events/alarms.ts";
import { type OutgoingEvent, readOutgoing } from "../shared/events/outgoing.ts";
import { alarmMessage } from "../shared/slack/alarm-message.ts";
import { atSlacksPace, type Posted, SlackUnavailable } from "../shared/slack/calls.ts";
import { messageFor } from "../shared/slack/messages.ts";
import { postedOf } from "../shared/use-cases/rollout/report-calls.ts";
import { environmentContext, type FunctionContext } from "./context.ts";
import { lambda, type Step } from "./middleware.ts";
import { type Slack, slackChannel } from "./slack.ts";

/**
 * Posts an event of the autopilot, or a change of one of its alarms, to the ops channel. Of a rollout's rolls it posts
 * only failures, in the thread of the rollout's message where there is one: the message itself counts the others.
 */
export function notifySlack({ pause, ledger }: Pick<FunctionContext, "pause" | "ledger">, slack: Slack): Step {
  return async (event, { log }) => {
    const alarm = readAlarmChange(event);
    if (alarm) {
      log.appendKeys({ alarm: alarm.name });
      const channel = await slack();
      await atSlacksPace(pause, () => channel.postMessage(alarmMessage(alarm)));
      log.info("posted");
      return { did: "posted" };
    }
    const outgoing = readOutgoing(event);
    log.appendKeys({ detailType: outgoing.detailType });
    if (isCounted(outgoing)) return { did: "left-to-rollout" };
    const channel = await slack();
    const { rollout, isQuiet } = await reportedRollout(outgoing, ledger);
    const under = channel.updates && rollout ? postedOf(rollout) : undefined;
    if (isQuiet && !under) return { did: "left-to-rollout" };
    const post = (thread: Posted | undefined) =>
      atSlacksPace(pause, () => channel.postMessage(messageFor(outgoing), { under: thread }));
    try {
      await post(under);
    } catch (error) {
      // Somebody may have deleted the rollout's message: post the failure to the channel instead.
      if (!under || !(error instanceof SlackUnavailable) || error.refusal === undefined) throw error;
      log.warn(error.message, { code: error.code });
      await post(undefined);
    }
    log.info("posted");
    return { did: "posted" };
  };
}

function isCounted(event: OutgoingEvent): boolean {
  return rolloutOf(event) !== undefined && autopilotEvents[event.detailType].countedInRollout;
}

/** The rollout in whose thread an event belongs. One that repeats an emergency is quiet outside of the first one's. */
async function reportedRollout(event: OutgoingEvent, ledger: Pick<FunctionContext["ledger"], "getRollout">) {
  const rolloutId = rolloutOf(event);
  const own = rolloutId === undefined ? undefined : await ledger.getRollout(rolloutId);
  const rollout = own?.repeats === undefined ? own : await ledger.getRollout(own.repeats);
  return { rollout, isQuiet: own?.repeats !== undefined };
}

function rolloutOf({ detail }: OutgoingEvent): string | undefined {
  return "rolloutId" in detail ? detail.rolloutId : undefined;
}

export const handler = lambda("notify-slack", () =>
  notifySlack(environmentContext(), slackChannel(environmentContext())),
);
