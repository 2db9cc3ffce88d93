import { sha256 } from "../../base/json.ts";
import type { Config } from "../../config/config.ts";
import { endedStatuses, type Rollout } from "../../model/rollout.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { Log, Measure } from "../../ports/ports.ts";
import { resolvedPolicy } from "../../rollout/pace.ts";
import { etaMs, progressOf } from "../../rollout/progress.ts";
import { atSlacksPace, type Posted, type SlackCalls, SlackUnavailable } from "../../slack/calls.ts";
import { layOut, type SlackMessage } from "../../slack/layout.ts";
import { rolloutMessage } from "../../slack/rollout-message.ts";
import { type RolloutEvent, rolloutStory } from "../../slack/rollout-stories.ts";

export interface ReportCalls {
  readonly config: Pick<Config, "policy">;
  readonly ledger: Pick<
    RolloutLedger,
    "getFleet" | "getRollout" | "changeRollout" | "listRollouts" | "listRolloutServices"
  >;
  /** The operations channel. */
  readonly slack: () => Promise<SlackCalls>;
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
  readonly log: Pick<Log, "info" | "warn">;
  readonly measure: Pick<Measure, "count">;
}

/**
 * `claimed`: somebody else is at it. `unavailable`: Slack did not take it, the next run tries again. `none`: nothing is to
 * be told of this rollout.
 */
export type Reported = "posted" | "updated" | "unchanged" | "claimed" | "unavailable" | "none";

type SlackState = NonNullable<Rollout["slack"]>;

/** As long as the function may take, which waits for Slack. */
const CLAIM_MS = 60_000;
/** A rollout that goes on while its message is written is told again at once, but not for ever. */
const ROUNDS = 3;
/** How many services of a rollout are read in a minute at most, so that a large one's bar moves more slowly. */
const SERVICES_PER_MINUTE = 2000;
/** Looking for rollouts that have ended reads the whole table. */
const LOOK_BACK_EVERY_MINUTES = 15;
const LOOK_BACK_MS = 60 * 60_000;
const MINUTE_MS = 60_000;
const MAX_TOLD = 200;

/**
 * Brings the rollout's one message up to date: posts it when there is none, else updates it when it says something else
 * by now. Whoever writes claims it first, so that two runs neither post it twice nor put older over newer. Safe to run at
 * any time, in any order, as often as one likes. Slack's failures are logged and counted, not thrown. Only a run that
 * dies between posting and noting where the message is makes the next one post it again.
 */
export async function reportRollout(rolloutId: string, calls: ReportCalls): Promise<Reported> {
  const slack = await calls.slack();
  for (let round = 1; ; round += 1) {
    const claimed = await claim(rolloutId, slack, calls);
    if (typeof claimed === "string") return claimed;
    const { did, state } = await tell(claimed, slack, calls);
    const after = await calls.ledger.changeRollout(rolloutId, (current) => ({ ...current, slack: state }));
    if (did === "unavailable") return did;
    // Who came with a newer status meanwhile found the claim held, and left it to this run.
    if (did !== "lost" && (after?.status === claimed.status || round >= ROUNDS)) return did;
    if (round >= ROUNDS) return "unavailable";
  }
}

/**
 * Tells an event in the thread of the rollout's message, once: `eventId` names it. True when it was told; false when
 * there is no such message, when it was told before, and when Slack did not take it, which is logged and counted.
 */
export async function reportDetail(event: RolloutEvent, eventId: string, calls: ReportCalls): Promise<boolean> {
  const key = detailKey(event, eventId);
  const slack = await calls.slack();
  if (key === undefined || !slack.updates) return false;
  let under: Posted | undefined;
  await calls.ledger.changeRollout(event.detail.rolloutId, (rollout) => {
    const told = rollout.slack?.notified ?? [];
    under = told.includes(key) ? undefined : postedOf(rollout);
    return under && { ...rollout, slack: { ...rollout.slack, notified: [...told, key].slice(-MAX_TOLD) } };
  });
  if (!under) return false;
  try {
    await atSlacksPace(calls.pause, () => slack.postMessage(layOut(rolloutStory(event)), { under }));
    return true;
  } catch (error) {
    if (!(error instanceof SlackUnavailable)) throw error;
    note(error, event.detail.rolloutId, calls);
    return false;
  }
}

/**
 * Every minute: brings the message of the rollout under way up to date, and now and then those of rollouts that ended
 * within the last hour and whose message does not say so, as after Slack was down. Returns what was done, by rollout.
 */
export async function reportOpenRollouts(calls: ReportCalls): Promise<Readonly<Record<string, Reported>>> {
  const did: Record<string, Reported> = {};
  for (const id of await due(calls)) did[id] = await reportRollout(id, calls);
  return did;
}

