import { ROOT_CA_DAYS, RUNBOOKS } from "../../shared/base/own-alarms.ts";
import { resourceEndings } from "../../shared/base/vocabulary.ts";
import {
  type AutopilotDeployment,
  arn,
  forwardedRegions,
  homeBusName,
  resourceName,
  stateMachineArn,
} from "../definitions/deployment.ts";
import { functions } from "../definitions/functions.ts";
import { stateMachines } from "../definitions/state-machines.ts";
import { homeAlarms } from "./alarm-definitions.ts";
import { by, chart, type Line, line, linesOf, type Row, type Widget } from "./charts.ts";

/**
 * A dashboard's body:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
 */
export interface DashboardBody {
  readonly start: string;
  readonly widgets: readonly Widget[];
}

/** The dashboard of a deployment: the fleet, rolls and rollouts, the mesh, and the autopilot's own health. */
export function dashboardBody(deployment: AutopilotDeployment): DashboardBody {
  const rows = [
    heading(deployment),
    glance(deployment),
    fleet(deployment),
    rolls(deployment),
    rollouts(deployment),
    mesh(deployment),
    failures(deployment),
    health(deployment),
    machinery(deployment),
  ];
  let y = 0;
  const widgets = rows.flatMap((row) => {
    const placed = inRow(row, y);
    y += row.height;
    return placed;
  });
  return { start: "-PT12H", widgets };
}

function inRow({ height, widgets }: Row, y: number): readonly Widget[] {
  let x = 0;
  return widgets.map((widget) => {
    const placed = { ...widget, x, y, height };
    x += widget.width;
    return placed;
  });
}

function heading(deployment: AutopilotDeployment): Row {
  const { home } = deployment;
  const alarms = homeAlarms(deployment).map(({ name }) => arn("cloudwatch", home, `alarm:${name}`));
  const queues = ["undelivered-events", "failed-invocations"].map((name) =>
    arn("cloudwatch", home, `alarm:${resourceName(deployment, name)}-not-empty`),
  );
  const markdown = `# ${homeBusName(deployment)}\nServices in the mesh, rolls, rollouts. What to do about an alarm: \`${RUNBOOKS}\`.`;
  return {
    height: 6,
    widgets: [
      { type: "text", width: 6, properties: { markdown } },
      { type: "alarm", width: 18, properties: { title: "Alarms", alarms: [...alarms, ...queues] } },
    ],
  };
}

function glance(deployment: AutopilotDeployment): Row {
  const { last } = linesOf(deployment);
  const number = (title: string, lines: readonly Line[], periodSeconds: number) =>
    chart(deployment, { title, width: 4, view: "singleValue", periodSeconds, lines });
  return {
    height: 4,
    widgets: [
      number("Enrolled", [last("ServicesEnrolled", "services in the mesh")], 900),
      number("Drift", [last("ServicesWithDrift", "services not as tagged")], 900),
      number("Rollout done", [last("RolloutDone", "percent")], 60),
      number("Rollout failed", [last("RolloutFailed", "failed"), last("RolloutStuck", "stuck")], 60),
      number("Days to CA expiry", [by(deployment, "RootCaDaysLeft", "Minimum", 900)], 900),
      number("Dead letters", deadLetters(deployment), 60),
    ],
  };
}

function fleet(deployment: AutopilotDeployment): Row {
  const { last, sum } = linesOf(deployment);
  return {
    height: 6,
    widgets: [
      chart(deployment, {
        title: "Enrolled and drift",
        width: 6,
        periodSeconds: 900,
        lines: [last("ServicesEnrolled", "enrolled"), last("ServicesWithDrift", "drift", { yAxis: "right" })],
      }),
      chart(deployment, {
        title: "Refused services by reason",
        width: 6,
        periodSeconds: 900,
        lines: [by(deployment, "ServicesRefused", "Maximum", 900)],
      }),
      chart(deployment, {
        title: "Refusals met, and decisions",
        width: 6,
        lines: [by(deployment, "Refusals", "Sum", 300), by(deployment, "Decisions", "Sum", 300)],
      }),
      chart(deployment, {
        title: "Sweeps",
        width: 6,
        periodSeconds: 900,
        lines: [
          sum("SweptServices", "seen", { yAxis: "right" }),
          sum("SweepStarted", "started"),
          sum("SweepRefused", "refused"),
          sum("SweepFailed", "failed"),
          sum("SweepPostponed", "postponed"),
          sum("UnenrollsPostponed", "unenrolls postponed"),
          sum("TokenSecretsGone", "token secrets gone"),
          last("ServicesStranded", "not reverted"),
        ],
      }),
    ],
  };
}

function rolls(deployment: AutopilotDeployment): Row {
  const duration = (stat: string, label: string) =>
    line(deployment, "RollDuration", { outcome: "succeeded" }, { stat, label });
  return {
    height: 6,
    widgets: [
      chart(deployment, {
        title: "Rolls by outcome",
        width: 8,
        stacked: true,
        lines: [by(deployment, "Rolls", "Sum", 300)],
      }),
      chart(deployment, {
        title: "Duration of rolls that succeeded",
        width: 8,
        label: "seconds",
        lines: [duration("p50", "p50"), duration("p95", "p95"), duration("Maximum", "max")],
      }),
      chart(deployment, {
        title: "Duration of rolls by outcome (p95)",
        width: 8,
        label: "seconds",
        lines: [by(deployment, "RollDuration", "p95", 300)],
      }),
    ],
  };
}

