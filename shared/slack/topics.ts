import { failureText } from "../base/failure-fixes.ts";
import { agreeing, counted } from "../base/plural.ts";
import { autopilotEvents } from "../base/vocabulary.ts";
import type { OutgoingEvent } from "../events/outgoing.ts";
import { refusals, sharedProblems, warnings } from "../model/reason-texts.ts";
import { refusalNames, sharedProblemNames, warningNames } from "../model/reasons.ts";
import { type FleetNewsEvent, fleetTopicOf, fleetTopics } from "./fleet-topics.ts";

import type { TopicRules } from "./topic-rules.ts";

/** An event about one service. */
export type ServiceNewsEvent = Extract<OutgoingEvent, { detailType: `Service ${string}` | "Drift Corrected" }>;

/** An event that the operations channel announces together with others of its topic. */
export type NewsEvent = ServiceNewsEvent | FleetNewsEvent;

/** True for an event that the channel announces; others are for a rollout's message alone. */
export function isNews(event: OutgoingEvent): event is NewsEvent {
  return autopilotEvents[event.detailType].audience === "channel";
}

/** True for an event about one service. */
export function isServiceEvent(event: OutgoingEvent): event is ServiceNewsEvent {
  return event.detailType.startsWith("Service ") || event.detailType === "Drift Corrected";
}

const services = (one: string, several: string, rest: string) => (count: number) =>
  `${counted(count, "service")} ${agreeing(count, one, several)} ${rest}`;
const rolls = (words: string) => (count: number) => `${counted(count, "roll")} ${words}`;

/** The topics of the operations channel. */
const topics = {
  ...fleetTopics,
  enrolled: { icon: ":white_check_mark:", headline: services("is", "are", "in the mesh") },
  "enrolled-unverified": { icon: ":white_check_mark:", headline: services("is", "are", "enrolled, not verified") },
  updated: { icon: ":arrows_counterclockwise:", headline: services("is", "are", "up to date in the mesh") },
  "updated-unverified": {
    icon: ":arrows_counterclockwise:",
    headline: services("has", "have", "the update, not verified"),
  },
  corrected: { icon: ":wrench:", headline: services("lacked", "lacked", "what the mesh needs: it is there again") },
  unenrolled: { icon: ":wave:", headline: services("is", "are", "out of the mesh") },
  superseded: {
    icon: ":leftwards_arrow_with_hook:",
    headline: (count) =>
      `${counted(count, "roll")} ${agreeing(count, "was", "were")} superseded: nothing more was changed`,
  },
  refused: { icon: ":no_entry:", headline: services("can't", "can't", "join the mesh: nothing was changed") },
  "refused-in-mesh": {
    icon: ":no_entry:",
    headline: services("stays", "stay", "in the mesh unchanged: tags can't be followed"),
  },
  warned: { icon: ":warning:", headline: services("has", "have", "the enroll tag, and a warning"), lasting: true },
  reverted: {
    icon: ":rewind:",
    headline: (count) =>
      `${counted(count, "roll")} failed and ${agreeing(count, "was", "were")} reverted to the last good revision`,
    lasting: true,
  },
  unchanged: { icon: ":rewind:", headline: rolls("failed before they deployed anything"), lasting: true },
  stuck: {
    icon: ":rotating_light:",
    headline: rolls("failed and could NOT be reverted"),
    urgent: true,
    lasting: true,
  },
  dying: {
    icon: ":broken_heart:",
    headline: services("is", "are", "in the mesh, and tasks keep dying"),
    urgent: true,
    lasting: true,
  },
  contested: {
    icon: ":crossed_swords:",
    headline: services("is", "are", "deployed again and again by another controller, without what the mesh needs"),
    urgent: true,
  },
  throttled: { icon: ":hourglass:", headline: services("has", "have", "tags that change too often"), lasting: true },
  stranded: {
    icon: ":broken_heart:",
    headline: services("still does", "still do", "not run: somebody has to act"),
    urgent: true,
    lasting: true,
  },
} as const satisfies Readonly<Record<string, TopicRules>>;
export type Topic = keyof typeof topics;

