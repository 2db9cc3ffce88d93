import * as z from "zod";
import { AwsError } from "../../base/aws-error.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import { randomUuid } from "../../base/random-id.ts";
import type { Clock } from "../../clock/clock.ts";
import type { SimulatorContext } from "../../core/connections.ts";
import type { AwsService, CallContext, Operation } from "../../core/service.ts";
import type { Rate } from "../../http/throttle.ts";
import { enums } from "../enums.ts";
import { answer, epochSeconds, page, parseInput } from "../input.ts";
import { cloudWatchNeeds } from "./needs.ts";
import { cloudWatchRates } from "./rates.ts";

interface Alarm {
  readonly name: string;
  readonly arn: string;
  readonly type: (typeof enums.cloudwatch.AlarmType)[number];
  /** What it was made with, by AWS's names. */
  readonly configuration: JsonObject;
  readonly configuredMs: number;
  readonly state: (typeof enums.cloudwatch.StateValue)[number];
  readonly reason: string;
  readonly reasonData: string | undefined;
  readonly stateUpdatedMs: number;
  readonly stateTransitionedMs: number;
}

const ERROR = "ValidationError";
const name = z.string().min(1).max(255);
const names = z.array(name).max(100);
const arns = z.array(z.string()).max(5).default([]);
const common = {
  AlarmName: name,
  AlarmDescription: z.string().max(1024).optional(),
  ActionsEnabled: z.boolean().default(true),
  OKActions: arns,
  AlarmActions: arns,
  InsufficientDataActions: arns,
};
const schemas = {
  putMetricAlarm: z.object({
    ...common,
    MetricName: z.string().optional(),
    Namespace: z.string().optional(),
    Statistic: z.enum(enums.cloudwatch.Statistic).optional(),
    Dimensions: z.array(z.object({ Name: z.string(), Value: z.string() })).default([]),
    Period: z.int().positive().optional(),
    EvaluationPeriods: z.int().positive(),
    DatapointsToAlarm: z.int().positive().optional(),
    Threshold: z.number().optional(),
    ComparisonOperator: z.string().min(1),
    TreatMissingData: z.string().optional(),
  }),
  putCompositeAlarm: z.object({ ...common, AlarmRule: z.string().min(1).max(10_240) }),
  describe: z.object({
    AlarmNames: names.optional(),
    AlarmNamePrefix: z.string().min(1).optional(),
    AlarmTypes: z.array(z.enum(enums.cloudwatch.AlarmType)).default(["MetricAlarm"]),
    StateValue: z.enum(enums.cloudwatch.StateValue).optional(),
    MaxRecords: z.int().min(1).max(100).default(50),
    NextToken: z.string().optional(),
  }),
  setState: z.object({
    AlarmName: name,
    StateValue: z.enum(enums.cloudwatch.StateValue),
    StateReason: z.string().max(1023),
    StateReasonData: z.string().max(4000).optional(),
  }),
  delete: z.object({ AlarmNames: names }),
};

/**
 * CloudWatch's alarms. There are no metrics: an alarm keeps the state that `SetAlarmState` last gave it, and the rule
 * of a composite alarm is not evaluated.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Operations.html
 */
export class CloudWatch implements AwsService {
  readonly name = "cloudwatch";
  readonly protocol = { kind: "awsJson1_0", target: "GraniteServiceVersion20100801" } as const;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly needs = cloudWatchNeeds;
  readonly #context: SimulatorContext;
  readonly #clock: Clock;
  readonly #alarms = new Map<string, Alarm>();

  constructor(context: SimulatorContext) {
    this.#context = context;
    this.#clock = context.clock;
    this.operations = {
      PutMetricAlarm: (input, context) =>
        this.#put("MetricAlarm", parseInput(schemas.putMetricAlarm, input, ERROR), context),
      PutCompositeAlarm: (input, context) =>
        this.#put("CompositeAlarm", parseInput(schemas.putCompositeAlarm, input, ERROR), context),
      DescribeAlarms: (input, context) => this.#describe(input, context),
      SetAlarmState: (input, context) => this.#setState(input, context),
      DeleteAlarms: (input, context) => this.#delete(input, context),
    };
  }

  rateOf(operation: string): Rate | undefined {
    return cloudWatchRates[operation];
  }

