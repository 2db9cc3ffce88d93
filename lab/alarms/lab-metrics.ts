import * as z from "zod";
import { homeBusArn, resourceName, stateMachineArn } from "../../stacks/definitions/deployment.ts";
import type { AlarmDefinition } from "../../stacks/observability/alarm-definitions.ts";
import type { Datapoint } from "../autopilot/evaluate-alarm.ts";
import type { Lab } from "../autopilot/lab.ts";
import { labDeployment } from "../autopilot/roles.ts";

type Metric = Pick<AlarmDefinition, "namespace" | "metricName" | "dimensions">;

/**
 * What CloudWatch makes a metric of:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
const emfSchema = z.looseObject({
  _aws: z.object({
    CloudWatchMetrics: z.array(
      z.object({
        Namespace: z.string(),
        Dimensions: z.array(z.array(z.string())),
        Metrics: z.array(z.object({ Name: z.string() })),
      }),
    ),
  }),
});
const valuesSchema = z.union([z.number().transform((value) => [value]), z.array(z.number())]);

/** The metrics of a lab: its functions' own by the lines that they wrote, and AWS's as the simulator shows them. */
export class LabMetrics {
  readonly #lab: Lab;
  readonly #points = new Map<string, Datapoint[]>();
  readonly #read = { logs: 0, failures: 0, events: 0, lost: 0 };
  readonly #failedExecutions = new Set<string>();
  readonly #throttles = new Map<string, number>();

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  pointsOf(metric: Metric): readonly Datapoint[] {
    return this.#points.get(keyOf(metric)) ?? [];
  }

  /** Reads what has happened since the last time; called once a minute. */
  read(): void {
    this.#readLogs();
    this.#readLambda();
    this.#readEvents();
    this.#readExecutions();
    this.#readLedger();
  }

  #add(namespace: string, metricName: string, dimensions: Readonly<Record<string, string>>, point: Datapoint): void {
    const key = keyOf({ namespace, metricName, dimensions });
    const points = this.#points.get(key) ?? [];
    points.push(point);
    this.#points.set(key, points);
  }

  #readLogs(): void {
    const { logs } = this.#lab;
    for (; this.#read.logs < logs.length; this.#read.logs += 1) {
      const { line = "", atMs = 0 } = logs[this.#read.logs] ?? {};
      if (!line.includes('"_aws"')) continue;
      const emf = emfSchema.parse(JSON.parse(line));
      for (const { Namespace, Dimensions, Metrics } of emf._aws.CloudWatchMetrics) {
        for (const names of Dimensions) {
          const dimensions = Object.fromEntries(names.map((name) => [name, String(emf[name])]));
          for (const { Name } of Metrics)
            for (const value of valuesSchema.parse(emf[Name])) this.#add(Namespace, Name, dimensions, { atMs, value });
        }
      }
    }
  }

  #readLambda(): void {
    const { lambda, clock, config } = this.#lab;
    const deployment = labDeployment(config);
    for (const { functionName, atMs } of lambda.failures.slice(this.#read.failures))
      this.#add("AWS/Lambda", "Errors", { FunctionName: resourceName(deployment, functionName) }, { atMs, value: 1 });
    this.#read.failures = lambda.failures.length;
    for (const { functionName } of lambda.lostLetters.slice(this.#read.lost)) {
      const dimensions = { FunctionName: resourceName(deployment, functionName) };
      this.#add("AWS/Lambda", "DestinationDeliveryFailures", dimensions, { atMs: clock.now(), value: 1 });
    }
    this.#read.lost = lambda.lostLetters.length;
    const dimensions = { QueueName: resourceName(deployment, "failed-invocations") };
    const depth = { atMs: clock.now(), value: lambda.deadLetters.length };
    this.#add("AWS/SQS", "ApproximateNumberOfMessagesVisible", dimensions, depth);
  }

  #readEvents(): void {
    const { eventBridge, config } = this.#lab;
    const busArn = homeBusArn(labDeployment(config));
    const log = eventBridge.log();
    for (const one of log.slice(this.#read.events)) {
      if (one.busArn !== busArn) continue;
      for (const RuleName of one.matchedRules) {
        const dimensions = { EventBusName: busArn.split("/").at(-1) ?? "", RuleName };
        this.#add("AWS/Events", "MatchedEvents", dimensions, { atMs: one.atMs, value: 1 });
      }
    }
    this.#read.events = log.length;
  }

  #readExecutions(): void {
    const { stepFunctions, rollServiceArn, rollFleetArn, config, clock } = this.#lab;
    for (const [name, stateMachineArn_] of [
      ["roll-service", rollServiceArn],
      ["roll-fleet", rollFleetArn],
    ] as const) {
      const failed = stepFunctions.listExecutions({ stateMachineArn: stateMachineArn_, statusFilter: "FAILED" });
      for (const { executionArn } of failed) {
        if (this.#failedExecutions.has(executionArn)) continue;
        this.#failedExecutions.add(executionArn);
        const dimensions = { StateMachineArn: stateMachineArn(labDeployment(config), name) };
        this.#add("AWS/States", "ExecutionsFailed", dimensions, { atMs: clock.now(), value: 1 });
      }
    }
  }

  /** By the throttles of the lab's fault rules, each of which names one call of the ledger, or all. */
  #readLedger(): void {
    const { faults, config, clock } = this.#lab;
    const dimensions = { TableName: resourceName(labDeployment(config), "ledger") };
    for (const { kind, match, struck } of faults.list()) {
      if (kind !== "throttle" || !match.call?.startsWith("ledger.")) continue;
      const value = struck - (this.#throttles.get(match.call) ?? 0);
      this.#throttles.set(match.call, struck);
      const reads = /^ledger\.(get|list)/.test(match.call);
      const metricName = reads ? "ReadThrottleEvents" : "WriteThrottleEvents";
      if (value > 0) this.#add("AWS/DynamoDB", metricName, dimensions, { atMs: clock.now(), value });
    }
  }
}

function keyOf({ namespace, metricName, dimensions }: Metric): string {
  const sorted = Object.entries(dimensions).sort(([a], [b]) => a.localeCompare(b));
  return JSON.stringify([namespace, metricName, sorted]);
}
