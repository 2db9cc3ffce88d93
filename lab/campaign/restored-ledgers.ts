import type { EventBridge } from "@ztunnel-autopilot/simulator";

/** Watches for a ledger that is taken for emptied or restored: in the campaign, nobody restores it. */
export function watchedLedger({ eventBridge }: { readonly eventBridge: Pick<EventBridge, "onEvent"> }): {
  readonly broken: readonly string[];
} {
  const broken: string[] = [];
  eventBridge.onEvent((event) => {
    if (event.source !== "ztunnel-autopilot" || event["detail-type"] !== "Ledger Restored") return;
    broken.push(`the ledger was taken for restored: ${JSON.stringify(event.detail)}`);
  });
  return { broken };
}
