import {
  type FaultRule,
  MAX_HISTORY_EVENTS,
  MAX_PAYLOAD_BYTES,
  nextRootCaPem,
  rootCaPem,
  VirtualClock,
} from "@ztunnel-autopilot/simulator";
import { enrolledFleet, enrolledFleetConfig } from "../../lab/autopilot/enrolled-fleet.ts";
import { Lab } from "../../lab/autopilot/lab.ts";
import type { JsonObject } from "../../shared/base/json.ts";
import { eventSources, operatorDetailTypes } from "../../shared/base/vocabulary.ts";
import { resourceNames } from "../../shared/config/names.ts";
import type { Rollout, RolloutServiceStatus } from "../../shared/model/rollout.ts";
import { hasEnded } from "../../shared/use-cases/rollout/queue.ts";
import { median } from "../report.ts";
import { computedSeconds, type QuotaBound, quotaBound, seconds } from "./bound.ts";

/** The change that is rolled out. */
export type RehearsedChange = "rotation" | "upgrade";
export const policies = ["unlimited", "default"] as const;
/**
 * `unlimited`: one wave without bake, as fast as AWS's quotas allow. `default`: the policy that users have by default.
 */
export type PolicyName = (typeof policies)[number];

export const REGIONS = [
  "us-east-1",
  "us-west-2",
  "eu-west-1",
  "eu-central-1",
  "us-east-2",
  "ap-south-1",
  "ap-northeast-1",
  "sa-east-1",
] as const;

export interface RehearsalOptions {
  readonly services: number;
  /** The number of regions, taken from `REGIONS`. */
  readonly regions: number;
  readonly policy: PolicyName;
  readonly changes: readonly RehearsedChange[];
  readonly seed: number;
  /** Calls take time. Default false. */
  readonly latency?: boolean;
  /** Fault rules that are added when the fleet is enrolled. */
  readonly faults?: readonly FaultRule[];
  /** Also compute the makespan for this number of services. */
  readonly computeFor?: number;
  /** Receives lines about the progress. */
  readonly onProgress?: (line: string) => void;
}

/** The figures of one rollout. */
export interface RolloutFigures {
  readonly change: RehearsedChange;
  readonly policy: PolicyName;
  readonly services: number;
  readonly regions: number;
  readonly rolloutId: string;
  readonly status: Rollout["status"];
  readonly reason: string | null;
  readonly waves: number;
  /** The time from the request to the rollout's end, in lab time. */
  readonly makespanSeconds: number;
  readonly bound: QuotaBound;
  readonly ratio: number;
  /** The computed, not simulated, makespan for another number of services. */
  readonly computed: { readonly services: number; readonly makespanSeconds: number } | null;
  readonly statuses: Readonly<Partial<Record<RolloutServiceStatus, number>>>;
  /** How many services did not succeed, by reason. */
  readonly failures: Readonly<Record<string, number>>;
  /** The functions' calls per service, by API. */
  readonly callsPerService: Readonly<Record<string, number>>;
  readonly throttledCalls: number;
  readonly transitionsPerService: number;
  /** The largest input, output or set of variables of a state of RollFleet and its Maps. */
  readonly peakStateBytes: number;
  /** The longest history of any execution. */
  readonly historyEvents: number;
  readonly continuedAsNew: number;
  /** Events that a function failed to handle after all retries, with the function and the error. */
  readonly deadLetters: readonly string[];
  /** Failed checks. Empty when everything is fine. */
  readonly problems: readonly string[];
}

/** The largest allowed ratio of an unlimited rollout's makespan to the quota bound. */
export const GOAL_RATIO = 1.1;
/** Smaller fleets have no goal, because the bucket's burst is enough for them. */
const JUDGED_FROM_SECONDS = 60;
/** A Monday noon. */
const START_MS = Date.parse("2026-01-05T12:00:00Z");
const UNLIMITED: JsonObject = {
  rollout: { canaryCount: 0, waves: [100], regionsTogether: true, concurrency: 0, bakeMinutes: 0 },
};
const POLL_INTERVAL_MS = 30_000;
const LONGEST_DAYS = 14;
/** Functions still handle events of the last rolls for this long after a rollout's end. */
const DRAIN_MS = 30_000;
const NEXT_IMAGE = "example.com/ztunnel:1.28.2";

/**
 * Rolls out the changes to a fleet in the lab, one after the other, in virtual time. Returns the figures of each
 * rollout. The same options give the same figures. Throws when the fleet can't be created, or a change starts no
 * rollout.
 */
