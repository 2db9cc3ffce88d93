import { METRICS_NAMESPACE, type MetricName, metrics } from "../../shared/base/metrics.ts";
import { type AutopilotDeployment, homeBusName } from "../definitions/deployment.ts";

/** A widget of a dashboard, in its grid of 24 columns. */
export interface Widget {
  readonly type: "text" | "metric" | "alarm";
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** A widget before it has its place; a row is 24 columns wide. */
export type Placed = Omit<Widget, "x" | "y" | "height">;
export interface Row {
  readonly height: number;
  readonly widgets: readonly Placed[];
}

/** A line of a chart: namespace, metric, dimensions and their values, options; or an expression. */
export type Line = readonly unknown[];
interface Chart {
  readonly title: string;
  readonly width: number;
  readonly lines: readonly Line[];
  readonly view?: "timeSeries" | "singleValue";
  readonly stacked?: boolean;
  readonly periodSeconds?: number;
  /** How the left axis is called. */
  readonly label?: string;
  readonly threshold?: { readonly label: string; readonly value: number };
}

/** The chart as a widget of the home region. */
export function chart({ home }: AutopilotDeployment, given: Chart): Placed {
  const { title, width, lines, view = "timeSeries", stacked = false, periodSeconds = 300, label, threshold } = given;
  const left = label === undefined ? { min: 0 } : { min: 0, label };
  return {
    type: "metric",
    width,
    properties: {
      title,
      view,
      region: home.region,
      period: periodSeconds,
      metrics: lines,
      ...(view === "timeSeries" && { stacked, yAxis: { left, right: { min: 0 } } }),
      ...(threshold && { annotations: { horizontal: [threshold] } }),
    },
  };
}

/** A metric of ours at these values of its own dimensions. */
export function line(
  deployment: AutopilotDeployment,
  metric: MetricName,
  dimensions: Readonly<Record<string, string>>,
  options: Readonly<Record<string, unknown>>,
): Line {
  const pairs = Object.entries({ service: homeBusName(deployment), ...dimensions }).flat();
  return [METRICS_NAMESPACE, metric, ...pairs, options];
}

/** Lines of metrics without dimensions of their own: the latest value, or the sum of a period's values. */
export function linesOf(deployment: AutopilotDeployment) {
  const of =
    (stat: string) =>
    (metric: MetricName, label: string, options: Readonly<Record<string, unknown>> = {}) =>
      line(deployment, metric, {}, { stat, label, ...options });
  return { last: of("Maximum"), sum: of("Sum") };
}

/**
 * A line for each value of the metric's own dimension that was ever measured.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
 */
export function by(deployment: AutopilotDeployment, metric: MetricName, stat: string, periodSeconds: number): Line {
  const [dimension = ""] = metrics[metric].dimensions;
  const schema = `{${METRICS_NAMESPACE},service,${dimension}}`;
  const search = `${schema} MetricName="${metric}" service="${homeBusName(deployment)}"`;
  return [
    {
      expression: `SEARCH('${search}', '${stat}', ${periodSeconds})`,
      id: `by${metric}`,
      label: `\${PROP('Dim.${dimension}')}`,
    },
  ];
}
