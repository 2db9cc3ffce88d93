import type { AlarmDefinition } from "../../stacks/observability/alarm-definitions.ts";

/** A value of a metric, and when it was measured, epoch milliseconds. */
export interface Datapoint {
  readonly atMs: number;
  readonly value: number;
}

export type AlarmState = "OK" | "ALARM" | "INSUFFICIENT_DATA";

/** What an alarm's state depends on, besides its metric. */
export type AlarmRule = Pick<
  AlarmDefinition,
  "statistic" | "periodSeconds" | "periods" | "datapoints" | "comparison" | "threshold" | "missingData"
>;

/**
 * The state of an alarm at `endMs`, by the periods that end then and before: a new state only where what is missing
 * does not leave it as it was.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 */
export function evaluate(
  rule: AlarmRule,
  points: readonly Datapoint[],
  { endMs, before }: { readonly endMs: number; readonly before: AlarmState },
): AlarmState {
  const periodMs = rule.periodSeconds * 1000;
  const known: boolean[] = [];
  for (let nth = 1; nth <= rule.periods; nth += 1) {
    const fromMs = endMs - nth * periodMs;
    const values = points.flatMap(({ atMs, value }) => (atMs >= fromMs && atMs < fromMs + periodMs ? [value] : []));
    if (values.length > 0) known.push(breaches(rule, statisticOf(rule, values)));
    else if (rule.missingData !== "ignore") known.push(rule.missingData === "breaching");
  }
  if (known.length === 0) return before;
  const needed = Math.min(rule.datapoints ?? rule.periods, known.length);
  return known.filter(Boolean).length >= needed ? "ALARM" : "OK";
}

function breaches({ comparison, threshold }: AlarmRule, value: number): boolean {
  return comparison === "GreaterThanThreshold" ? value > threshold : value < threshold;
}

function statisticOf({ statistic }: AlarmRule, values: readonly number[]): number {
  switch (statistic) {
    case "Sum":
      return values.reduce((sum, value) => sum + value, 0);
    case "Maximum":
      return Math.max(...values);
    case "Minimum":
      return Math.min(...values);
    case "SampleCount":
      return values.length;
  }
}
