import type { EventBridge } from "@ztunnel-autopilot/simulator";

/** The refusals that were reported twice, in words. */
export interface RefusalReports {
  readonly broken: readonly string[];
}

/** An alternation by people takes longer than this; two reads of one change don't. */
const TOGETHER_MS = 30_000;

/**
 * Watches what is reported of refused services: one refusal is reported once. To be judged in runs without faults and
 * duplicated events alone: after a crash, "at least once" is what AWS gives.
 */
export function watchedRefusals({
  eventBridge,
}: {
  readonly eventBridge: Pick<EventBridge, "onEvent">;
}): RefusalReports {
  const reports: { readonly serviceArn: string; readonly text: string; readonly atMs: number }[] = [];
  const broken: string[] = [];
  eventBridge.onEvent((event, atMs) => {
    if (event.source !== "ztunnel-autopilot" || event["detail-type"] !== "Service Refused") return;
    const { serviceArn, refusals, known } = event.detail;
    if (known || typeof serviceArn !== "string") return;
    const text = JSON.stringify(refusals);
    const recent = reports.filter((one) => one.serviceArn === serviceArn && atMs - one.atMs < TOGETHER_MS);
    if (recent.some((one) => one.text === text)) broken.push(`reported twice: ${serviceArn} ${text}`);
    reports.push({ serviceArn, text, atMs });
  });
  return { broken };
}
