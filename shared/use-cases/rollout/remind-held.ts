import { rolloutPaused } from "../../events/rollout-events.ts";
import type { Rollout } from "../../model/rollout.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { BusCalls } from "../../ports/ports.ts";
import { dueReminder } from "../../rollout/reminder.ts";

export interface RemindHeldCalls {
  readonly ledger: Pick<RolloutLedger, "changeRollout">;
  readonly bus: BusCalls;
  readonly now: () => number;
}

/** Reminds people, after an hour, then once a day, of every rollout that waits for one, and of how many others wait. */
export async function remindHeld(open: readonly Rollout[], { ledger, bus, now }: RemindHeldCalls): Promise<void> {
  for (const rollout of open) {
    const { id } = rollout;
    if (!dueReminder(rollout, now())) continue;
    // Claimed first, so that people are reminded once.
    const changed = await ledger.changeRollout(id, (current) => {
      const due = dueReminder(current, now());
      return due ? { next: { ...current, remindedAt: new Date(now()).toISOString() }, result: due } : {};
    });
    const reminder = changed?.result;
    if (!changed || !reminder) continue;
    const { why, hours } = reminder;
    await bus.putEvents([
      rolloutPaused(changed.stored, { why, untilMs: undefined, reminder: { hours, others: open.length - 1 } }),
    ]);
  }
}
