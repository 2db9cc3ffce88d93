import { sha256 } from "../../base/json.ts";
import { FORWARDING_ALARM, type OwnAlarm, ownAlarms } from "../../base/own-alarms.ts";
import { type Config, targetsOf } from "../../config/config.ts";
import type { AlarmChange } from "../../events/alarms.ts";
import type { News } from "../../model/channel.ts";
import { alarmStory } from "../../slack/alarm-message.ts";
import { keptStory } from "../../slack/group-message.ts";
import type { Story } from "../../slack/layout.ts";
import { storyFor } from "../../slack/messages.ts";
import { isServiceEvent, type NewsEvent, topicOf, topicOfAlarm } from "../../slack/topics.ts";

/**
 * What an event says to people. `id` identifies the event; without one, its content does. `reportedBy`: the rollout
 * that reports it, which may be another one than the event's. What is about no service is in no rollout's thread.
 */
export function newsOf(
  event: NewsEvent,
  { id, stage, nowMs, reportedBy }: { id: string | undefined; stage: string; nowMs: number; reportedBy?: string },
): News {
  const { topic, cause, subject } = topicOf(event);
  const own = isServiceEvent(event) && "rolloutId" in event.detail ? event.detail.rolloutId : undefined;
  const rolloutId = reportedBy ?? own;
  return {
    id: id ?? sha256(JSON.stringify(event)),
    topic,
    cause,
    subject,
    ...(rolloutId !== undefined && { rolloutId }),
    atMs: nowMs,
    story: kept(storyFor(event, stage)),
    further: 0,
  };
}

/** The part of the configuration that says which alarms are the autopilot's own. */
type AlarmConfig = Pick<Config, "homeAccount" | "homeRegion" | "accounts"> & {
  readonly controlPlanes: readonly { readonly name: string }[];
};

/**
 * What the change of an alarm says to people; undefined for an alarm that is not the autopilot's own by its exact
 * name and place. `prefix`: what the names begin with.
 */
export function newsOfAlarm(
  change: AlarmChange,
  { config, prefix, id, nowMs }: { config: AlarmConfig; prefix: string; id: string | undefined; nowMs: number },
): News | undefined {
  const own = ownAlarmOf(change, prefix, config);
  if (!own) return undefined;
  const { account, region, name, state } = change;
  return {
    id: id ?? sha256(JSON.stringify([change, nowMs])),
    topic: topicOfAlarm(`${account} ${region} ${name}`),
    cause: state.slice(0, 50),
    subject: `${account} ${region} ${name}`,
    atMs: nowMs,
    story: kept(alarmStory(change, own)),
    further: 0,
  };
}

/** Other regions and accounts have one alarm of the autopilot's: on the events that they could not forward. */
function ownAlarmOf({ account, region, name }: AlarmChange, prefix: string, config: AlarmConfig): OwnAlarm | undefined {
  if (!name.startsWith(`${prefix}-`)) return undefined;
  const ending = name.slice(prefix.length + 1);
  const isHome = account === config.homeAccount && region === config.homeRegion;
  const isTarget = targetsOf(config).some((place) => place.account === account && place.region === region);
  if (!isHome && !(isTarget && ending === FORWARDING_ALARM)) return undefined;
  const home = { account: config.homeAccount, region: config.homeRegion };
  const controlPlanes = config.controlPlanes.map((plane) => plane.name);
  return ownAlarms({ controlPlanes, places: [home, ...targetsOf(config)] }).get(ending);
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
