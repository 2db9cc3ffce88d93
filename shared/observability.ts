import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import type { JsonObject } from "./json.ts";
import type { Log, Measure } from "./ports.ts";

/** CloudWatch namespace of every metric of the product. */
export const METRICS_NAMESPACE = "ZtunnelAutopilot";

export interface Instruments {
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** What a step of the product gets to tell what it does. */
export interface Tools {
  readonly log: Log & { appendKeys(keys: JsonObject): void };
  readonly measure: Measure;
}

/** Powertools' logger and metrics for one function; `functionName` is in every line and every metric. */
export function createInstruments(functionName: string): Instruments {
  return {
    logger: new Logger({ serviceName: functionName }),
    metrics: new Metrics({ namespace: METRICS_NAMESPACE, serviceName: functionName }),
  };
}

/** The instruments as the use cases know them. */
export function toolsOf({ logger, metrics }: Instruments): Tools {
  return {
    log: {
      info: (message, extra = {}) => logger.info(message, extra),
      warn: (message, extra = {}) => logger.warn(message, extra),
      error: (message, extra = {}) => logger.error(message, extra),
      appendKeys: (keys) => logger.appendKeys(keys),
    },
    measure: measureWith(metrics),
  };
}

/** A metric with dimensions of its own becomes an EMF line of its own, so that dimensions don't cross metrics. */
function measureWith(metrics: Metrics): Measure {
  const add = (
    metric: string,
    unit: (typeof MetricUnit)[keyof typeof MetricUnit],
    value: number,
    dimensions: Readonly<Record<string, string>>,
  ) => {
    const own = Object.keys(dimensions).length > 0;
    if (own) {
      if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
      metrics.addDimensions({ ...dimensions });
    }
    metrics.addMetric(metric, unit, value);
    if (own) metrics.publishStoredMetrics();
  };
  return {
    count: (metric, dimensions = {}, value = 1) => add(metric, MetricUnit.Count, value, dimensions),
    seconds: (metric, value, dimensions = {}) => add(metric, MetricUnit.Seconds, value, dimensions),
  };
}
