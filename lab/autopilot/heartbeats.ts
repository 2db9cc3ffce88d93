import type { Clock, EventBridge, Iam } from "@ztunnel-autopilot/simulator";
import type { JsonObject } from "../../shared/base/json.ts";
import { silenceEnding } from "../../shared/base/vocabulary.ts";
import {
  type AccountRegion,
  type AutopilotDeployment,
  alarmName,
  arn,
  homeBusArn,
  roleArn,
} from "../../stacks/definitions/deployment.ts";
import {
  defaultBusArn,
  heartbeatEvent,
  heartbeatGroupName,
  heartbeatRoleName,
  heartbeatSchedule,
  heartbeatsOf,
  silenceOf,
} from "../../stacks/definitions/heartbeat.ts";

import { type AlarmState, evaluate } from "./evaluate-alarm.ts";

interface HeartbeatCalls {
  readonly clock: Clock;
  readonly eventBridge: EventBridge;
  readonly iam: Iam;
  /** A call of the home account's CloudWatch. */
  readonly cloudWatch: (operation: string, input: JsonObject) => Promise<unknown>;
}

interface SilenceAlarm extends ReturnType<typeof silenceOf> {
  readonly name: string;
}

/** The state of a new alarm. */
const NEW: AlarmState = "INSUFFICIENT_DATA";
const PERIOD_MS = heartbeatSchedule.everyMinutes * 60_000;

/**
 * Plays the heartbeats of a deployment: the schedule of every place, and the alarms on their silence by the metric that
 * EventBridge has for each rule of the home bus. Runs for as long as the lab does.
 */
export async function playHeartbeats(deployment: AutopilotDeployment, calls: HeartbeatCalls): Promise<void> {
  const { places } = heartbeatsOf(deployment);
  const alarms = places.map((place) => ({
    name: alarmName(deployment, silenceEnding(place)),
    ...silenceOf(deployment, place),
  }));
  const states = new Map<string, AlarmState>();
  const startedMs = calls.clock.now();
  for (;;) {
    for (const place of places) send(place, deployment, calls);
    for (const alarm of alarms) await follow(alarm, { deployment, startedMs, states }, calls);
    await calls.clock.sleep(PERIOD_MS);
  }
}

/** Sets the alarm where its state has changed. While CloudWatch fails by a fault, the next period comes to it again. */
async function follow(
  alarm: SilenceAlarm,
  {
    deployment,
    startedMs,
    states,
  }: {
    readonly deployment: AutopilotDeployment;
    readonly startedMs: number;
    readonly states: Map<string, AlarmState>;
  },
  calls: HeartbeatCalls,
): Promise<void> {
  const known = states.get(alarm.name);
  const state = stateOf(alarm, { deployment, startedMs, before: known ?? NEW }, calls) ?? NEW;
  if (known === state) return;
  const reason = `${alarm.metric.metricName} of ${alarm.metric.dimensions.RuleName}`;
  try {
    if (known === undefined) await calls.cloudWatch("PutMetricAlarm", putAlarm(alarm));
    // A new alarm has this state by itself.
    if (known !== undefined || state !== NEW)
      await calls.cloudWatch("SetAlarmState", { AlarmName: alarm.name, StateValue: state, StateReason: reason });
    states.set(alarm.name, state);
  } catch {
    // The lab's own call, which somebody lets fail: its state stays what it was.
  }
}

/** The schedule of a place puts its event on the default bus, if its role may. */
function send(place: AccountRegion, deployment: AutopilotDeployment, { clock, eventBridge, iam }: HeartbeatCalls) {
  const { source, detailType, detail } = heartbeatEvent(heartbeatsOf(deployment));
  const session = {
    service: "scheduler.amazonaws.com",
    sourceArn: arn("scheduler", place, `schedule-group/${heartbeatGroupName(deployment)}`),
    roleArn: roleArn(place, heartbeatRoleName(deployment)),
    sessionName: heartbeatSchedule.name,
  };
  const keys = { "events:source": [source], "events:detail-type": [detailType] };
  const need = { action: "events:PutEvents", resource: defaultBusArn(place), keys };
  if (iam.refusalOfRole(session, need, place) !== undefined) return;
  eventBridge.emit({
    version: "0",
    id: eventBridge.newEventId(),
    "detail-type": detailType,
    source,
    account: place.account,
    time: new Date(clock.now()).toISOString(),
    region: place.region,
    resources: [],
    detail: { ...detail },
  });
}

/** The alarm's state by its periods until now; undefined until there are as many. */
function stateOf(
  { metric: { dimensions }, rule }: SilenceAlarm,
  {
    deployment,
    startedMs,
    before,
  }: { readonly deployment: AutopilotDeployment; readonly startedMs: number; readonly before: AlarmState },
  { clock, eventBridge }: HeartbeatCalls,
): AlarmState | undefined {
  const endMs = clock.now();
  const firstMs = endMs - rule.periods * rule.periodSeconds * 1000;
  if (firstMs < startedMs) return undefined;
  const busArn = homeBusArn(deployment);
  const arrived = eventBridge
    .log()
    .filter((one) => one.busArn === busArn && one.atMs >= firstMs && one.matchedRules.includes(dimensions.RuleName));
  return evaluate(
    rule,
    arrived.map(({ atMs }) => ({ atMs, value: 1 })),
    { endMs, before },
  );
}

function putAlarm({ name, metric, rule }: SilenceAlarm): JsonObject {
  return {
    AlarmName: name,
    Namespace: metric.namespace,
    MetricName: metric.metricName,
    Dimensions: Object.entries(metric.dimensions).map(([Name, Value]) => ({ Name, Value })),
    Statistic: rule.statistic,
    Period: rule.periodSeconds,
    EvaluationPeriods: rule.periods,
    Threshold: rule.threshold,
    ComparisonOperator: rule.comparison,
    TreatMissingData: rule.missingData,
  };
}
