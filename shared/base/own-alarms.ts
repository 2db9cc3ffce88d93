import { type FunctionName, silenceEnding, sweepEnding } from "./vocabulary.ts";

/** What an alarm of the autopilot means, and where what to do is written: a section of the runbooks. */
export interface OwnAlarm {
  readonly sentence: string;
  readonly runbook: string;
}

/** The runbook that an alarm's description names. */
export const RUNBOOKS = "docs/operations.md";
/** A root CA that ends sooner is no longer a matter for the next sprint. */
export const ROOT_CA_DAYS = 14;
/** The functions of schedules whose silence no other metric shows. */
export const silentFunctions = ["rollout/guard", "rollout/report", "rollout/request"] as const;
/** The functions that events invoke: the next run of any other does what a lost one would have done. */
export const eventFunctionNames = [
  "notify-slack",
  "reconcile-service",
  "rollout/control",
  "rollout/request",
  "signal-deployment",
] as const satisfies readonly FunctionName[];
/** The state machines whose failed executions have alarms. */
const machines = ["roll-service", "roll-fleet"] as const;
/** The queues whose dead letters have alarms. */
const queues = ["undelivered-events", "failed-invocations"] as const;
/** The alarm of the one queue that every target account and region has. */
export const FORWARDING_ALARM = "undelivered-events-not-empty";

/** The alarms with names of their own, by the ending of the name, which is the runbook's too. */
const alarms = {
  "roll-not-reverted": "Services could not be reverted to their last good revision, and do not run since.",
  "rollout-unresolved":
    "A rollout could not continue, or was rolled back while the fleet is still to have what it brought.",
  "sweep-not-run": "No sweep has completed for an hour.",
  "unenrolls-postponed":
    "A sweep has postponed the unenrollment of services, because there are too many: were tags lost?",
  "token-secrets-gone":
    "A deleted secret that running services pin could not be written again: their next tasks can't start.",
  "slack-is-silent": "News has waited for 15 minutes, because Slack does not take it.",
  "root-ca-not-watched": "Not all control planes could be read for half an hour.",
} as const satisfies Readonly<Record<string, string>>;

const ledgerAlarms = {
  "ledger-reads-throttled": "DynamoDB holds up reads.",
  "ledger-writes-throttled": "DynamoDB holds up writes.",
} as const satisfies Readonly<Record<string, string>>;

/** Of the names of control planes, and of the places whose events are forwarded, the configuration knows which. */
export interface AlarmOptions {
  readonly controlPlanes: readonly string[];
  readonly places: readonly { readonly account: string; readonly region: string }[];
}

/** All alarms of a deployment, by the ending of their names. */
export function ownAlarms({ controlPlanes, places }: AlarmOptions): ReadonlyMap<string, OwnAlarm> {
  const named = Object.entries(alarms).map(([ending, sentence]) => entry(ending, sentence));
  const ledger = Object.entries(ledgerAlarms).map(([ending, sentence]) => entry(ending, sentence, "ledger-throttled"));
  const planes = controlPlanes.map((name) =>
    entry(
      `root-ca-ends-soon-${name}`,
      `A root CA certificate of the control plane ${name} ends in less than ${ROOT_CA_DAYS} days.`,
      "root-ca-ends-soon",
    ),
  );
  const swept = places.map((place) =>
    entry(
      sweepEnding(place),
      `No sweep has read all of ${place.account} in ${place.region} for an hour.`,
      "sweep-incomplete",
    ),
  );
  const silent = places.map((place) =>
    entry(
      silenceEnding(place),
      `No heartbeat of ${place.account} in ${place.region} has come for 15 minutes: its events don't come either.`,
      "events-not-forwarded",
    ),
  );
  const executions = machines.map((name) =>
    entry(`${name}-executions-failed`, `Executions of ${name} fail again and again.`, "executions-failed"),
  );
  const runs = silentFunctions.map((name) =>
    entry(functionEnding(name, "not-run"), `The function ${name} has not come to its end.`, "functions-failing"),
  );
  const functions = eventFunctionNames.flatMap((name) => [
    entry(
      functionEnding(name, "throttled"),
      `The function ${name} was kept from running again and again.`,
      "functions-throttled",
    ),
    entry(
      functionEnding(name, "events-lost"),
      `What the function ${name} failed on could not be put into its queue of dead letters.`,
      "events-lost",
    ),
  ]);
  const letters = queues.map((name) => [`${name}-not-empty`, DEAD_LETTERS] as const);
  return new Map([
    ...named,
    ...ledger,
    ...planes,
    ...swept,
    ...silent,
    ...executions,
    ...runs,
    ...functions,
    ...letters,
  ]);
}

type FunctionTrouble = "throttled" | "events-lost" | "not-run";

/** The ending of the name of a function's alarm. */
export function functionEnding(functionName: string, trouble: FunctionTrouble): string {
  return `${functionName.replaceAll("/", "-")}-${trouble}`;
}

function entry(ending: string, sentence: string, runbook = ending): readonly [string, OwnAlarm] {
  return [ending, { sentence, runbook }];
}

/** What the alarm of any queue of dead letters means. */
export const DEAD_LETTERS: OwnAlarm = {
  sentence: "A dead letter waits in the queue of the same name.",
  runbook: "dead-letters",
};

/** What an alarm's description says: where to read on is in it. */
export function alarmDescription({ sentence, runbook }: OwnAlarm): string {
  return `${sentence} What to do: ${RUNBOOKS}#${runbook}`;
}
