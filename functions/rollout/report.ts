import * as z from "zod";
import { eventSources } from "../../shared/base/vocabulary.ts";
import { readOutgoing } from "../../shared/events/outgoing.ts";
import { isRolloutEvent } from "../../shared/slack/rollout-stories.ts";
import { reportRollout } from "../../shared/use-cases/rollout/report.ts";
import { reportOpenRollouts } from "../../shared/use-cases/rollout/report-schedule.ts";
import { reportDetail } from "../../shared/use-cases/rollout/report-thread.ts";
import { environmentContext, type FunctionContext } from "../context.ts";
import { parsed } from "../input.ts";
import { lambda, type Step } from "../middleware.ts";
import { type Slack, slackChannel } from "../slack.ts";

const eventSchema = z.object({ source: z.string().optional(), id: z.string().optional() });

/**
 * Keeps the rollouts' messages in the ops channel up to date. An event about a rollout updates its message and is
 * posted in its thread. Without an event, as on the schedule, every message that may be out of date is updated.
 */
export function report(
  { config, ledger, now, pause }: Pick<FunctionContext, "config" | "ledger" | "now" | "pause">,
  slack: Slack,
): Step {
  return async (input, { log, measure }) => {
    const calls = { config, ledger, now, pause, slack, log, measure };
    const { source, id = "" } = parsed(eventSchema, input);
    if (source !== eventSources.autopilot) {
      const rollouts = await reportOpenRollouts(calls);
      return { rollouts };
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

export const handler = lambda("rollout-report", () => report(environmentContext(), slackChannel(environmentContext())));