export async function rehearse(options: RehearsalOptions): Promise<readonly RolloutFigures[]> {
  // Everything runs in promise chains, without I/O, so that the clock needs no idle turns between its steps.
  const clock = new VirtualClock(START_MS, { quietTurns: 0, busyTurns: 0 });
  const regions: readonly string[] = REGIONS.slice(0, options.regions);
  const [first, ...rest] = regions;
  if (first === undefined) throw new RangeError("a fleet needs at least one region");
  const counter = new CallCounter();
  const lab = new Lab({
    clock,
    config: enrolledFleetConfig([first, ...rest], options.policy === "unlimited" ? UNLIMITED : {}),
    seed: options.seed,
    latency: options.latency ?? false,
    keepRecords: false,
    directCalls: true,
    measurePayloads: true,
    onFunctionCall: (call) => counter.note(call),
  });
  lab.router.onCall(({ error }) => {
    if (error === "ThrottlingException") counter.throttled += 1;
  });
  const run = async () => {
    await lab.prepare();
    const arns = await enrolledFleet(lab, { services: options.services });
    // The first invocation records the fleet's image and settings. Only later changes are rolled out.
    await lab.lambda.invoke("rollout/request", {});
    for (const rule of options.faults ?? []) lab.faults.add(rule);
    const figures: RolloutFigures[] = [];
    for (const change of options.changes) figures.push(await rollOut(change, { lab, arns, counter, options }));
    return figures;
  };
  return clock.run(run());
}

/** Counts the functions' calls. */
class CallCounter {
  throttled = 0;
  readonly calls = new Map<string, number>();

  note(call: string): void {
    this.calls.set(call, (this.calls.get(call) ?? 0) + 1);
  }

  /** Sets all counts to zero. */
  reset(): void {
    this.throttled = 0;
    this.calls.clear();
  }

  /** The number of calls by API: `ecs`, `ledger`, `kubernetes`. */
  byApi(): Record<string, number> {
    const sums: Record<string, number> = {};
    for (const [call, count] of this.calls) {
      const api = call.split(".")[0] ?? call;
      sums[api] = (sums[api] ?? 0) + count;
    }
    return sums;
  }
}

interface RehearsalSetup {
  readonly lab: Lab;
  readonly arns: readonly string[];
  readonly counter: CallCounter;
  readonly options: RehearsalOptions;
}

async function rollOut(change: RehearsedChange, setup: RehearsalSetup): Promise<RolloutFigures> {
  const { lab, counter } = setup;
  counter.reset();
  const before = { deadLetters: lab.lambda.deadLetters.length, transitions: transitionsOf(lab) };
  const known = new Set((await Array.fromAsync(lab.ledger.listRollouts())).map(({ id }) => id));
  await startChange(change, lab);
  const ended = await untilEnded(await rolloutOf(change, known, lab), setup);
  await lab.clock.sleep(DRAIN_MS);
  return figuresOf(change, ended, before, setup);
}

async function startChange(change: RehearsedChange, lab: Lab): Promise<void> {
  if (change === "rotation") {
    for (const plane of lab.controlPlanes.values()) plane.setRootCa(`${rootCaPem}${nextRootCaPem}`);
    await lab.lambda.invoke("watch-root-ca", {});
    return;
  }
  const { homeAccount: account, homeRegion: region } = lab.config;
  const entry = {
    Source: eventSources.operator,
    DetailType: operatorDetailTypes.request,
    Detail: JSON.stringify({ kind: "upgrade", image: NEXT_IMAGE, requestedBy: "rehearsal", why: "rehearsal" }),
    EventBusName: resourceNames(lab.config).busName,
  };
  await lab.call({ account, region }, "PutEvents", { Entries: [entry] }, "AWSEvents");
}

/** Waits for the rollout that the change starts. */
async function rolloutOf(change: RehearsedChange, known: ReadonlySet<string>, lab: Lab): Promise<Rollout> {
  for (let waited = 0; waited < 20; waited += 1) {
    await lab.clock.sleep(POLL_INTERVAL_MS);
    for await (const rollout of lab.ledger.listRollouts()) if (!known.has(rollout.id)) return rollout;
  }
  throw new Error(`the ${change} started no rollout`);
}

async function untilEnded({ id }: Rollout, { lab, counter, options }: RehearsalSetup): Promise<Rollout> {
  const { services, policy, onProgress } = options;
  const untilMs = lab.clock.now() + LONGEST_DAYS * 86_400_000;
  for (;;) {
    const rollout = await lab.ledger.getRollout(id);
    if (!rollout) throw new Error(`${id} is gone`);
    const rolls = counter.calls.get("ledger.finishRoll") ?? 0;
    const at = clockTime(seconds(rollout.requestedAt, new Date(lab.clock.now()).toISOString()));
    onProgress?.(`${policy} policy: ${id} ${rollout.status}, ${rolls} rolls for ${services} services after ${at}`);
    if (hasEnded(rollout) || lab.clock.now() >= untilMs) return rollout;
    await lab.clock.sleep(POLL_INTERVAL_MS);
  }
}

