import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics } from "@aws-lambda-powertools/metrics";
import type { JsonObject } from "../shared/base/json.ts";
import { METRICS_NAMESPACE, type MetricDimensions, type MetricName, metrics } from "../shared/base/metrics.ts";
import type { Log, Measure } from "../shared/ports/ports.ts";

export interface Instruments {
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Where a step of the product writes logs and metrics. */
export interface Tools {
  readonly log: Log & { appendKeys(keys: JsonObject): void };
  readonly measure: Measure;
}

/**
 * Powertools' logger and metrics for one function: its name is in every line. `deployment`, as the home bus is called,
 * is in every metric: stages that share an account have metrics of their own.
 */
export function createInstruments(functionName: string, deployment: string): Instruments {
  return {
    logger: new Logger({ serviceName: functionName }),
    metrics: new Metrics({ namespace: METRICS_NAMESPACE, serviceName: deployment }),
  };
}

/** The instruments as the use cases know them. */
export function toolsOf({ logger, metrics: emf }: Instruments): Tools {
  return {
    log: {
      info: (message, extra = {}) => logger.info(message, extra),
      warn: (message, extra = {}) => logger.warn(message, extra),
      error: (message, extra = {}) => logger.error(message, extra),
      appendKeys: (keys) => logger.appendKeys(keys),
    },
    measure: measureWith(emf),
  };
}

/** A metric with dimensions of its own becomes an EMF line of its own, so that dimensions don't cross metrics. */
function measureWith(emf: Metrics): Measure {
  const record = <M extends MetricName>(metric: M, value: number, dimensions: MetricDimensions<M>) => {
    const own = Object.keys(dimensions).length > 0;
    if (own) {
      if (emf.hasStoredMetrics()) emf.publishStoredMetrics();
      emf.addDimensions({ ...dimensions });
    }
    emf.addMetric(metric, metrics[metric].unit, value);
    if (own) emf.publishStoredMetrics();
  };
  return { count: (metric, dimensions) => record(metric, 1, dimensions), record };
}
