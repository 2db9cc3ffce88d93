import * as z from "zod";
import { autopilotEvents } from "../shared/base/vocabulary.ts";
import { namePrefixOf } from "../shared/config/names.ts";
import { readAlarmChange } from "../shared/events/alarms.ts";
import { type OutgoingEvent, readOutgoing } from "../shared/events/outgoing.ts";
import type { News } from "../shared/model/channel.ts";
import { postedOf, SlackUnavailable } from "../shared/slack/calls.ts";
import { isNews, isServiceEvent } from "../shared/slack/topics.ts";
import { type AnnounceCalls, type Announced, announceNews } from "../shared/use-cases/notify/announce.ts";
import { newsOf, newsOfAlarm } from "../shared/use-cases/notify/news.ts";
import { environmentContext, type FunctionContext } from "./context.ts";
import { parsed } from "./input.ts";
import { lambda, type Step } from "./middleware.ts";
import type { Tools } from "./observability.ts";
import { type Slack, slackChannel } from "./slack.ts";

const eventSchema = z.object({ id: z.string().min(1).optional() });

/**
 * Announces an event of the autopilot, or a change of one of its alarms, in the ops channel. News of one topic is
 * announced together; of a rollout's rolls only failures are, in the thread of the rollout's message where there is
 * one: the message itself counts the others.
 */
export function notifySlack(
  { config, stage, pause, ledger, now }: Pick<FunctionContext, "config" | "stage" | "pause" | "ledger" | "now">,
  slack: Slack,
): Step {
  const prefix = namePrefixOf(config, stage);
  const calls = (log: Tools["log"]) => ({ ledger, slack, stage, now, pause, log });
  return async (event, { log, measure }) => {
    const alarm = readAlarmChange(event);
    if (alarm) {
      log.appendKeys({ alarm: alarm.name });
      const news = newsOfAlarm(alarm, { config, prefix, id: parsed(eventSchema, event).id, nowMs: now() });
      return news ? { did: await announce(news, calls(log), measure) } : { did: "not-ours" };
    }
    const outgoing = readOutgoing(event);
    log.appendKeys({ detailType: outgoing.detailType });
    if ("known" in outgoing.detail) return { did: "known-already" };
    if (isCounted(outgoing)) return { did: "left-to-rollout" };
    // The function that keeps the rollout's message writes it.
    if (!isNews(outgoing)) return { did: "left-to-rollout" };
    const { rollout, isQuiet } = isServiceEvent(outgoing) ? await reportedRollout(outgoing, ledger) : {};
    if (isQuiet && !((await slack()).updates && rollout && postedOf(rollout))) return { did: "left-to-rollout" };
    const { id } = parsed(eventSchema, event);
    const news = newsOf(outgoing, { id, stage, nowMs: now(), ...(rollout && { reportedBy: rollout.id }) });
    const did = await announce(news, calls(log), measure);
    log.info(did);
    return { did };
  };
}

/** What Slack does not take is in the ledger: the schedule announces it, and a try of this event would do no more. */
async function announce(
  news: News,
  calls: AnnounceCalls,
  measure: Tools["measure"],
): Promise<Announced | "unavailable"> {
  try {
    return await announceNews(news, calls);
  } catch (error) {
    if (!(error instanceof SlackUnavailable)) throw error;
    calls.log.warn(error.message, { code: error.code });
    measure.count("Failures", { code: error.code });
    return "unavailable";
  }
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
