import type { Config } from "../../config/config.ts";
import { fleetContested } from "../../events/mesh-events.ts";
import type { FleetSighting, FleetState, Rollout } from "../../model/rollout.ts";
import type { BusCalls } from "../../ports/ports.ts";
import { afterSighting, type SeenValue, type Standing, standingOf } from "../../rollout/contested.ts";
import { afterContest } from "../../rollout/wish.ts";
import { tokensOf, waits, wake } from "./hold-rollout.ts";
import { hasEnded, leaveQueue } from "./queue.ts";
import type { WithdrawCalls } from "./withdraw.ts";

export interface SightingCalls extends WithdrawCalls {
  readonly config: Pick<Config, "policy">;
  readonly bus: BusCalls;
}

/** How long a run may take to notify people, after which another one does. */
const NOTIFY_MS = 60_000;

/** What is read: its key among the sightings, and what people call it. */
export interface Subject {
  readonly key: string;
  readonly of: "image" | "settings" | "mesh-facts";
  readonly controlPlane?: string;
}

/**
 * Records what the fleet should have by now, and returns how that stands. While two writers change it in turns, the
 * autopilot's own rollouts of it stop, and people are notified of both values, once: a later run does so if this one
 * crashes before.
 */
export async function sight(
  { key, ...subject }: Subject,
  seen: SeenValue,
  rollouts: readonly Rollout[],
  calls: SightingCalls,
): Promise<Standing> {
  const { ledger, config, bus, now } = calls;
  const since = new Date(now()).toISOString();
  const { stored, result } = await ledger.changeFleet((fleet) => {
    const before = fleet.sightings?.[key];
    const after = afterSighting(before, seen, now());
    const standing = standingOf(after, config.policy.maxChangesPerHour);
    const notifies = standing === "contested" && isUnnoticed(after, now());
    const isSame = before?.value === after.value && !notifies;
    const claim = { contestedSince: after.contestedSince ?? since, notifyUntilMs: now() + NOTIFY_MS };
    const next = { ...fleet, sightings: { ...fleet.sightings, [key]: { ...after, ...(notifies && claim) } } };
    return { ...(!isSame && { next }), result: { standing, notifies } };
  });
  const { standing = "settled", notifies = false } = result ?? {};
  if (standing !== "contested") return standing;
  const { shown = "", shownBefore, changedAtMs = [] } = stored.sightings?.[key] ?? {};
  const values = shownBefore === undefined ? [shown] : [shownBefore, shown];
  for (const { id } of rollouts) await stop(id, `Two writers change it in turns: ${values.join(" and ")}.`, calls);
  if (!notifies) return standing;
  await bus.putEvents([fleetContested({ ...subject, values, changes: changedAtMs.length })]);
  await ledger.changeFleet((fleet) => {
    const next = withNotified(fleet, key);
    return next ? { next } : {};
  });
  return standing;
}

/** Nobody has been notified of the contest, and nobody is about to be. */
function isUnnoticed({ contestedSince, notifyUntilMs }: FleetSighting, nowMs: number): boolean {
  return contestedSince === undefined || (notifyUntilMs !== undefined && notifyUntilMs <= nowMs);
}

function withNotified(fleet: FleetState, key: string): FleetState | undefined {
  const sighting = fleet.sightings?.[key];
  if (sighting?.notifyUntilMs === undefined) return undefined;
  const { notifyUntilMs: _, ...notified } = sighting;
  return { ...fleet, sightings: { ...fleet.sightings, [key]: notified } };
}

async function stop(id: string, why: string, calls: WithdrawCalls): Promise<void> {
  const hasTurn = (await calls.ledger.getFleet()).currentRolloutId === id;
  const change = { why, at: new Date(calls.now()).toISOString(), hasTurn };
  const changed = await calls.ledger.changeRollout(id, (rollout) => {
    const next = afterContest(rollout, change);
    return next ? { next, result: waits(next) ? [] : tokensOf(rollout) } : {};
  });
  await wake(changed?.result ?? [], calls.fleetExecutions);
  if (!changed || hasEnded(changed.stored)) await leaveQueue(id, calls);
}
