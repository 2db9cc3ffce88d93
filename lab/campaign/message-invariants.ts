import type { CampaignResult } from "./campaign-result.ts";

/** An alternation by people takes longer than this; two reads of one change don't. */
const TOGETHER_MS = 30_000;

/**
 * One refusal is reported once. Judged in runs without faults and duplicated events alone: after a crash, "at least
 * once" is what AWS gives.
 */
export function messageViolations({ lab, isCalm }: CampaignResult): readonly string[] {
  if (!isCalm) return [];
  const reported = new Map<string, number>();
  const broken: string[] = [];
  for (const { text, ts } of lab.slack.messages()) {
    const postedAtMs = Number(ts) * 1000;
    if (!/can't join/.test(text)) continue;
    const earlier = reported.get(text);
    if (earlier !== undefined && postedAtMs - earlier < TOGETHER_MS)
      broken.push(`reported twice: ${text.split("\n")[0]}`);
    reported.set(text, postedAtMs);
  }
  return broken;
}
