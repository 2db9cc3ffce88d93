import type { UnreadableItem } from "../../ports/ledger.ts";
import { readOpen } from "./keep-open.ts";
import { type Reported, reportRollout } from "./report.ts";
import type { ReportCalls } from "./report-calls.ts";
import { waitsForTurn } from "./report-claim.ts";

/** How many services of a rollout are read in a minute at most: the bar of a large rollout moves more slowly. */
const SERVICES_PER_MINUTE = 2000;
/** Finding the rollouts that have ended reads the whole table. */
const ENDED_EVERY_MINUTES = 15;
const ENDED_WITHIN_MS = 60 * 60_000;
const MINUTE_MS = 60_000;

/**
 * Every minute: brings the messages of the rollout under way, and of those that have to wait for their turn after they
 * had begun, up to date, and every quarter of an hour the messages of
 * rollouts that ended within the last hour, as after Slack was down. Returns what was done, by rollout.
 */
export async function reportOpenRollouts(calls: ReportCalls): Promise<Readonly<Record<string, Reported>>> {
  const did: Record<string, Reported> = {};
  for (const id of await dueRollouts(calls)) did[id] = await reportRollout(id, calls);
  return did;
}

async function dueRollouts({ ledger, log, now }: ReportCalls): Promise<ReadonlySet<string>> {
  const minute = Math.floor(now() / MINUTE_MS);
  const { currentRolloutId } = await ledger.getFleet();
  const ids = new Set<string>();
  for (const rollout of await readOpen({ ledger, log })) {
    const isShown = rollout.id === currentRolloutId || waitsForTurn(rollout);
    const isItsMinute = minute % Math.max(1, Math.ceil(rollout.serviceCount / SERVICES_PER_MINUTE)) === 0;
    if (isShown && isItsMinute) ids.add(rollout.id);
  }
  if (minute % ENDED_EVERY_MINUTES !== 0) return ids;
  const leaveOut = ({ pk, why }: UnreadableItem) =>
    log.error(`not reported: ${pk}`, { code: "ledger-item-unreadable", why });
  for await (const { id, finishedAt } of ledger.listRollouts(leaveOut)) {
    if (finishedAt !== undefined && Date.parse(finishedAt) > now() - ENDED_WITHIN_MS) ids.add(id);
  }
  return ids;
}
