import type { Config } from "../../config/config.ts";
import { fleetContested } from "../../events/mesh-events.ts";
import type { Rollout } from "../../model/rollout.ts";
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

/** What is read: its key among the sightings, and what people call it. */
export interface Subject {
  readonly key: string;
  readonly of: "image" | "settings" | "mesh-facts";
  readonly controlPlane?: string;
}

/**
 * Records what the fleet should have by now, and returns how that stands. While two writers change it in turns, the
 * autopilot's own rollouts of it stop, and people are notified of both values, once.
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
    const isNew = standing === "contested" && after.contestedSince === undefined;
    const isSame = before?.value === after.value && !isNew;
    const next = {
      ...fleet,
      sightings: { ...fleet.sightings, [key]: { ...after, ...(isNew && { contestedSince: since }) } },
    };
    return { ...(!isSame && { next }), result: { standing, isNew } };
  });
  const { standing = "settled", isNew = false } = result ?? {};
  if (standing !== "contested") return standing;
  const { shown = "", shownBefore, changedAtMs = [] } = stored.sightings?.[key] ?? {};
  const values = shownBefore === undefined ? [shown] : [shownBefore, shown];
  for (const { id } of rollouts) await stop(id, `Two writers change it in turns: ${values.join(" and ")}.`, calls);
  if (isNew) await bus.putEvents([fleetContested({ ...subject, values, changes: changedAtMs.length })]);
  return standing;
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
