import { sha256 } from "../../base/json.ts";
import type { Rollout } from "../../model/rollout.ts";
import { resolvedPolicy } from "../../rollout/pace.ts";
import { etaMs, progressOf } from "../../rollout/progress.ts";
import { atSlacksPace, postedOf, type SlackCalls, SlackUnavailable } from "../../slack/calls.ts";
import type { SlackMessage } from "../../slack/layout.ts";
import { rolloutMessage } from "../../slack/rollout-message.ts";
import { type ReportCalls, recordUnavailable } from "./report-calls.ts";
import { claimMessage, waitsForTurn } from "./report-claim.ts";

/**
 * `claimed`: another run is writing the message. `unavailable`: Slack did not take it, the next run tries again.
 * `none`: the rollout is not reported.
 */
export type Reported = "posted" | "updated" | "unchanged" | "claimed" | "unavailable" | "none";

/**
 * The result of writing the message, and what is known of the message afterwards. `lost`: it is no longer there to be
 * updated.
 */
interface Written {
  readonly did: "posted" | "updated" | "unchanged" | "unavailable" | "lost";
  readonly state: NonNullable<Rollout["slack"]>;
}

/** A rollout that goes on while its message is written is reported again at once, but not endlessly. */
const ROUNDS = 3;

/**
 * Brings the rollout's one message up to date: posts it when there is none, else updates it when it has something new
 * to say. A run claims the message before it writes, so that two runs neither post it twice nor put an older state over
 * a newer one. Safe to run at any time and any number of times. Slack's failures are logged and counted, not thrown.
 * Only a run that dies between posting the message and recording where it is makes the next run post it again.
 */
export async function reportRollout(rolloutId: string, calls: ReportCalls): Promise<Reported> {
  const slack = await calls.slack();
  for (let round = 1; ; round += 1) {
    const claimed = await claimMessage(rolloutId, slack.updates, calls);
    if (typeof claimed === "string") return claimed;
    const { did, state } = await write(claimed, slack, calls);
    const after = await calls.ledger.changeRollout(rolloutId, (rollout) => ({ next: { ...rollout, slack: state } }));
    switch (did) {
      case "unavailable":
        return did;
      case "lost":
        if (round >= ROUNDS) return "unavailable";
        break;
      default:
        // A run that came with a newer status meanwhile found the message claimed, and left it to this run.
        if (after?.stored.status === claimed.status || round >= ROUNDS) return did;
    }
  }
}

async function write(rollout: Rollout, slack: SlackCalls, calls: ReportCalls): Promise<Written> {
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
    recordUnavailable(error, rollout.id, calls);
    if (!error.isLost) return { did: "unavailable", state: before };
    const { channel: __, ts: ___, shown: ____, ...elsewhere } = before;
    return { did: "lost", state: elsewhere };
  }
}

async function messageOf(rollout: Rollout, { config, ledger, now, stage }: ReportCalls): Promise<SlackMessage> {
  const progress = progressOf(rollout, await Array.fromAsync(ledger.listRolloutServices(rollout.id)));
  const nowMs = now();
  const leftMs = etaMs(progress, resolvedPolicy(rollout, config.policy.rollout), nowMs);
  const ahead = waitsForTurn(rollout) ? await aheadOf(rollout, ledger) : undefined;
  return rolloutMessage(rollout, progress, nowMs, { leftMs, stage, ahead });
}

/** The rollout that has the turn for which this one waits; undefined where it has its turn. */
async function aheadOf({ id }: Rollout, ledger: ReportCalls["ledger"]): Promise<Rollout | undefined> {
  const { currentRolloutId } = await ledger.getFleet();
  return currentRolloutId === undefined || currentRolloutId === id ? undefined : ledger.getRollout(currentRolloutId);
}
