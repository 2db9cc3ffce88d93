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

/** What is rolled out. */
export type Change = "rotation" | "upgrade";
export const policies = ["unlimited", "default"] as const;
/** `unlimited`: one wave of everything, as fast as AWS's quotas let it, without bake. `default`: what a user gets. */
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
  /** How many of `REGIONS`. */
  readonly regions: number;
  readonly policy: PolicyName;
  readonly changes: readonly Change[];
  readonly seed: number;
  /** They hold from when the fleet is up. */
  readonly faults?: readonly FaultRule[];
  /** A makespan is computed for so many services, too. */
  readonly computeFor?: number;
  /** Told now and then how far it is. */
  readonly onProgress?: (line: string) => void;
}

/** How one rollout went. */
export interface RolloutFigures {
  readonly change: Change;
  readonly policy: PolicyName;
  readonly services: number;
  readonly regions: number;
  readonly rolloutId: string;
  readonly status: Rollout["status"];
  readonly reason: string | null;
  readonly waves: number;
  /** From the request until the rollout has ended, in lab time. */
  readonly makespanSeconds: number;
  readonly bound: QuotaBound;
  readonly ratio: number;
  /** Computed from this one for another number of services: not simulated. */
  readonly computed: { readonly services: number; readonly makespanSeconds: number } | null;
  readonly statuses: Readonly<Partial<Record<RolloutServiceStatus, number>>>;
  /** Reasons of services that did not succeed, with how often. */
  readonly failures: Readonly<Record<string, number>>;
  /** Calls of the functions by API, a service. */
  readonly callsPerService: Readonly<Record<string, number>>;
  readonly throttledCalls: number;
  readonly transitionsPerService: number;
  /** The largest input, output or set of variables of a state of RollFleet and its Maps. */
  readonly peakStateBytes: number;
  /** The longest history of any execution. */
  readonly historyEvents: number;
  readonly continuedAsNew: number;
  /** Events that a function failed on too often: which function, and why. */
  readonly deadLetters: readonly string[];
  /** What should not have been: empty when all is well. */
  readonly problems: readonly string[];
}

/** How much longer than the quota bound a rollout at full speed may take. */
export const GOAL_RATIO = 1.1;
/** Smaller fleets are not held against the goal: the bucket's burst takes them all. */
const JUDGED_FROM_SECONDS = 60;
/** Monday noon. */
const START_MS = Date.parse("2026-01-05T12:00:00Z");
const UNLIMITED: JsonObject = {
  rollout: { canaryCount: 0, waves: [100], regionsTogether: true, concurrency: 0, bakeMinutes: 0 },
};
const LOOK_EVERY_MS = 30_000;
const LONGEST_DAYS = 14;
/** Events of the last rolls are still under way when a rollout has ended. */
const AFTERMATH_MS = 30_000;
const NEXT_IMAGE = "example.com/ztunnel:1.28.2";

/**
 * Rolls changes out over a fleet in the lab, one after the other, in virtual time, and tells how each went. The same
 * options give the same figures. Throws when the fleet can't be filled, or no rollout comes of a change.
 */
export async function rehearse(options: RehearsalOptions): Promise<readonly RolloutFigures[]> {
  // Nothing here reads or writes: all of it runs in promise chains, and there are hundreds of thousands of turns.
  const clock = new VirtualClock(START_MS, { quietTurns: 0, busyTurns: 0 });
  const regions: readonly string[] = REGIONS.slice(0, options.regions);
  const [first, ...rest] = regions;
  if (first === undefined) throw new RangeError("a fleet has one region at least");
  const witness = new CallCounter();
  const lab = new Lab({
    clock,
    config: enrolledFleetConfig([first, ...rest], options.policy === "unlimited" ? UNLIMITED : {}),
    seed: options.seed,
    keepRecords: false,
    directCalls: true,
    measurePayloads: true,
    onFunctionCall: (call) => witness.note(call),
  });
  lab.router.onCall(({ error }) => {
    if (error === "ThrottlingException") witness.throttled += 1;
  });
  const play = async () => {
    await lab.prepare();
    const arns = await enrolledFleet(lab, { services: options.services });
    // The fleet's image and settings are seen once: only what changes from now on is rolled out.
    await lab.lambda.invoke("rollout/request", {});
    for (const rule of options.faults ?? []) lab.faults.add(rule);
    const figures: RolloutFigures[] = [];
    for (const change of options.changes) figures.push(await rollOut(change, { lab, arns, witness, options }));
    return figures;
  };
  return clock.run(play());
}

