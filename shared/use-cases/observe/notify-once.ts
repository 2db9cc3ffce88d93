import type { ServiceRef } from "../../base/arn.ts";
import type { Ledger, Notice } from "../../ports/ledger.ts";
import type { BusCalls, BusEvent } from "../../ports/ports.ts";

export interface NoticeCalls {
  readonly ledger: Pick<Ledger, "claimNotice" | "recordNotice">;
  readonly bus: BusCalls;
  readonly now: () => number;
}

/** What to notify people of, and the member's text when that was decided. */
export type NewNotice = Omit<Notice, "untilMs">;

/** Longer than it takes to emit an event and to record it. */
const NOTICE_MS = 60_000;

/** True if the caller is to notify people of it: nobody has, or is about to. */
export function claimNotice(
  { serviceArn }: Pick<ServiceRef, "serviceArn">,
  notice: NewNotice,
  { ledger, now }: Pick<NoticeCalls, "now"> & { readonly ledger: Pick<Ledger, "claimNotice"> },
): Promise<boolean> {
  return ledger.claimNotice(serviceArn, { ...notice, untilMs: now() + NOTICE_MS }, now());
}

/**
 * Emits the event and records the text, unless somebody else has, or is about to: reconciles of one service overlap.
 * What a crash keeps from being emitted is claimed again a minute later.
 */
export async function notifyOnce(
  ref: ServiceRef,
  notice: NewNotice,
  event: BusEvent,
  calls: NoticeCalls,
): Promise<void> {
  if (!(await claimNotice(ref, notice, calls))) return;
  await calls.bus.putEvents([event]);
  await calls.ledger.recordNotice(ref.serviceArn, notice);
}
