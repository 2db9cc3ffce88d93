import { rollbackPostponed } from "../../events/rollout-events.ts";
import type { Rollout } from "../../model/rollout.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { BusCalls } from "../../ports/ports.ts";
import { endWithoutTurn } from "../../rollout/next-step.ts";

export interface NotifyPostponedCalls {
  readonly ledger: Pick<RolloutLedger, "changeRollout">;
  readonly bus: BusCalls;
  readonly now: () => number;
}

/** Longer than it takes to emit an event and to record it. */
const NOTIFY_MS = 60_000;

/**
 * Notifies people, once, of every rollback that waits for its turn, and of the rollout that has it: `currentId`. What a
 * crash keeps from being emitted is claimed again a minute later.
 */
export async function notifyPostponed(
  open: readonly Rollout[],
  currentId: string | undefined,
  { ledger, bus, now }: NotifyPostponedCalls,
): Promise<void> {
  const current = open.find(({ id }) => id === currentId);
  if (!current) return;
  for (const { id } of open.filter((one) => one.id !== currentId && dueAt(one, now()) !== undefined)) {
    const claimed = await ledger.changeRollout(id, (rollout) => {
      const at = dueAt(rollout, now());
      if (at === undefined) return {};
      return { next: { ...rollout, postponed: { at, notifyUntilMs: now() + NOTIFY_MS } }, result: at };
    });
    const at = claimed?.result;
    if (!claimed || at === undefined) continue;
    await bus.putEvents([rollbackPostponed(claimed.stored, current)]);
    await ledger.changeRollout(id, (rollout) =>
      rollout.postponed?.at === at ? { next: { ...rollout, postponed: { at } } } : {},
    );
  }
}

/** The time of the request to roll it back, of which people are to be notified. */
function dueAt(rollout: Rollout, nowMs: number): string | undefined {
  const { control, postponed } = rollout;
  if (control?.action !== "rollback" || endWithoutTurn(rollout) !== undefined) return undefined;
  if (postponed?.at !== control.at) return control.at;
  return (postponed.notifyUntilMs ?? Number.POSITIVE_INFINITY) <= nowMs ? control.at : undefined;
}
