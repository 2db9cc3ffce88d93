import * as z from "zod";
import { eventSources } from "../../shared/base/vocabulary.ts";
import { readOutgoing } from "../../shared/events/outgoing.ts";
import { SlackUnavailable } from "../../shared/slack/calls.ts";
import { newsWaitMinutes } from "../../shared/slack/grouping.ts";
import { isRolloutEvent } from "../../shared/slack/rollout-stories.ts";
import { type AnnounceCalls, announcePending } from "../../shared/use-cases/notify/announce.ts";
import { reportRollout } from "../../shared/use-cases/rollout/report.ts";
import { reportOpenRollouts } from "../../shared/use-cases/rollout/report-schedule.ts";
import { reportDetail } from "../../shared/use-cases/rollout/report-thread.ts";
import { environmentContext, type FunctionContext } from "../context.ts";
import { parsed } from "../input.ts";
import { lambda, type Step } from "../middleware.ts";
import type { Tools } from "../observability.ts";
import { type Slack, slackChannel } from "../slack.ts";

const eventSchema = z.object({ source: z.string().optional(), id: z.string().optional() });

/**
 * Keeps the rollouts' messages in the ops channel up to date. An event about a rollout updates its message and is
 * posted in its thread. Without an event, as on the schedule, every message that may be out of date is updated.
 */
export function report(
  { config, stage, ledger, now, pause }: Pick<FunctionContext, "config" | "stage" | "ledger" | "now" | "pause">,
  slack: Slack,
): Step {
  return async (input, { log, measure }) => {
    const calls = { config, stage, ledger, now, pause, slack, log, measure };
    const { source, id = "" } = parsed(eventSchema, input);
    if (source !== eventSources.autopilot) {
      const rollouts = await reportOpenRollouts(calls);
      const announced = await announceLeft(calls);
      measure.record("NewsWaitMinutes", newsWaitMinutes(await ledger.getChannel(), now()), {});
      measure.count("ScheduledRuns", { function: "rollout-report" });
      return { rollouts, ...(announced > 0 && { announced }) };
    }
    const event = readOutgoing(input);
    if (!isRolloutEvent(event)) return { did: "none" };
    const { rolloutId } = event.detail;
    log.appendKeys({ detailType: event.detailType, rolloutId });
    const did = await reportRollout(rolloutId, calls);
    const replied = await reportDetail(event, id, calls);
    log.info("reported", { did, replied });
    return { did, replied };
  };
}

/** Announces what was left to the schedule. While Slack takes nothing, it stays pending. */
async function announceLeft(calls: AnnounceCalls & Pick<Tools, "measure">): Promise<number> {
  try {
    return await announcePending(calls);
  } catch (error) {
    if (!(error instanceof SlackUnavailable)) throw error;
    calls.log.warn(error.message, { code: error.code });
    calls.measure.count("Failures", { code: error.code });
    return 0;
  }
}

export const handler = lambda("rollout-report", () => report(environmentContext(), slackChannel(environmentContext())));
