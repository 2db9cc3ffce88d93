import { sha256 } from "../../base/json.ts";
import type { News } from "../../model/channel.ts";
import { keptStory } from "../../slack/group-message.ts";
import type { Story } from "../../slack/layout.ts";
import { storyOf } from "../../slack/messages.ts";
import { type ServiceNewsEvent, topicOf } from "../../slack/topics.ts";

/**
 * What an event about a service says to people. `id` identifies the event; without one, its content does. `reportedBy`:
 * the rollout that reports it, which may be another one than the event's.
 */
export function newsOfService(
  event: ServiceNewsEvent,
  id: string | undefined,
  nowMs: number,
  reportedBy?: string,
): News {
  const { topic, cause } = topicOf(event);
  const { detail } = event;
  const rolloutId = reportedBy ?? ("rolloutId" in detail ? detail.rolloutId : undefined);
  return {
    id: id ?? sha256(JSON.stringify(event)),
    topic,
    cause,
    subject: detail.serviceArn,
    ...(rolloutId !== undefined && { rolloutId }),
    atMs: nowMs,
    story: kept(storyOf(event)),
    further: 0,
  };
}

function kept(story: Story): News["story"] {
  const { icon, headline, lines, context } = keptStory(story);
  return {
    icon,
    headline,
    lines: lines.map((line) => (typeof line === "string" ? line : { ...line })),
    context: [...context],
  };
}