/** What the functions have called so far. */
class CallCounter {
  throttled = 0;
  readonly calls = new Map<string, number>();

  note(call: string): void {
    this.calls.set(call, (this.calls.get(call) ?? 0) + 1);
  }

  /** Forgets everything. */
  reset(): void {
    this.throttled = 0;
    this.calls.clear();
  }

  /** Calls so far by the API's name: `ecs`, `ledger`, `kubernetes`. */
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
  readonly witness: CallCounter;
  readonly options: RehearsalOptions;
}

async function rollOut(change: Change, stage: RehearsalSetup): Promise<RolloutFigures> {
  const { lab, witness } = stage;
  witness.reset();
  const before = { deadLetters: lab.lambda.deadLetters.length, transitions: transitionsOf(lab) };
  const known = new Set((await Array.fromAsync(lab.ledger.listRollouts())).map(({ id }) => id));
  await begin(change, lab);
  const ended = await theEnd(await rolloutOf(change, known, lab), stage);
  await lab.clock.sleep(AFTERMATH_MS);
  return figuresOf(change, ended, before, stage);
}

async function begin(change: Change, lab: Lab): Promise<void> {
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

/** The rollout that a change leads to. */
async function rolloutOf(change: Change, known: ReadonlySet<string>, lab: Lab): Promise<Rollout> {
  for (let waited = 0; waited < 20; waited += 1) {
    await lab.clock.sleep(LOOK_EVERY_MS);
    for await (const rollout of lab.ledger.listRollouts()) if (!known.has(rollout.id)) return rollout;
  }
  throw new Error(`no rollout came of the ${change}`);
}

async function theEnd({ id }: Rollout, { lab, witness, options }: RehearsalSetup): Promise<Rollout> {
  const { services, policy, onProgress } = options;
  const untilMs = lab.clock.now() + LONGEST_DAYS * 86_400_000;
  for (;;) {
    const rollout = await lab.ledger.getRollout(id);
    if (!rollout) throw new Error(`${id} is gone`);
    const rolls = witness.calls.get("ledger.finishRoll") ?? 0;
    const at = clockTime(seconds(rollout.requestedAt, new Date(lab.clock.now()).toISOString()));
    onProgress?.(`${policy} policy: ${id} ${rollout.status}, ${rolls} rolls for ${services} services after ${at}`);
    if (hasEnded(rollout) || lab.clock.now() >= untilMs) return rollout;
    await lab.clock.sleep(LOOK_EVERY_MS);
  }
}

async function figuresOf(
  change: Change,
  rollout: Rollout,
  before: { readonly deadLetters: number; readonly transitions: number },
  stage: RehearsalSetup,
): Promise<RolloutFigures> {
  const { lab, witness, options } = stage;
  const { services, computeFor } = options;
  const { finishedAt = new Date(lab.clock.now()).toISOString() } = rollout;
  const makespanSeconds = seconds(rollout.requestedAt, finishedAt);
  const bound = quotaBound(rollout, deploymentSeconds(stage));
  const tally = await tallyOf(rollout, lab);
  const [fleet, service] = [lab.rollFleetArn, lab.rollServiceArn].map((arn) => lab.stepFunctions.peaks(arn));
  const executions = lab.stepFunctions
    .listExecutions({ stateMachineArn: lab.rollFleetArn })
    .filter(({ input }) => input.includes(`"${rollout.id}"`));
  const calls = Object.entries(witness.byApi()).sort(([a], [b]) => (a < b ? -1 : 1));
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
    throttledCalls: witness.throttled,
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

/** The services of a rollout by status, and why those that did not succeed did not. */
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
    ...(succeeded === services ? [] : [`${services - succeeded} of ${services} services have not succeeded`]),
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

/** Seconds as hours, minutes and seconds. */
export function clockTime(total: number): string {
  const whole = Math.round(total);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}
