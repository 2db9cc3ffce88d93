import { rolloutPaused } from "../../events/rollout-events.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { BusCalls } from "../../ports/ports.ts";
import { dueReminder } from "../../rollout/reminder.ts";
import { openIds } from "./queue.ts";

export interface RemindHeldCalls {
  readonly ledger: Pick<RolloutLedger, "getFleet" | "getRollout" | "changeRollout">;
  readonly bus: BusCalls;
  readonly now: () => number;
}

/** Reminds people, once a day, of every rollout that waits for one of them, and of how many others wait. */
export async function remindHeld({ ledger, bus, now }: RemindHeldCalls): Promise<void> {
  const ids = openIds(await ledger.getFleet());
  for (const id of ids) {
    const rollout = await ledger.getRollout(id);
    if (!rollout || !dueReminder(rollout, now())) continue;
    // Claimed first, so that people are reminded once.
    const changed = await ledger.changeRollout(id, (current) => {
      const due = dueReminder(current, now());
      return due ? { next: { ...current, remindedAt: new Date(now()).toISOString() }, result: due } : {};
    });
    const reminder = changed?.result;
    if (!changed || !reminder) continue;
    const { why, days } = reminder;
    await bus.putEvents([
      rolloutPaused(changed.stored, { why, untilMs: undefined, reminder: { days, others: ids.length - 1 } }),
    ]);
  }
}
