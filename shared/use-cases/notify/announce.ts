import { asAutopilotError } from "../../base/errors.ts";
import type { Channel, Group, News } from "../../model/channel.ts";
import type { ChannelLedger, RolloutLedger } from "../../ports/ledger.ts";
import type { Log } from "../../ports/ports.ts";
import { atSlacksPace, type Posted, postedOf, type SlackCalls, SlackUnavailable } from "../../slack/calls.ts";
import { detailMessages, groupMessage, headlineMessage } from "../../slack/group-message.ts";
import { afterAct, type ChannelAct, groupAfter, nextAct, withNews } from "../../slack/grouping.ts";
import type { SlackMessage } from "../../slack/layout.ts";

export interface AnnounceCalls {
  readonly ledger: ChannelLedger & Pick<RolloutLedger, "getRollout">;
  /** The operations channel. */
  readonly slack: () => Promise<SlackCalls>;
  /** The stage that the messages name. */
  readonly stage: string;
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
  readonly log: Pick<Log, "warn">;
}

/**
 * `posted`: all that was due is in the channel. `left`: another run writes to the channel, and the news is left to it
 * or to the schedule. `repeated`: the event was announced before.
 */
export type Announced = "posted" | "left" | "repeated";

/** As long as the functions may run that write to the channel. */
const CLAIM_MS = 60_000;
/**
 * Nobody writes for as long after a run has failed: Slack may have taken a message and answered otherwise, and each run
 * announces it again. The schedule comes every minute.
 */
const AFTER_FAILURE_MS = 45_000;
const MAX_WHY = 300;
/** What remains is for the schedule: a function has a time limit. */
const MAX_ACTS = 10;

/**
 * Announces the news in the operations channel, together with other news of its topic. It is written to the ledger
 * first, and announced by the run that has claimed the channel: by this one, or by one that comes later. So nothing is
 * lost when a run dies, and of two runs at a time only one writes. A run that dies between Slack's answer and the
 * ledger's makes the next one announce it again. Throws `slack-unavailable`, also where Slack has just failed: what is
 * left is announced by the schedule.
 */
export async function announceNews(news: News, calls: AnnounceCalls): Promise<Announced> {
  const { stored, result } = await calls.ledger.changeChannel((channel) => {
    const next = withNews(channel, news);
    if (!next) return { result: "repeated" as const };
    if (isClaimed(channel, calls.now())) return { next, result: "left" as const };
    if (hasFailed(channel, calls.now())) return { next, result: "failed" as const };
    return { next: claimed(next, calls), result: "posted" as const };
  });
  if (result === "posted") await write(stored, calls);
  if (result === "failed") throw new SlackUnavailable(stored.failed?.why ?? "", {});
  return result === "posted" || result === "left" ? result : "repeated";
}

/** Announces what is due by now, as on a schedule. Returns how many acts that took. */
export async function announcePending(calls: AnnounceCalls): Promise<number> {
  if ((await calls.ledger.getChannel()).pending.length === 0) return 0;
  const slack = await calls.slack();
  const due = (channel: Channel) =>
    !isClaimed(channel, calls.now()) &&
    !hasFailed(channel, calls.now()) &&
    nextAct(channel, slack.updates, calls.now()) !== undefined;
  const { stored, result } = await calls.ledger.changeChannel((channel) =>
    due(channel) ? { next: claimed(channel, calls), result: true } : { result: false },
  );
  return result === true ? write(stored, calls) : 0;
}

function isClaimed({ claimedUntilMs = 0 }: Channel, nowMs: number): boolean {
  return claimedUntilMs > nowMs;
}

function hasFailed({ failed }: Channel, nowMs: number): boolean {
  return failed !== undefined && failed.untilMs > nowMs;
}

function claimed(channel: Channel, { now }: Pick<AnnounceCalls, "now">): Channel {
  return { ...channel, claimedUntilMs: now() + CLAIM_MS };
}

function released({ claimedUntilMs: _, ...channel }: Channel): Channel {
  return channel;
}

