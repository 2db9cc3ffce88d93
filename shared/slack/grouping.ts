import { sha256 } from "../base/json.ts";
import type { Channel, Group, News } from "../model/channel.ts";
import type { Posted } from "./calls.ts";
import { rulesOf } from "./topics.ts";

/** The channel gets one new message of a topic in this time. */
const INTERVAL_MS = 60_000;
/** News of a lasting cause, and of the same subject and cause, joins a message that others have joined as lately. */
const LASTING_MS = 15 * 60_000;
/** A message that is older is not joined any more: what still goes on is announced again. */
const OLDEST_MS = 6 * 3_600_000;
/** Slack takes 50 updates a minute: after the first ones, a message is updated every ten seconds at most. */
const UPDATE_EVERY_MS = 10_000;
const EAGER_UPDATES = 3;
/** As much is announced at once, however lately the message was updated. */
const MANY = 40;
/** How many pieces of news one message and its thread take at a time. */
const MAX_AT_ONCE = 60;

/* The item stays below DynamoDB's 400 KB: 80 stories of 2.5 KB, 20 groups of 6 KB, and the ids. */
const MAX_PENDING = 80;
const MAX_GROUPS = 20;
const MAX_MARKS = 200;
const MAX_NAMED = 5;
const MAX_CAUSES = 12;
const MAX_ANNOUNCED = 300;

/** What is to be written to Slack next: a new message, or one that more news joins. */
export type ChannelAct =
  | { readonly act: "post"; readonly news: readonly News[] }
  | { readonly act: "join"; readonly news: readonly News[]; readonly group: Group };

/** The channel with an event's news to announce: undefined when that was announced before. */
export function withNews(channel: Channel, news: News): Channel | undefined {
  if (channel.announced.includes(news.id)) return undefined;
  if (channel.pending.some(({ id }) => id === news.id)) return channel;
  // What was to be announced of the subject is out of date by now.
  const repeated = channel.pending.find((one) => isOf(one, news) && one.subject === news.subject);
  const others = channel.pending.filter((one) => one !== repeated);
  if (others.length < MAX_PENDING) {
    const announced = repeated ? announcedWith(channel, [repeated.id]) : channel.announced;
    return { ...channel, announced, pending: [...others, { ...news, further: repeated?.further ?? 0 }] };
  }
  const counted = others.find((one) => isOf(one, news)) ?? others.find(({ topic }) => topic === news.topic);
  if (!counted) return { ...channel, pending: [...withRoom(others), news] };
  const pending = others.map((one) => (one === counted ? withFurther(one, 1) : one));
  return { ...channel, pending, announced: announcedWith(channel, [news.id]) };
}

/** The pending news with one piece less, which another of its topic counts. Topics are fewer than there is room for. */
function withRoom(pending: readonly News[]): News[] {
  for (const one of pending) {
    const other = pending.findLast(({ topic }) => topic === one.topic);
    if (!other || other === one) continue;
    const kept = withFurther(one, 1 + other.further);
    return pending.flatMap((each) => (each === other ? [] : [each === one ? kept : each]));
  }
  return [...pending];
}

function withFurther(news: News, more: number): News {
  return { ...news, further: news.further + more };
}

