import type { FleetState } from "../../model/rollout.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { BusCalls, BusEvent } from "../../ports/ports.ts";

export interface NotifyRefusalCalls {
  readonly ledger: Pick<RolloutLedger, "changeFleet">;
  readonly bus: BusCalls;
  readonly now: () => number;
}

/** Longer than it takes to emit an event, and shorter than Lambda waits before it tries an event again. */
const NOTIFY_MS = 30_000;
const MAX_REFUSALS = 20;

/**
 * Notifies people that the request which this event brought was refused, once: the event may be delivered twice, also
 * at once. What a crash keeps from being emitted is emitted by the next try.
 */
export async function notifyRefusal(eventId: string, refused: BusEvent, calls: NotifyRefusalCalls): Promise<void> {
  const { ledger, bus, now } = calls;
  const claim = { eventId, untilMs: now() + NOTIFY_MS };
  try {
    const { result } = await ledger.changeFleet((fleet) => {
      const known = fleet.refusals?.find((one) => one.eventId === eventId);
      if (known && (known.untilMs === undefined || known.untilMs > now())) return {};
      return { next: withRefusal(fleet, claim), result: true };
    });
    if (!result) return;
    await bus.putEvents([refused]);
    await ledger.changeFleet((fleet) => ({ next: withRefusal(fleet, { eventId }) }));
  } catch (error) {
    // Lambda tries the event again, which must not find it claimed.
    await ledger.changeFleet((fleet) => {
      const isClaimed = fleet.refusals?.some((one) => one.eventId === eventId && one.untilMs === claim.untilMs);
      return isClaimed ? { next: { ...fleet, refusals: others(fleet, eventId) } } : {};
    });
    throw error;
  }
}

type Refusal = NonNullable<FleetState["refusals"]>[number];

function withRefusal(fleet: FleetState, refusal: Refusal): FleetState {
  return { ...fleet, refusals: [...others(fleet, refusal.eventId), refusal].slice(-MAX_REFUSALS) };
}

function others({ refusals = [] }: FleetState, eventId: string): Refusal[] {
  return refusals.filter((one) => one.eventId !== eventId);
}