/** Does one act after the other while any is due, and gives the claim back. */
async function write(from: Channel, calls: AnnounceCalls): Promise<number> {
  const { ledger, now } = calls;
  let acts = 0;
  let channel = from;
  try {
    const slack = await calls.slack();
    for (;;) {
      const act = acts < MAX_ACTS ? nextAct(channel, slack.updates, now()) : undefined;
      if (!act) {
        const { stored, result } = await ledger.changeChannel((newest) => {
          // What came while the claim was held was left to this run.
          const isDue = acts < MAX_ACTS && nextAct(newest, slack.updates, now()) !== undefined;
          return { next: isDue ? claimed(newest, calls) : released(newest), result: isDue };
        });
        if (result !== true) return acts;
        channel = stored;
        continue;
      }
      acts += 1;
      const group = groupAfter(act, now());
      const place = await carryOutOrShorten(act, group, slack, calls);
      const done = { act, group, place };
      const { stored } = await ledger.changeChannel((newest) => ({
        next: claimed(afterAct(newest, done, now()), calls),
      }));
      channel = stored;
    }
  } catch (error) {
    const failed = { untilMs: now() + AFTER_FAILURE_MS, why: asAutopilotError(error).detail.slice(0, MAX_WHY) };
    await ledger.changeChannel((newest) => ({ next: { ...released(newest), failed } }));
    throw error;
  }
}

/** A message that Slack does not take as it is becomes a headline: it must not keep all others from being written. */
async function carryOutOrShorten(
  act: ChannelAct,
  group: Group,
  slack: SlackCalls,
  calls: AnnounceCalls,
): Promise<Posted | undefined> {
  const { stage, log } = calls;
  try {
    return await carryOut(act, groupMessage(group, { stage, threads: slack.updates }), slack, calls);
  } catch (error) {
    if (!(error instanceof SlackUnavailable) || !error.isContentRefused) throw error;
    log.warn(error.message, { code: error.code });
    return send(headlineMessage(group, stage), undefined, slack, calls);
  }
}

/** Returns where the message is; undefined where nothing can be done to it later. */
async function carryOut(
  act: ChannelAct,
  message: SlackMessage,
  slack: SlackCalls,
  calls: AnnounceCalls,
): Promise<Posted | undefined> {
  const alone = act.act === "join" && act.group.alone ? [act.group.alone] : [];
  const isWhole = act.act === "post" && act.news.length === 1;
  const details = isWhole || !slack.updates ? [] : detailMessages([...alone, ...act.news], calls.stage);
  const thread = slack.updates ? await threadOf(act, calls) : undefined;
  const before = act.act === "join" ? act.group.place : undefined;
  if (before) {
    const under = thread ?? before;
    // The details first: what the message itself no longer announces is in its thread then.
    const isDone = await unlessRefused(calls, async () => {
      for (const detail of details) await send(detail, under, slack, calls);
      await atSlacksPace(calls.pause, () => slack.updateMessage(before, message));
    });
    if (isDone) return before;
  }
  const place = await post(message, thread, slack, calls);
  for (const detail of details) await post(detail, thread ?? place, slack, calls);
  return place;
}

/** Somebody may have deleted the message of the thread: the channel gets it instead. */
async function post(
  message: SlackMessage,
  under: Posted | undefined,
  slack: SlackCalls,
  calls: AnnounceCalls,
): Promise<Posted | undefined> {
  let place: Posted | undefined;
  const inThread = async () => {
    place = await send(message, under, slack, calls);
  };
  if (under && (await unlessRefused(calls, inThread))) return place;
  return send(message, undefined, slack, calls);
}

/** False when Slack refuses: what was written to may be gone. */
async function unlessRefused({ log }: Pick<AnnounceCalls, "log">, write: () => Promise<void>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (!(error instanceof SlackUnavailable) || error.refusal === undefined) throw error;
    log.warn(error.message, { code: error.code });
    return false;
  }
}

async function send(
  message: SlackMessage,
  under: Posted | undefined,
  slack: SlackCalls,
  { pause }: Pick<AnnounceCalls, "pause">,
): Promise<Posted | undefined> {
  return whole(await atSlacksPace(pause, () => slack.postMessage(message, { under })));
}

function whole({ channel, ts }: Partial<Posted>): Posted | undefined {
  return channel === undefined || ts === undefined ? undefined : { channel, ts };
}

/** The thread of the rollout's message, where there is one. */
async function threadOf({ news }: ChannelAct, { ledger }: AnnounceCalls): Promise<Posted | undefined> {
  const rolloutId = news[0]?.rolloutId;
  const rollout = rolloutId === undefined ? undefined : await ledger.getRollout(rolloutId);
  return rollout && postedOf(rollout);
}
