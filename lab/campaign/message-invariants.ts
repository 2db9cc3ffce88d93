import type { SlackPart } from "@ztunnel-autopilot/simulator";
import type { CampaignResult } from "./campaign-result.ts";

/** The violated invariants of what the channel shows. */
export function messageViolations(result: Pick<CampaignResult, "lab" | "isCalm">): readonly string[] {
  return [...crowdedMessages(result), ...floods(result), ...unwantedParts(result)];
}

/** What the headlines of one topic have in common, of those that wait for the minute. */
const TOPICS = [
  /can't join the mesh/,
  /\b(?:is|are) in the mesh$/,
  /\bha(?:s|ve) the enroll tag, and a warning/,
  /\b(?:is back in|has its sidecar again|lacked what) /,
  /\b(?:is|are) out of the mesh$/,
  /\b(?:is|are) up to date in the mesh$/,
  /\bthe root CA bundle (?:of \S+ )?has changed\b(?!.*CUT OFF)/i,
  /\bno running task needs the old root CAs? any more$/,
];
/** Of those that are one message while their cause goes on, or that need somebody and are one message a cause. */
const OTHER_TOPICS = [
  /\bfailed before (?:it|they) deployed anything$/,
  /\bfailed and w(?:as|ere) reverted to the last good revision$/,
  /\bfailed and could NOT be reverted$/,
  /\btasks keep dying\b/,
  /\btags (?:that )?change too often$/,
  /\bwas refused: nothing was changed$|^:no_entry: Requests about /,
  /\banother controller\b/,
  /\bstill CUT OFF\b/,
];
/** A minute, less what Slack's answer takes. */
const APART_MS = 50_000;

/**
 * Messages are bounded by causes: the channel gets a new one of a topic a minute at most. After a crash, "at least
 * once" holds instead.
 */
function crowdedMessages({ lab, isCalm }: Pick<CampaignResult, "lab" | "isCalm">): readonly string[] {
  if (!isCalm) return [];
  return TOPICS.flatMap((topic) => {
    const ofTopic = lab.slack.threads().filter(({ text }) => topic.test(text.split("\n")[0] ?? ""));
    return ofTopic.flatMap(({ ts, text }, index) => {
      const before = ofTopic[index - 1];
      if (!before || (Number(ts) - Number(before.ts)) * 1000 >= APART_MS) return [];
      return [`two messages of one topic within a minute: ${text.split("\n")[0]}`];
    });
  });
}

const WINDOW_MS = 10 * 60_000;
/**
 * One a minute, and as many again for runs that die between Slack's answer and the ledger's, and for events that come
 * twice: "at least once" is what AWS gives.
 */
const MOST_IN_A_WINDOW = 20;

/** Messages are bounded also when things go wrong: a topic gets no more new ones than its pace and crashes explain. */
function floods({ lab }: Pick<CampaignResult, "lab">): readonly string[] {
  const threads = lab.slack
    .threads()
    .map(({ ts, text }) => ({ ms: Number(ts) * 1000, line: text.split("\n")[0] ?? "" }));
  return [...TOPICS, ...OTHER_TOPICS].flatMap((topic) => {
    const ofTopic = threads.filter(({ line }) => topic.test(line));
    const crowded = ofTopic.find(({ ms }, index) => {
      const later = ofTopic[index + MOST_IN_A_WINDOW];
      return later !== undefined && later.ms - ms < WINDOW_MS;
    });
    return crowded ? [`more than ${MOST_IN_A_WINDOW} messages within ten minutes: ${crowded.line}`] : [];
  });
}

/** Addresses of the product's own links. */
const OWN_LINK = /^https:\/\/(?:[a-z0-9-]+\.console\.aws\.amazon\.com|console\.amazonaws\.cn)\//;

/** What people wrote in tags, and AWS in its reasons, stays text: it notifies nobody, and cannot be clicked. */
export function unwantedParts({ lab }: Pick<CampaignResult, "lab">): readonly string[] {
  const isOwn = (part: SlackPart) => part.kind === "text" || (part.kind === "link" && OWN_LINK.test(part.url));
  const parts = lab.slack.sights().flatMap(({ message, notification }) => [...message, ...notification]);
  const unwanted = parts.filter((part) => !isOwn(part)).map((part) => `a message has the ${JSON.stringify(part)}`);
  return [...new Set(unwanted)];
}
