import { readOutgoing } from "../shared/events/outgoing.ts";
import { SlackUnavailable } from "../shared/gateways/slack.ts";
import { messageFor } from "../shared/slack/messages.ts";
import { lambda, type Step } from "./middleware.ts";
import { type Slack, slackChannel } from "./slack.ts";
import { environmentWorld, type World } from "./world.ts";

const TRIES = 5;
/** Slack asks for a second or so when messages come in a burst; longer waits are Lambda's to retry. */
const LONGEST_WAIT_SECONDS = 5;

/** Tells an event in the ops channel. */
export function notifySlack({ pause }: Pick<World, "pause">, slack: Slack): Step {
  return async (event, { log }) => {
    const outgoing = readOutgoing(event);
    log.appendKeys({ detailType: outgoing.detailType });
    const channel = await slack();
    for (let tries = 1; ; tries += 1) {
      try {
        await channel.postMessage(messageFor(outgoing));
        log.info("told", { tries });
        return { did: "told" };
      } catch (error) {
        const wait = error instanceof SlackUnavailable ? error.retryAfterSeconds : undefined;
        if (wait === undefined || wait > LONGEST_WAIT_SECONDS || tries === TRIES) throw error;
        await pause(wait * 1000);
      }
    }
  };
}

export const handler = lambda("notify-slack", () => notifySlack(environmentWorld(), slackChannel(environmentWorld())));