function rollouts(deployment: AutopilotDeployment): Row {
  const { last } = linesOf(deployment);
  const wait = (stat: string, label: string) => line(deployment, "QuotaWait", {}, { stat, label });
  return {
    height: 6,
    widgets: [
      chart(deployment, {
        title: "Rollout progress",
        width: 8,
        label: "percent",
        periodSeconds: 60,
        lines: [
          last("RolloutDone", "done"),
          last("RolloutFailed", "failed", { yAxis: "right" }),
          last("RolloutStuck", "stuck", { yAxis: "right" }),
          last("RolloutsUnresolved", "unresolved", { yAxis: "right" }),
        ],
      }),
      chart(deployment, {
        title: "Rollouts by status",
        width: 8,
        stacked: true,
        periodSeconds: 3600,
        lines: [by(deployment, "Rollouts", "Sum", 3600)],
      }),
      chart(deployment, {
        title: "Wait for AWS's quotas",
        width: 8,
        label: "seconds",
        lines: [wait("p50", "p50"), wait("Maximum", "max")],
      }),
    ],
  };
}

function mesh(deployment: AutopilotDeployment): Row {
  const { sum, last } = linesOf(deployment);
  return {
    height: 6,
    widgets: [
      chart(deployment, {
        title: "Days to CA expiry",
        width: 12,
        label: "days",
        periodSeconds: 900,
        threshold: { label: "alarm", value: ROOT_CA_DAYS },
        lines: [by(deployment, "RootCaDaysLeft", "Minimum", 900)],
      }),
      chart(deployment, {
        title: "Control planes",
        width: 12,
        lines: [last("ControlPlanesRead", "read"), sum("RootCaChanges", "root CA changed")],
      }),
    ],
  };
}

function failures(deployment: AutopilotDeployment): Row {
  const ledger = (metricName: string, label: string): Line => [
    "AWS/DynamoDB",
    metricName,
    "TableName",
    resourceName(deployment, resourceEndings.ledger),
    { stat: "Sum", label },
  ];
  const throttled = line(deployment, "Failures", { code: "throttled" }, { stat: "Sum", label: "AWS's APIs" });
  return {
    height: 6,
    widgets: [
      chart(deployment, {
        title: "Failures by code",
        width: 12,
        stacked: true,
        lines: [by(deployment, "Failures", "Sum", 300)],
      }),
      chart(deployment, {
        title: "Throttles",
        width: 12,
        lines: [
          throttled,
          ledger("ReadThrottleEvents", "ledger reads"),
          ledger("WriteThrottleEvents", "ledger writes"),
        ],
      }),
    ],
  };
}

function health(deployment: AutopilotDeployment): Row {
  const perFunction = (title: string, metricName: string, stat: string, label?: string) =>
    chart(deployment, {
      title,
      width: 8,
      ...(label !== undefined && { label }),
      lines: functions.map(({ name }) => [
        "AWS/Lambda",
        metricName,
        "FunctionName",
        resourceName(deployment, name),
        { stat, label: name },
      ]),
    });
  return {
    height: 8,
    widgets: [
      perFunction("Function errors", "Errors", "Sum"),
      perFunction("Function throttles", "Throttles", "Sum"),
      perFunction("Function duration (p95)", "Duration", "p95", "milliseconds"),
    ],
  };
}

function machinery(deployment: AutopilotDeployment): Row {
  const executions = stateMachines.flatMap(({ name }) =>
    ["ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"].map((metricName) => [
      "AWS/States",
      metricName,
      "StateMachineArn",
      stateMachineArn(deployment, name),
      { stat: "Sum", label: `${name} ${metricName.replace("Executions", "").replace("Out", " out").toLowerCase()}` },
    ]),
  );
  return {
    height: 6,
    widgets: [
      chart(deployment, { title: "Executions that did not succeed", width: 6, lines: executions }),
      chart(deployment, {
        title: "Complete sweeps, and runs of schedules",
        width: 6,
        periodSeconds: 900,
        lines: [by(deployment, "SweptPlaces", "Maximum", 900), by(deployment, "ScheduledRuns", "Sum", 900)],
      }),
      chart(deployment, {
        title: "News that waits for Slack",
        width: 6,
        label: "minutes",
        lines: [linesOf(deployment).last("NewsWaitMinutes", "minutes")],
      }),
      chart(deployment, { title: "Dead letters", width: 6, periodSeconds: 60, lines: deadLetters(deployment) }),
    ],
  };
}

/** Of the home account: other accounts' queues are their owners' to see. */
function deadLetters(deployment: AutopilotDeployment): readonly Line[] {
  const { home } = deployment;
  const depth = (name: string, region: string): Line => [
    "AWS/SQS",
    "ApproximateNumberOfMessagesVisible",
    "QueueName",
    resourceName(deployment, name),
    { stat: "Maximum", region, label: `${name} ${region}` },
  ];
  return [
    depth("failed-invocations", home.region),
    ...forwardedRegions(deployment, home.account).map((region) => depth("undelivered-events", region)),
  ];
}
