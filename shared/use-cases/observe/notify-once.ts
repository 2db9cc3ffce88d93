import type { ServiceRef } from "../../base/arn.ts";
import type { Ledger, Notice } from "../../ports/ledger.ts";
import type { BusCalls, BusEvent } from "../../ports/ports.ts";

export interface NoticeCalls {
  readonly ledger: Pick<Ledger, "claimNotice">;
  readonly bus: BusCalls;
  readonly now: () => number;
}

/** Longer than it takes to emit an event and to record it. */
const NOTICE_MS = 60_000;

/** True if the caller is to notify people of it: nobody has, or is about to. */
export function claimNotice(
  { serviceArn }: Pick<ServiceRef, "serviceArn">,
  notice: Pick<Notice, "member" | "text" | "by">,
  { ledger, now }: Pick<NoticeCalls, "ledger" | "now">,
): Promise<boolean> {
  return ledger.claimNotice(serviceArn, { ...notice, untilMs: now() + NOTICE_MS }, now());
}

/**
 * Emits the event unless somebody else has, or is about to: reconciles of one service overlap. The caller records the
 * text in the notice's member afterwards; what a crash keeps from being emitted is claimed again a minute later. True
 * if it was emitted.
 */
export async function notifyOnce(
  ref: ServiceRef,
  notice: Pick<Notice, "member" | "text" | "by">,
  event: BusEvent,
  calls: NoticeCalls,
): Promise<boolean> {
  const claimed = await claimNotice(ref, notice, calls);
  if (claimed) await calls.bus.putEvents([event]);
  return claimed;
}
