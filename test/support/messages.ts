import type { OutgoingEvent } from "../../shared/events/outgoing.ts";
import { layOut, type SlackMessage } from "../../shared/slack/layout.ts";
import { storyFor } from "../../shared/slack/messages.ts";

/** The message that announces an event alone. */
export function messageFor(event: OutgoingEvent, stage?: string): SlackMessage {
  return layOut(storyFor(event, stage), stage);
}
