import { compilePattern } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { failures } from "../../shared/base/errors.ts";
import { isJsonObject } from "../../shared/base/json.ts";
import { METRICS_NAMESPACE, metrics } from "../../shared/base/metrics.ts";
import { eventFunctionNames } from "../../shared/base/own-alarms.ts";
import { parseConfig } from "../../shared/config/config.ts";
import { rolloutStatuses } from "../../shared/model/rollout.ts";
import { rollOutcomes } from "../../shared/model/service-state.ts";
import { functions } from "../../stacks/definitions/functions.ts";
import { deployments, renderedDeployments } from "./support/deployments.ts";
import type { Resource } from "./support/rendered.ts";

const graphs = renderedDeployments();

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html */
const place = {
  x: z.int().min(0).max(23),
  y: z.int().min(0),
  width: z.int().min(1).max(24),
  height: z.int().min(1).max(1000),
};
const axis = z.strictObject({ min: z.number().optional(), label: z.string().optional() });
const statistic = z.string().regex(/^(Sum|Maximum|Minimum|Average|SampleCount|p\d{1,2}(\.\d+)?)$/);
const expressionSchema = z.strictObject({
  expression: z.string().max(1024),
  id: z.string().regex(/^[a-z][A-Za-z0-9_]*$/),
  label: z.string(),
});
const optionsSchema = z.strictObject({
  stat: statistic,
  label: z.string(),
  region: z.string().optional(),
  yAxis: z.enum(["left", "right"]).optional(),
});
const lineSchema = z.union([
  z.tuple([expressionSchema]),
  z
    .array(z.union([z.string(), optionsSchema]))
    .refine((line) => line.length % 2 === 1 && typeof line.at(-1) === "object"),
]);
const widgetSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text"), ...place, properties: z.strictObject({ markdown: z.string() }) }),
  z.strictObject({
    type: z.literal("alarm"),
    ...place,
    properties: z.strictObject({ title: z.string(), alarms: z.array(z.string()).min(1).max(100) }),
  }),
  z.strictObject({
    type: z.literal("metric"),
    ...place,
    properties: z.strictObject({
      title: z.string().min(1),
      view: z.enum(["timeSeries", "singleValue"]),
      region: z.string(),
      period: z.int().multipleOf(60),
      stacked: z.boolean().optional(),
      yAxis: z.strictObject({ left: axis, right: axis }).optional(),
      annotations: z
        .object({ horizontal: z.array(z.strictObject({ label: z.string(), value: z.number() })) })
        .optional(),
      metrics: z.array(lineSchema).min(1).max(500),
    }),
  }),
]);
const bodySchema = z.strictObject({ start: z.string().regex(/^-PT\d+H$/), widgets: z.array(widgetSchema).max(500) });

const alarmSchema = z.object({
  name: z.string().max(255),
  alarmDescription: z.string().max(1024),
  namespace: z.string(),
  metricName: z.string(),
  dimensions: z.record(z.string(), z.string()),
  statistic: z.enum(["Sum", "Maximum", "Minimum", "SampleCount"]),
  period: z.int().multipleOf(60),
  evaluationPeriods: z.int().min(1),
  datapointsToAlarm: z.int().min(1).optional(),
  threshold: z.number(),
  comparisonOperator: z.enum(["GreaterThanThreshold", "LessThanThreshold"]),
  treatMissingData: z.enum(["breaching", "notBreaching", "ignore"]),
  alarmActions: z.array(z.string()).min(1),
  okActions: z.array(z.string()).min(1),
});