/** Where the rollout's message is, if it has one under which others can be told. */
export function postedOf({ slack }: Pick<Rollout, "slack">): Posted | undefined {
  if (slack?.channel === undefined || slack.ts === undefined) return undefined;
  return { channel: slack.channel, ts: slack.ts };
}

/** Nothing is told of a rollout that waits, was refused (that is an event of its own) or found nothing to do. */
function isTold({ slack, startedAt, serviceCount: services, status }: Rollout): boolean {
  return slack?.shown !== undefined || status === "failed" || (startedAt !== undefined && services > 0);
}

/** An ended one is done once its message tells the end; a webhook's message is never updated. */
function mayLag({ slack, status }: Rollout, updates: boolean): boolean {
  if (endedStatuses.includes(status)) return slack?.shown?.startsWith(`${status}:`) !== true;
  return updates || slack?.shown === undefined;
}

async function claim(
  rolloutId: string,
  slack: SlackCalls,
  { ledger, now }: ReportCalls,
): Promise<Rollout | "none" | "unchanged" | "claimed"> {
  let refused: "none" | "unchanged" | "claimed" | undefined;
  const rollout = await ledger.changeRollout(rolloutId, (current) => {
    refused = undefined;
    if (!isTold(current)) refused = "none";
    else if (!mayLag(current, slack.updates)) refused = "unchanged";
    else if ((current.slack?.claimedUntilMs ?? 0) > now()) refused = "claimed";
    return refused ? undefined : { ...current, slack: { ...current.slack, claimedUntilMs: now() + CLAIM_MS } };
  });
  return refused ?? rollout ?? "none";
}

async function tell(
  rollout: Rollout,
  slack: SlackCalls,
  calls: ReportCalls,
): Promise<{ readonly did: Reported | "lost"; readonly state: SlackState }> {
  const { claimedUntilMs: _, ...before } = rollout.slack ?? {};
  const message = await messageOf(rollout, calls);
  const shown = `${rollout.status}:${sha256(JSON.stringify(message)).slice(0, 16)}`;
  if (before.shown === shown) return { did: "unchanged", state: before };
  const posted = slack.updates ? postedOf(rollout) : undefined;
  try {
    if (posted) {
      await atSlacksPace(calls.pause, () => slack.updateMessage(posted, message));
      return { did: "updated", state: { ...before, shown } };
    }
    const place = await atSlacksPace(calls.pause, () => slack.postMessage(message));
    return { did: "posted", state: { ...before, ...place, shown } };
  } catch (error) {
    if (!(error instanceof SlackUnavailable)) throw error;
    note(error, rollout.id, calls);
    if (!error.isLost) return { did: "unavailable", state: before };
    return { did: "lost", state: { notified: before.notified ?? [] } };
  }
}

async function messageOf(rollout: Rollout, { config, ledger, now }: ReportCalls): Promise<SlackMessage> {
  const progress = progressOf(rollout, await Array.fromAsync(ledger.listRolloutServices(rollout.id)));
  const nowMs = now();
  const leftMs = etaMs(progress, resolvedPolicy(rollout, config.policy.rollout), nowMs);
  return rolloutMessage(rollout, progress, nowMs, leftMs);
}

function note({ code, message }: SlackUnavailable, rolloutId: string, { log, measure }: ReportCalls): void {
  log.warn(message, { code, rolloutId });
  measure.count("Failures", { code });
}

/** A step that is run again emits its event again: what it tells names it, where that comes only once. */
function detailKey({ detailType, detail }: RolloutEvent, eventId: string): string | undefined {
  switch (detailType) {
    case "Rollout Wave Completed":
      return `wave-${detail.number}`;
    case "Rollout Completed":
      return detail.outcome;
    case "Rollout Rolled Back":
      return "rolled-back";
    case "Rollout Paused":
      return eventId;
    default:
      return undefined;
  }
}

async function due({ ledger, now }: ReportCalls): Promise<readonly string[]> {
  const minute = Math.floor(now() / MINUTE_MS);
  const { currentRolloutId: running } = await ledger.getFleet();
  const ids = new Set<string>();
  if (running !== undefined) {
    const services = (await ledger.getRollout(running))?.serviceCount ?? 0;
    if (minute % Math.max(1, Math.ceil(services / SERVICES_PER_MINUTE)) === 0) ids.add(running);
  }
  if (minute % LOOK_BACK_EVERY_MINUTES !== 0) return [...ids];
  for await (const { id, finishedAt } of ledger.listRollouts()) {
    if (finishedAt !== undefined && Date.parse(finishedAt) > now() - LOOK_BACK_MS) ids.add(id);
  }
  return [...ids];
}