async function figuresOf(
  change: RehearsedChange,
  rollout: Rollout,
  before: { readonly deadLetters: number; readonly transitions: number },
  setup: RehearsalSetup,
): Promise<RolloutFigures> {
  const { lab, counter, options } = setup;
  const { services, computeFor } = options;
  const { finishedAt = new Date(lab.clock.now()).toISOString() } = rollout;
  const makespanSeconds = seconds(rollout.requestedAt, finishedAt);
  const bound = quotaBound(rollout, deploymentSeconds(setup));
  const tally = await tallyOf(rollout, lab);
  const [fleet, service] = [lab.rollFleetArn, lab.rollServiceArn].map((arn) => lab.stepFunctions.peaks(arn));
  const executions = lab.stepFunctions
    .listExecutions({ stateMachineArn: lab.rollFleetArn })
    .filter(({ input }) => input.includes(`"${rollout.id}"`));
  const calls = Object.entries(counter.byApi()).sort(([a], [b]) => (a < b ? -1 : 1));
  const figures = {
    change,
    policy: options.policy,
    services,
    regions: options.regions,
    rolloutId: rollout.id,
    status: rollout.status,
    reason: rollout.reason ? `${rollout.reason.code}: ${rollout.reason.detail}` : null,
    waves: rollout.waves.length,
    makespanSeconds,
    bound,
    ratio: makespanSeconds / bound.seconds,
    computed:
      computeFor === undefined
        ? null
        : { services: computeFor, makespanSeconds: computedSeconds(rollout, lab.config, computeFor) },
    ...tally,
    callsPerService: Object.fromEntries(calls.map(([api, count]) => [api, count / services])),
    throttledCalls: counter.throttled,
    transitionsPerService: (transitionsOf(lab) - before.transitions) / services,
    peakStateBytes: fleet?.payloadBytes ?? 0,
    historyEvents: Math.max(fleet?.historyEvents ?? 0, service?.historyEvents ?? 0),
    continuedAsNew: executions.length - 1,
    deadLetters: lab.lambda.deadLetters
      .slice(before.deadLetters)
      .map(({ functionName, at, message }) => `${functionName} at ${at}: ${message}`),
  };
  return { ...figures, problems: problemsOf(figures, options) };
}

/** The number of the rollout's services by status, and of those that did not succeed by reason. */
async function tallyOf(rollout: Rollout, lab: Lab): Promise<Pick<RolloutFigures, "statuses" | "failures">> {
  const statuses: Partial<Record<RolloutServiceStatus, number>> = {};
  const failures: Record<string, number> = {};
  for await (const { status, reason = "no reason" } of lab.ledger.listRolloutServices(rollout.id)) {
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (status !== "succeeded") failures[reason] = (failures[reason] ?? 0) + 1;
  }
  return { statuses, failures };
}

function problemsOf(figures: Omit<RolloutFigures, "problems">, { policy, faults = [] }: RehearsalOptions): string[] {
  const { status, statuses, services, ratio, bound, peakStateBytes, historyEvents, deadLetters } = figures;
  const succeeded = statuses.succeeded ?? 0;
  const bySize = bound.registerSeconds >= JUDGED_FROM_SECONDS && faults.length === 0;
  const slow = policy === "unlimited" && bySize && ratio > GOAL_RATIO;
  return [
    ...(status === "completed" ? [] : [`the rollout is ${status}`]),
    ...(succeeded === services ? [] : [`${services - succeeded} of ${services} services did not succeed`]),
    ...(slow ? [`it takes ${ratio.toFixed(3)} times the quota bound, more than ${GOAL_RATIO}`] : []),
    ...(peakStateBytes < MAX_PAYLOAD_BYTES ? [] : [`a state has ${peakStateBytes} bytes`]),
    ...(historyEvents < MAX_HISTORY_EVENTS ? [] : [`a history has ${historyEvents} events`]),
    ...deadLetters.map((letter) => `a dead letter of ${letter}`),
  ];
}

function transitionsOf(lab: Lab): number {
  const all = [lab.rollFleetArn, lab.rollServiceArn].flatMap((stateMachineArn) =>
    lab.stepFunctions.listExecutions({ stateMachineArn }),
  );
  return all.reduce((total, { transitions }) => total + transitions, 0);
}

function deploymentSeconds({ lab, arns }: RehearsalSetup): number {
  const taken = arns.flatMap((arn) => {
    const { createdAtMs, finishedAtMs } = lab.ecs.findService(arn)?.deployments[0]?.record ?? {};
    return createdAtMs === undefined || finishedAtMs === undefined ? [] : [(finishedAtMs - createdAtMs) / 1000];
  });
  return taken.length > 0 ? median(taken) : 0;
}

/** Seconds as `hh:mm:ss`. */
export function clockTime(total: number): string {
  const whole = Math.round(total);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}