interface Read {
  readonly namespace: string;
  readonly metricName: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** The metric that a chart's line reads. A search reads every value of the last dimension. */
function readOf(line: z.output<typeof lineSchema>): Read {
  const [first, metricName, ...rest] = line;
  if (typeof first === "object") {
    const expression = "expression" in first ? first.expression : "";
    const found = /^SEARCH\('\{(\w+),(\w+),(\w+)\} MetricName="(\w+)" service="([\w-]+)"', '[\w.]+', \d+\)$/.exec(
      expression,
    );
    if (!found) throw new Error(`not a search expression: ${expression}`);
    const [, namespace = "", service = "", dimension = "", name = "", deployment = ""] = found;
    return { namespace, metricName: name, dimensions: { [service]: deployment, [dimension]: "*" } };
  }
  const pairs = rest.filter((one) => typeof one === "string");
  const dimensions: Record<string, string> = {};
  for (let index = 0; index < pairs.length; index += 2) dimensions[pairs[index] ?? ""] = pairs[index + 1] ?? "";
  return { namespace: z.string().parse(first), metricName: z.string().parse(metricName), dimensions };
}

const closedSets: Readonly<Record<string, readonly string[]>> = {
  outcome: rollOutcomes,
  status: rolloutStatuses,
  code: Object.keys(failures),
};

describe.each(deployments)("$title", ({ title, stage, input }) => {
  const config = parseConfig(input);
  const { homeAccount, homeRegion } = config;
  const deployment = `${config.name}-${stage}`;
  const all = (type: string): readonly Resource[] =>
    (graphs.get(title)?.resources ?? []).filter((resource) => resource.type === type);
  const alarms = () =>
    all("aws:cloudwatch/metricAlarm:MetricAlarm").map(({ inputs, region }) => ({
      ...alarmSchema.parse(inputs),
      region,
    }));
  const named = (ending: string) => alarms().find(({ name }) => name === `${deployment}-${ending}`);
  const dashboards = () => all("aws:cloudwatch/dashboard:Dashboard");
  const body = () => bodySchema.parse(JSON.parse(z.string().parse(dashboards()[0]?.inputs.dashboardBody)));
  const reads = (): readonly Read[] =>
    body().widgets.flatMap((widget) => (widget.type === "metric" ? widget.properties.metrics.map(readOf) : []));
  const names = (type: string) => all(type).map(({ inputs }) => String(inputs.name));

  /** The dimensions of AWS's own metrics, with their values in the graph. */
  const awsDimensions = (): Readonly<Record<string, readonly string[]>> => ({
    FunctionName: names("aws:lambda/function:Function"),
    QueueName: names("aws:sqs/queue:Queue"),
    TableName: names("aws:dynamodb/table:Table"),
    StateMachineArn: names("aws:sfn/stateMachine:StateMachine").map(
      (name) => `arn:aws:states:${homeRegion}:${homeAccount}:stateMachine:${name}`,
    ),
  });

  /** Of the rules on the home bus. */
  const ruleDimensions = (): Readonly<Record<string, readonly string[]>> => ({
    EventBusName: names("aws:cloudwatch/eventBus:EventBus"),
    RuleName: names("aws:cloudwatch/eventRule:EventRule"),
  });

  function expectMeasured({ namespace, metricName, dimensions }: Read): void {
    if (namespace !== METRICS_NAMESPACE) {
      expect(namespace).toMatch(/^AWS\/(Lambda|SQS|DynamoDB|States|Events)$/);
      const pairs = Object.entries(dimensions);
      // The rules of another bus than the default one have both.
      expect(pairs).toHaveLength(namespace === "AWS/Events" ? 2 : 1);
      const known = { ...awsDimensions(), ...ruleDimensions() };
      for (const [dimension, value] of pairs) expect(known[dimension], metricName).toContain(value);
      return;
    }
    const { service, ...own } = dimensions;
    expect(service).toBe(deployment);
    const definition = Object.entries(metrics).find(([name]) => name === metricName)?.[1];
    expect(definition?.dimensions, metricName).toEqual(Object.keys(own));
    for (const [dimension, value] of Object.entries(own)) {
      if (value !== "*" && dimension in closedSets) expect(closedSets[dimension]).toContain(value);
    }
  }

  describe("the dashboard", () => {
    it("has the deployment's name, and a body that CloudWatch accepts", () => {
      expect(dashboards().map(({ inputs, region }) => [inputs.dashboardName, region])).toEqual([
        [deployment, homeRegion],
      ]);
      expect(body().widgets.length).toBeGreaterThan(15);
    });

    it("has no overlapping widgets, and none beyond its 24 columns", () => {
      const { widgets } = body();
      for (const { x, width } of widgets) expect(x + width).toBeLessThanOrEqual(24);
      const cells = widgets.flatMap(({ x, y, width, height }) =>
        Array.from({ length: width * height }, (_, cell) => `${x + (cell % width)}/${y + Math.floor(cell / width)}`),
      );
      expect(new Set(cells).size).toBe(cells.length);
    });

    it("gives each expression of a widget a unique id", () => {
      for (const widget of body().widgets) {
        if (widget.type !== "metric") continue;
        const ids = widget.properties.metrics.flatMap(([first]) =>
          typeof first === "object" && "id" in first ? [first.id] : [],
        );
        expect(new Set(ids).size).toBe(ids.length);
      }
    });

    it("reads only existing metrics, with their dimensions", () => {
      expect.hasAssertions();
      for (const read of reads()) expectMeasured(read);
    });

    it("reads every metric of the functions", () => {
      const own = reads().filter(({ namespace }) => namespace === METRICS_NAMESPACE);
      expect([...new Set(own.map(({ metricName }) => metricName))].sort()).toEqual(Object.keys(metrics).sort());
    });

    it("shows every function, state machine and queue of the home account", () => {
      const values = new Set(reads().flatMap(({ dimensions }) => Object.values(dimensions)));
      for (const shown of Object.values(awsDimensions()).flat()) expect(values).toContain(shown);
    });

    it("shows the state of every alarm of its region", () => {
      const [shown] = body().widgets.flatMap((widget) => (widget.type === "alarm" ? [widget.properties.alarms] : []));
      const expected = alarms().filter(({ region }) => region === homeRegion);
      const arns = expected.map(({ name }) => `arn:aws:cloudwatch:${homeRegion}:${homeAccount}:alarm:${name}`);
      expect([...(shown ?? [])].sort()).toEqual(arns.sort());
    });
  });

  describe("the alarms", () => {
    it("read only existing metrics, with their dimensions", () => {
      expect(alarms().length).toBeGreaterThan(20);
      for (const alarm of alarms()) expectMeasured(alarm);
    });

    it("notify the topic of their region when they fire and when they end", () => {
      for (const { name, region, alarmActions, okActions } of alarms()) {
        const topic = [`arn:aws:sns:${region}:${homeAccount}:${deployment}-alarms`];
        expect({ alarmActions, okActions }, name).toEqual({ alarmActions: topic, okActions: topic });
      }
    });

    it("describe their meaning and name their runbook", () => {
      for (const { name, alarmDescription } of alarms()) {
        expect(alarmDescription, name).toMatch(/^[A-Z].+[.?] What to do: docs\/operations\.md#[a-z-]+$/);
      }
    });

    it("evaluate at most one day, which is CloudWatch's limit", () => {
      for (const { period, evaluationPeriods } of alarms())
        expect(period * evaluationPeriods).toBeLessThanOrEqual(86_400);
    });

    it.each([
      ["roll-not-reverted", { metricName: "ServicesStranded", threshold: 0, period: 900 }],
      ["rollout-unresolved", { metricName: "RolloutsUnresolved", threshold: 0 }],
      ["slack-is-silent", { metricName: "NewsWaitMinutes", threshold: 15 }],
      ["unenrolls-postponed", { metricName: "UnenrollsPostponed", threshold: 0, period: 900 }],
      ["token-secrets-gone", { metricName: "TokenSecretsGone", threshold: 0, period: 900 }],
    ])("%s is the state that was measured last, whether or not it is measured now", (ending, expected) => {
      expect(named(ending)).toMatchObject({
        ...expected,
        statistic: "Maximum",
        comparisonOperator: "GreaterThanThreshold",
        treatMissingData: "ignore",
      });
    });

    it.each([
      ["ledger-reads-throttled", { namespace: "AWS/DynamoDB", metricName: "ReadThrottleEvents", evaluationPeriods: 6 }],
      [
        "ledger-writes-throttled",
        { namespace: "AWS/DynamoDB", metricName: "WriteThrottleEvents", datapointsToAlarm: 3 },
      ],
      ["roll-fleet-executions-failed", { namespace: "AWS/States", metricName: "ExecutionsFailed", threshold: 2 }],
      ["roll-service-executions-failed", { namespace: "AWS/States", metricName: "ExecutionsFailed", period: 3600 }],
      ["rollout-control-events-lost", { namespace: "AWS/Lambda", metricName: "DestinationDeliveryFailures" }],
    ])("%s counts what happens, and is OK without data", (ending, expected) => {
      expect(named(ending)).toMatchObject({ ...expected, statistic: "Sum", treatMissingData: "notBreaching" });
    });

    it.each([
      ["sweep-not-run", "SweptServices", 3600],
      ["root-ca-not-watched", "ControlPlanesRead", 1800],
      ["rollout-guard-not-run", "ScheduledRuns", 900],
      ["rollout-request-not-run", "ScheduledRuns", 900],
      ["rollout-report-not-run", "ScheduledRuns", 900],
    ])("%s fires when its metric has no data for its period", (ending, metricName, seconds) => {
      const alarm = named(ending);
      expect(alarm).toMatchObject({
        metricName,
        statistic: "SampleCount",
        comparisonOperator: "LessThanThreshold",
        threshold: 1,
        treatMissingData: "breaching",
      });
      expect((alarm?.period ?? 0) * (alarm?.evaluationPeriods ?? 0)).toBe(seconds);
    });

    it("watch every place whose events are forwarded, by the heartbeats that its own rule has matched", () => {
      const places = all("aws:cloudwatch/eventRule:EventRule").filter(({ inputs }) =>
        String(inputs.name).startsWith("heartbeat-"),
      );
      expect(places.length).toBeGreaterThan(0);
      for (const { inputs } of places) {
        expect(named(String(inputs.name).replace("heartbeat-", "events-not-forwarded-"))).toMatchObject({
          namespace: "AWS/Events",
          metricName: "MatchedEvents",
          dimensions: { EventBusName: deployment, RuleName: inputs.name },
          statistic: "Sum",
          period: 300,
          evaluationPeriods: 3,
          comparisonOperator: "LessThanThreshold",
          threshold: 1,
          treatMissingData: "breaching",
        });
      }
    });

    it("watch every control plane for a root CA that ends in less than 14 days", () => {
      for (const { name } of config.controlPlanes) {
        expect(named(`root-ca-ends-soon-${name}`)).toMatchObject({
          metricName: "RootCaDaysLeft",
          dimensions: { controlPlane: name },
          statistic: "Minimum",
          comparisonOperator: "LessThanThreshold",
          threshold: 14,
        });
      }
    });

    it("watch the sweep of every place, while sweeps run at all", () => {
      const places = all("aws:cloudwatch/eventRule:EventRule").flatMap(({ inputs }) =>
        String(inputs.name).startsWith("heartbeat-") ? [String(inputs.name).slice("heartbeat-".length)] : [],
      );
      expect(places.length).toBeGreaterThan(0);
      for (const at of places) {
        expect(named(`sweep-incomplete-${at}`)).toMatchObject({
          metricName: "SweptPlaces",
          dimensions: { place: at },
          comparisonOperator: "LessThanThreshold",
          threshold: 1,
          treatMissingData: "ignore",
          evaluationPeriods: 4,
        });
      }
    });

    it("watch every function that events invoke for what it loses: all others have an alarm on silence", () => {
      const kept = functions.filter(({ invocation, repeats }) => invocation === "asynchronous" && !repeats);
      const letters = kept.filter(({ name }) => name !== "rollout/report").map(({ name }) => name);
      expect([...eventFunctionNames].sort()).toEqual(letters.sort());
      for (const name of letters)
        for (const state of ["throttled", "events-lost"])
          expect(named(`${name.replaceAll("/", "-")}-${state}`)?.dimensions).toEqual({
            FunctionName: `${deployment}-${name.replaceAll("/", "-")}`,
          });
    });

    it("reach the ops channel from every region of the home account by an event", () => {
      const rules = all("aws:cloudwatch/eventRule:EventRule");
      const patternOf = ({ inputs }: Resource) => compilePattern(JSON.parse(z.string().parse(inputs.eventPattern)));
      const home = rules.find(({ inputs }) => inputs.name === "alarm-changed" && inputs.eventBusName === deployment);
      for (const { name, region } of alarms()) {
        const detail = { alarmName: name, state: { value: "ALARM" }, previousState: { value: "OK" } };
        const event: unknown = { source: "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", detail };
        const forwarding = rules.filter(
          (rule) =>
            rule.region === region &&
            rule.inputs.eventBusName === undefined &&
            isJsonObject(event) &&
            patternOf(rule)(event),
        );
        expect(
          forwarding.map(({ inputs }) => inputs.name),
          name,
        ).toEqual([`${deployment}-alarm-changed`]);
        expect(home && isJsonObject(event) && patternOf(home)(event), name).toBe(true);
      }
    });
  });
});
