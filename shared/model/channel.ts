import * as z from "zod";
import { openObject } from "../base/lenient.ts";

/** A place in Slack: the channel's id and the message's `ts`. */
const placeSchema = openObject({ channel: z.string(), ts: z.string() });

const lineSchema = z.union([z.string(), openObject({ lead: z.string(), quote: z.string(), tail: z.string() })]);

/** One piece of news that is to be announced in the operations channel. */
export const newsSchema = openObject({
  /** The event's: the same event is announced once, even if it comes again. */
  id: z.string().min(1),
  /** What it is about: news of one topic is announced together. */
  topic: z.string().min(1),
  /** Why it happened; empty where that announces nothing. */
  cause: z.string().default(""),
  /** A service's ARN, or the name of an alarm. */
  subject: z.string(),
  /** The rollout to whose thread it belongs. */
  rolloutId: z.string().optional(),
  /** When it came, epoch milliseconds: what is announced late still joins the message of its time. */
  atMs: z.int().nonnegative().default(0),
  /** The message that announces this news alone. */
  story: openObject({
    icon: z.string(),
    headline: z.string(),
    lines: z.array(lineSchema).default([]),
    context: z.array(z.string()).default([]),
  }),
  /** Further news of the same topic and cause for which there was no room: it is counted. */
  further: z.int().nonnegative().default(0),
});
export type News = z.output<typeof newsSchema>;

/** A message in the channel that more news of its topic can join. Times are epoch milliseconds. */
const groupSchema = openObject({
  topic: z.string(),
  rolloutId: z.string().optional(),
  openedMs: z.int().nonnegative(),
  /** When news joined it last. */
  lastMs: z.int().nonnegative(),
  updates: z.int().nonnegative().default(0),
  /** Where it is. Absent where a message can't be updated, as a webhook's. */
  place: placeSchema.optional(),
  /** How many subjects it announces of. */
  count: z.int().positive(),
  causes: z.array(openObject({ cause: z.string(), count: z.int().nonnegative() })).default([]),
  /** Marks of its subjects, so that none counts twice. */
  marks: z.array(z.string()).default([]),
  /** The first subjects. */
  named: z.array(z.string()).default([]),
  /** The news that the message itself announces, until news about another subject joins it. */
  alone: newsSchema.optional(),
});
export type Group = z.output<typeof groupSchema>;

/** What was announced in the operations channel lately, and what is still to be announced. */
export const channelSchema = openObject({
  shape: z.literal(1),
  /** Rises with every write. */
  version: z.int().nonnegative(),
  /** Somebody is writing to the channel until then: nobody else does. */
  claimedUntilMs: z.int().nonnegative().optional(),
  /** Slack has failed, and why: nobody writes to the channel until then. */
  failed: openObject({ untilMs: z.int().nonnegative(), why: z.string() }).optional(),
  pending: z.array(newsSchema).default([]),
  groups: z.array(groupSchema).default([]),
  /** Ids of what was announced last. */
  announced: z.array(z.string()).default([]),
});
export type Channel = z.output<typeof channelSchema>;

/** A channel in which nothing was announced yet. */
export const newChannel: Channel = { shape: 1, version: 0, pending: [], groups: [], announced: [] };