/** The next act that is due; undefined when nothing is. `updates`: messages can be updated, which a webhook's can't. */
export function nextAct(channel: Channel, updates: boolean, nowMs: number): ChannelAct | undefined {
  const seen = new Set<string>();
  for (const { topic, rolloutId } of channel.pending) {
    const key = `${topic} ${rolloutId}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const isIn = (one: Pick<News, "topic" | "rolloutId">) => one.topic === topic && one.rolloutId === rolloutId;
    const act = actOf(channel.pending.filter(isIn), channel.groups.filter(isIn), updates, nowMs);
    if (act) return { ...act, news: act.news.slice(0, MAX_AT_ONCE) };
  }
  return undefined;
}

/** `groups` are the messages of the topic, the newest first. */
function actOf(
  pending: readonly News[],
  groups: readonly Group[],
  updates: boolean,
  nowMs: number,
): ChannelAct | undefined {
  const joined = pending.map((news) => ({ news, group: updates ? joinable(news, groups, nowMs) : undefined }));
  for (const group of groups) {
    const news = joined.flatMap((one) => (one.group === group ? [one.news] : []));
    if (news.length > 0 && isUpdateDue(group, news.length, nowMs)) return { act: "join", news, group };
  }
  const fresh = joined.flatMap((one) => (one.group ? [] : [one.news]));
  const due = fresh.filter((news) => !hasToWait(news, groups, updates, nowMs));
  const first = due[0];
  if (!first) return undefined;
  // What needs somebody is one message a cause.
  return { act: "post", news: rulesOf(first.topic).urgent ? due.filter(({ cause }) => cause === first.cause) : due };
}

function joinable(news: News, groups: readonly Group[], nowMs: number): Group | undefined {
  const { urgent, lasting } = rulesOf(news.topic);
  const open = groups.filter(({ place, openedMs }) => place !== undefined && nowMs - openedMs < OLDEST_MS);
  const mark = markOf(news.subject);
  const ofItsCause = open.find(
    ({ causes, marks, lastMs }) =>
      causes.some(({ cause }) => cause === news.cause) &&
      news.atMs - lastMs < LASTING_MS &&
      (lasting || marks.includes(mark)),
  );
  if (ofItsCause) return ofItsCause;
  return urgent ? undefined : open.find(({ openedMs }) => news.atMs - openedMs < INTERVAL_MS);
}

function isUpdateDue({ updates, lastMs }: Group, count: number, nowMs: number): boolean {
  return updates < EAGER_UPDATES || count >= MANY || nowMs - lastMs >= UPDATE_EVERY_MS;
}

/** News that can join no message waits until the channel takes a new one of its topic. */
function hasToWait({ topic, cause }: News, groups: readonly Group[], updates: boolean, nowMs: number): boolean {
  const { urgent, lasting } = rulesOf(topic);
  const isAnnouncedIn = (group: Group) => group.causes.some((one) => one.cause === cause);
  if (!updates && lasting && groups.some((one) => isAnnouncedIn(one) && nowMs - one.openedMs < LASTING_MS)) return true;
  return !urgent && groups.some(({ openedMs }) => nowMs - openedMs < INTERVAL_MS);
}

/** The message after an act: a new one, or one that more news has joined. */
export function groupAfter(act: ChannelAct, nowMs: number): Group {
  const [first, ...rest] = act.news;
  if (act.act === "join" || !first) return joinedBy(act.act === "join" ? act.group : undefined, act.news, nowMs);
  return joinedBy(joinedBy(undefined, [first], nowMs), rest, nowMs);
}

function joinedBy(before: Group | undefined, news: readonly News[], nowMs: number): Group {
  const { topic = "", rolloutId } = news[0] ?? before ?? {};
  let group = before ?? {
    topic,
    rolloutId,
    openedMs: nowMs,
    lastMs: nowMs,
    updates: 0,
    count: 0,
    causes: [],
    marks: [],
    named: [],
  };
  for (const one of news) group = withOne(group, one);
  return { ...group, lastMs: nowMs };
}

function withOne(group: Group, news: News): Group {
  const mark = markOf(news.subject);
  const isNew = !group.marks.includes(mark);
  const more = (isNew ? 1 : 0) + news.further;
  const known = group.causes.find(({ cause }) => cause === news.cause);
  const causes = known
    ? group.causes.map((one) => (one === known ? { ...one, count: one.count + more } : one))
    : [...group.causes, { cause: news.cause, count: 1 + news.further }].slice(0, MAX_CAUSES);
  const count = group.count + more;
  return {
    ...group,
    count,
    causes,
    marks: isNew ? [...group.marks, mark].slice(-MAX_MARKS) : group.marks,
    named: isNew && group.named.length < MAX_NAMED ? [...group.named, news.subject] : group.named,
    alone: count === 1 ? news : undefined,
  };
}

/** The channel once the act is done: its news was announced. `place` is where the message is, if it can be updated. */
export function afterAct(
  channel: Channel,
  { act, group, place }: { readonly act: ChannelAct; readonly group: Group; readonly place: Posted | undefined },
  nowMs: number,
): Channel {
  const ids = act.news.map(({ id }) => id);
  const before = act.act === "join" ? act.group : undefined;
  const isSame = (one: Group) => before?.place !== undefined && one.place?.ts === before.place.ts;
  const updates = before ? before.updates + 1 : 0;
  const others = channel.groups.filter((one) => !isSame(one) && isRemembered(one, nowMs));
  const groups = [{ ...group, updates, place: place && { ...place } }, ...others].sort(
    (one, other) => other.openedMs - one.openedMs,
  );
  return {
    ...channel,
    pending: channel.pending.filter(({ id }) => !ids.includes(id)),
    groups: groups.slice(0, MAX_GROUPS),
    announced: announcedWith(channel, ids),
  };
}

function isRemembered({ lastMs, openedMs }: Group, nowMs: number): boolean {
  return nowMs - Math.max(lastMs, openedMs) < LASTING_MS;
}

function announcedWith({ announced }: Channel, ids: readonly string[]): string[] {
  return [...announced, ...ids].slice(-MAX_ANNOUNCED);
}

function isOf(one: News, { topic, cause, rolloutId }: News): boolean {
  return one.topic === topic && one.cause === cause && one.rolloutId === rolloutId;
}

function markOf(subject: string): string {
  return sha256(subject).slice(0, 10);
}

/** For how many minutes the oldest news has waited to be announced; 0 where none waits. */
export function newsWaitMinutes({ pending }: Pick<Channel, "pending">, nowMs: number): number {
  const oldestMs = Math.min(nowMs, ...pending.map(({ atMs }) => atMs));
  return Math.floor((nowMs - oldestMs) / 60_000);
}