const ALARM = "alarm ";
const alarmRules: TopicRules = {
  icon: ":rotating_light:",
  headline: (count) => `${counted(count, "alarm")} changed`,
  urgent: true,
};

/** Each alarm is a topic of its own. */
export function topicOfAlarm(alarm: string): string {
  return `${ALARM}${alarm}`;
}

/** The rules of a topic; those of a topic that a later version has written are the mildest. */
export function rulesOf(topic: string): TopicRules {
  if (topic.startsWith(ALARM)) return alarmRules;
  return isTopic(topic) ? topics[topic] : { icon: ":information_source:", headline: services("has", "have", "news") };
}

function isTopic(topic: string): topic is Topic {
  return Object.hasOwn(topics, topic);
}

/** What an event is about: its topic, why it happened, and to whom or what. */
export function topicOf(event: NewsEvent): { readonly topic: Topic; readonly cause: string; readonly subject: string } {
  if (!isServiceEvent(event)) return fleetTopicOf(event);
  return { ...serviceTopicOf(event), subject: event.detail.serviceArn };
}

function serviceTopicOf(event: ServiceNewsEvent): { readonly topic: Topic; readonly cause: string } {
  switch (event.detailType) {
    case "Service Enrolled":
      return { topic: event.detail.verification === "pending" ? "enrolled-unverified" : "enrolled", cause: "" };
    case "Service Updated":
      return { topic: event.detail.verification === "pending" ? "updated-unverified" : "updated", cause: "" };
    case "Drift Corrected":
      return { topic: "corrected", cause: "" };
    case "Service Unenrolled":
      return { topic: "unenrolled", cause: "" };
    case "Service Roll Superseded":
      return { topic: "superseded", cause: "" };
    case "Service Refused":
      return {
        topic: event.detail.enrolled ? "refused-in-mesh" : "refused",
        cause: joined(event.detail.refusals.map(({ reason }) => reason)),
      };
    case "Service Warned":
      return { topic: "warned", cause: joined(event.detail.warnings.map(({ code }) => code)) };
    case "Service Roll Failed": {
      const { unchanged, reverted, code } = event.detail;
      if (unchanged) return { topic: "unchanged", cause: code };
      return { topic: reverted ? "reverted" : "stuck", cause: code };
    }
    case "Service Throttled":
      return { topic: "throttled", cause: "" };
    case "Service Contested":
      return { topic: "contested", cause: "" };
    case "Service Unhealthy": {
      const { stoppedTasks, code } = event.detail;
      return { topic: stoppedTasks === undefined ? "stranded" : "dying", cause: code };
    }
  }
}

function joined(codes: readonly string[]): string {
  return [...new Set(codes)].sort().join("+");
}

/** What a cause means, and what to do about it where that is one thing. */
export interface CauseText {
  readonly sentence: string;
  readonly fix?: string | undefined;
}

/** The text of a cause; undefined where the topic says it all. */
export function causeText(topic: string, cause: string): CauseText | undefined {
  const codes = cause.split("+");
  switch (topic) {
    case "refused":
    case "refused-in-mesh": {
      const found = refusalNames.filter((name) => codes.includes(name)).map((name) => refusals[name]);
      const [only, ...others] = found;
      if (!only) return undefined;
      return {
        sentence: found.map(({ sentence }) => sentence).join(" "),
        fix: others.length > 0 ? undefined : only.fix,
      };
    }
    case "warned": {
      const found = warningNames.filter((name) => codes.includes(name)).map((name) => warnings[name]);
      return found.length > 0 ? { sentence: found.join(" ") } : undefined;
    }
    case "reverted":
    case "unchanged":
    case "stuck":
    case "dying":
    case "stranded":
    case "rollout-refused":
      return failureText(cause);
    case "identity-warned": {
      const found = sharedProblemNames.find((name) => name === cause);
      return found && sharedProblems[found];
    }
    default:
      return undefined;
  }
}