  /** All alarms of all accounts and regions, for people and tests. */
  state(): readonly JsonObject[] {
    return [...this.#alarms.values()].map(described);
  }

  #put(type: Alarm["type"], request: { readonly AlarmName: string }, context: CallContext): Json {
    const { AlarmName, ...configuration } = request;
    const arn = arnOf(context, AlarmName);
    const nowMs = this.#clock.now();
    const existing = this.#alarms.get(arn);
    if (existing && existing.type !== type)
      throw new AwsError(ERROR, `${AlarmName} is the name of an alarm of another type.`);
    this.#alarms.set(arn, {
      state: "INSUFFICIENT_DATA",
      reason: "Unchecked: Initial alarm creation",
      reasonData: undefined,
      stateUpdatedMs: nowMs,
      stateTransitionedMs: nowMs,
      ...existing,
      name: AlarmName,
      arn,
      type,
      configuration: answer(configuration),
      configuredMs: nowMs,
    });
    return {};
  }

  /** Without `AlarmTypes`, composite alarms are left out, as AWS does. Names that there are not are left out too. */
  #describe(input: JsonObject, context: CallContext): Json {
    const request = parseInput(schemas.describe, input, ERROR);
    if (request.AlarmNames && request.AlarmNamePrefix !== undefined)
      throw new AwsError(ERROR, "AlarmNames and AlarmNamePrefix can't be given both.");
    const here = arnOf(context, request.AlarmNamePrefix ?? "");
    const all = [...this.#alarms.values()].filter(
      ({ arn, name, type, state }) =>
        arn.startsWith(here) &&
        request.AlarmTypes.includes(type) &&
        (request.AlarmNames === undefined || request.AlarmNames.includes(name)) &&
        (request.StateValue === undefined || request.StateValue === state),
    );
    const limits = { nextToken: request.NextToken, limit: request.MaxRecords, errorName: "InvalidNextToken" };
    const { items, nextToken } = page(all, limits);
    const ofType = (wanted: Alarm["type"]) => items.filter(({ type }) => type === wanted).map(described);
    return answer({
      MetricAlarms: ofType("MetricAlarm"),
      CompositeAlarms: ofType("CompositeAlarm"),
      NextToken: nextToken,
    });
  }

  #setState(input: JsonObject, context: CallContext): Json {
    const request = parseInput(schemas.setState, input, ERROR);
    const alarm = this.#alarms.get(arnOf(context, request.AlarmName));
    if (!alarm) throw new AwsError("ResourceNotFound", `There is no alarm ${request.AlarmName}.`, 404);
    if (request.StateReasonData !== undefined && !isJsonText(request.StateReasonData))
      throw new AwsError("InvalidFormat", "StateReasonData was not syntactically valid JSON.");
    const nowMs = this.#clock.now();
    const changed = {
      ...alarm,
      state: request.StateValue,
      reason: request.StateReason,
      reasonData: request.StateReasonData,
      stateUpdatedMs: nowMs,
      stateTransitionedMs: request.StateValue === alarm.state ? alarm.stateTransitionedMs : nowMs,
    };
    this.#alarms.set(alarm.arn, changed);
    if (changed.state !== alarm.state) this.#tell(changed, alarm, context);
    return {};
  }

  /** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html */
  #tell(alarm: Alarm, previous: Alarm, { account, region }: CallContext): void {
    this.#context.alarmChanges.publish({ account, region, alarmName: alarm.name, state: alarm.state });
    this.#context.events.publish({
      version: "0",
      id: randomUuid(this.#context.random),
      "detail-type": "CloudWatch Alarm State Change",
      source: "aws.cloudwatch",
      account,
      time: new Date(this.#clock.now()).toISOString().replace(/\.\d{3}Z$/, "Z"),
      region,
      resources: [alarm.arn],
      detail: {
        alarmName: alarm.name,
        state: stateOf(alarm),
        previousState: stateOf(previous),
        configuration: configurationOf(alarm),
      },
    });
  }

  /** Names that there are not are passed over. */
  #delete(input: JsonObject, context: CallContext): Json {
    const { AlarmNames } = parseInput(schemas.delete, input, ERROR);
    const found = AlarmNames.flatMap((each) => this.#alarms.get(arnOf(context, each)) ?? []);
    if (found.filter(({ type }) => type === "CompositeAlarm").length > 1)
      throw new AwsError(ERROR, "At most one composite alarm can be deleted at a time.");
    for (const { arn } of found) this.#alarms.delete(arn);
    return {};
  }
}

function arnOf({ account, region }: CallContext, alarmName: string): string {
  return `arn:aws:cloudwatch:${region}:${account}:alarm:${alarmName}`;
}

function stateOf({ state, reason, reasonData, stateUpdatedMs }: Alarm): JsonObject {
  const timestamp = new Date(stateUpdatedMs).toISOString().replace("Z", "+0000");
  return answer({ value: state, reason, reasonData, timestamp });
}

/** As far as an alarm of one metric, or a composite one, has it. */
function configurationOf({ arn, type, configuration }: Alarm): JsonObject {
  const { AlarmDescription: description, AlarmRule: alarmRule } = configuration;
  if (type === "CompositeAlarm") return answer({ description, alarmRule });
  const { Namespace: namespace, MetricName: name, Dimensions, Period: period, Statistic: stat } = configuration;
  const pairs = z.array(z.object({ Name: z.string(), Value: z.string() })).parse(Dimensions ?? []);
  const dimensions = Object.fromEntries(pairs.map(({ Name, Value }) => [Name, Value]));
  const metricStat = answer({ metric: answer({ namespace, name, dimensions }), period, stat });
  return answer({ description, metrics: [{ id: arn, metricStat, returnData: true }] });
}

function described(alarm: Alarm): JsonObject {
  return answer({
    ...alarm.configuration,
    AlarmName: alarm.name,
    AlarmArn: alarm.arn,
    AlarmConfigurationUpdatedTimestamp: epochSeconds(alarm.configuredMs),
    StateValue: alarm.state,
    StateReason: alarm.reason,
    StateReasonData: alarm.reasonData,
    StateUpdatedTimestamp: epochSeconds(alarm.stateUpdatedMs),
    StateTransitionedTimestamp: epochSeconds(alarm.stateTransitionedMs),
  });
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
