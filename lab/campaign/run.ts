import { VirtualClock } from "@ztunnel-autopilot/simulator";
import { parseServiceArn } from "../../shared/base/arn.ts";
import { canonicalJson, isJsonObject, sha256 } from "../../shared/base/json.ts";
import { tagKeys } from "../../shared/base/vocabulary.ts";
import { targetsOf } from "../../shared/config/config.ts";
import { enrolledFleet } from "../autopilot/enrolled-fleet.ts";
import { Lab, type LabOptions } from "../autopilot/lab.ts";
import { expiringItems } from "../ledger/expiring-items.ts";
import { memoryLedger } from "../ledger/ledger-memory.ts";
import { LabDriver } from "../story/lab-driver.ts";
import { type CampaignContext, setAlarm, takeAction } from "./actions.ts";
import { Actors } from "./actors.ts";
import { AtSteps } from "./at-steps.ts";
import { watchedBindings } from "./bindings.ts";
import { takeBurst } from "./bursts.ts";
import { type CampaignFleet, campaignFleet } from "./campaign-fleet.ts";
import { violations } from "./invariants.ts";
import { type KnownViolation, partedByKnown } from "./known.ts";
import { RandomChoice } from "./random-choice.ts";
import { type FaultTargets, inWords, lastingFaults, randomFault } from "./random-faults.ts";
import { watchedRefusals } from "./refusal-reports.ts";
import { watchedLedger } from "./restored-ledgers.ts";
import { settle } from "./settle.ts";
import { watchedWaysBack } from "./ways-back.ts";

/** One line of a run's timeline. */
export interface TimelineEntry {
  readonly atMs: number;
  readonly text: string;
}

export interface Run {
  readonly seed: number;
  /** The violated invariants, in words, without those that are known. */
  readonly broken: readonly string[];
  /** The violations that are known and showed. */
  readonly known: readonly KnownViolation[];
  /** A hash of the run's final state. The same seed gives the same hash. */
  readonly digest: string;
  readonly timeline: readonly TimelineEntry[];
  readonly figures: RunFigures;
  /** The lab as the run left it. */
  readonly lab: Lab;
}

export interface RunFigures {
  readonly services: number;
  readonly rolls: number;
  readonly rollouts: number;
  readonly hours: number;
}

export interface RunOptions {
  /** Keep logs, events and histories for later checks. */
  readonly keepRecords: boolean;
  /** Calls take time. Default true. */
  readonly latency?: boolean;
  /** The functions' calls go without the SDK's pipeline, which makes no difference but in time. Default true. */
  readonly directCalls?: boolean;
  /** Called with the lab before anything happens in it. */
  readonly onLab?: (lab: Lab) => void;
  /** Called with each item that the ledger writes, under its key. */
  readonly onLedgerWrite?: (name: string, item: object) => void;
  /** Called with what a state machine's step gave to a function, and what that answered. */
  readonly onStep?: NonNullable<LabOptions["onStep"]>;
}

const RUNS_PER_RECORD = 20;

/** True for one run in twenty: its records are searched for secrets. Keeping records costs time. */
export function keepsRecords(seed: number): boolean {
  return seed % RUNS_PER_RECORD === 0;
}

/**
 * Runs random actions and faults on a random fleet, and checks the invariants at the end. The seed alone decides the
 * run.
 */
export async function runOf(
  seed: number,
  { keepRecords, directCalls = true, latency = true, onLab, onLedgerWrite, onStep }: RunOptions,
): Promise<Run> {
  const random = new RandomChoice(seed);
  const fleet = campaignFleet(random);
  const { config, startMs, throttling, cloudTrail, duplicateProbability } = fleet;
  // With direct calls, everything runs in promise chains, without I/O: the clock needs no idle turns between its steps.
  const clock = new VirtualClock(startMs, directCalls ? { quietTurns: 0, busyTurns: 0 } : {});
  const items = expiringItems({ now: () => clock.now(), seed, onWrite: onLedgerWrite });
  const waysBack = watchedWaysBack(memoryLedger(items), config, () => clock.now());
  const atSteps = new AtSteps();
  const lab = new Lab({
    clock,
    config,
    ledger: waysBack.ledger,
    onFunctionCall: (_call, functionName) => atSteps.onCall(functionName),
    seed,
    throttling,
    cloudTrail,
    duplicateProbability,
    keepRecords,
    directCalls,
    latency,
    ...(onStep && { onStep }),
  });
  const bindings = watchedBindings(lab);
  const refusals = watchedRefusals(lab);
  const ledger = watchedLedger(lab);
  onLab?.(lab);
  const timeline: TimelineEntry[] = [];
  const record = (text: string) => void timeline.push({ atMs: clock.now(), text });
  const actors = new Actors(new LabDriver(lab), record);
  const context: CampaignContext = { lab, actors, random, record };
  let settledMs = startMs;
  const simulate = async (): Promise<readonly string[]> => {
    await prepare(context, fleet);
    const { faultProbability, faultKinds } = await chaos(context, { ...fleet, seed, atSteps });
    const isCalm = faultProbability === 0 && duplicateProbability === 0;
    const faultsEndedMs = clock.now();
    const settled = await settle(context);
    await atSteps.end();
    settledMs = clock.now();
    const broken = await violations({
      lab,
      actors,
      faultsEndedMs,
      isCalm,
      faultKinds,
      watched: [waysBack, bindings, ledger, ...(isCalm ? [refusals] : [])],
    });
    return settled || broken.length > 0 ? broken : ["the lab doesn't settle"];
  };
  const violated = await clock
    .run(simulate())
    .catch((error: unknown) => [
      `the run failed:  ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    ]);
  return {
    seed,
    ...partedByKnown(violated),
    digest: await digestOf(lab, settledMs),
    timeline: timeline.sort((a, b) => a.atMs - b.atMs),
    figures: await figuresOf(context, startMs),
    lab,
  };
}

async function prepare({ lab, actors, random, record }: CampaignContext, fleet: CampaignFleet): Promise<void> {
  const { enrollTagKey, policy } = lab.config;
  record(`policy: ${JSON.stringify(policy)}`);
  lab.faults.replace(lastingFaults(faultTargetsOf(lab, actors)));
  await lab.prepare();
  const { account, region } = { account: lab.config.homeAccount, region: lab.config.homeRegion };
  if (random.chance(0.8)) await setAlarm(lab, { account, region }, "OK");
  const { enrolled: services, servicesPerIdentity } = fleet;
  const desiredCount = random.int(1, 2);
  for (const arn of await enrolledFleet(lab, { services, servicesPerIdentity, desiredCount })) {
    const ref = parseServiceArn(arn);
    if (ref) await actors.adopt({ ...ref, cluster: ref.clusterName, name: ref.serviceName });
  }
  for (let number = 0; number < fleet.others; number++) {
    const place = random.pick(targetsOf(lab.config));
    const tagged = {
      [enrollTagKey]: "true",
      [tagKeys.namespace]: `team-other-${number}`,
      [tagKeys.serviceAccount]: "app",
    };
    const cluster = random.pick(["fleet-0", "others"]);
    const { account: owner, region: where } = place;
    await actors.create(
      { account: owner, region: where, cluster, name: `other-${number}` },
      random.chance(0.5) ? tagged : {},
      enrollTagKey,
    );
  }
  await lab.lambda.invokeAsync("rollout/request", {});
  record(`${actors.services.length} services, ${services} of them in the mesh`);
}

/** Takes random actions and adds random faults, with a probability that it returns. */
async function chaos(
  context: CampaignContext,
  {
    chaosMinutes,
    seed,
    atSteps,
  }: Pick<CampaignFleet, "chaosMinutes"> & { readonly seed: number; readonly atSteps: AtSteps },
): Promise<{ readonly faultProbability: number; readonly faultKinds: ReadonlySet<string> }> {
  const { lab, random, record, actors } = context;
  const endMs = lab.clock.now() + chaosMinutes * 60_000;
  const lasting = lastingFaults(faultTargetsOf(lab, actors));
  const maxPauseMinutes = random.pick([1, 2, 4]);
  const faultProbability = random.pick([0, 0.15, 0.3, 0.6]);
  const burstProbability = random.pick([0, 0.1, 0.3]);
  // Of their own: where nothing is deployed, a seed's run is what it was.
  const deployments = new RandomChoice(seed + 1_000_003);
  const deployProbability = deployments.pick([0, 0, 0, 0.05]);
  const ofSteps = { ...context, random: new RandomChoice(seed + 2_000_003) };
  const stepProbability = ofSteps.random.pick([0, 0.3, 0.9]);
  const faultKinds = new Set<string>();
  while (lab.clock.now() < endMs) {
    if (random.chance(faultProbability)) {
      const nowMs = lab.clock.now();
      const fault = randomFault(random, faultTargetsOf(lab, actors), nowMs);
      record(`fault: ${inWords(fault, nowMs)}`);
      lab.faults.add(fault);
      faultKinds.add(fault.kind);
    }
    if (deployments.chance(deployProbability)) {
      record("the autopilot is deployed again");
      lab.deploy();
    }
    if (ofSteps.random.chance(stepProbability)) atSteps.arm(ofSteps);
    await (random.chance(burstProbability) ? takeBurst(context) : takeAction(context));
    await lab.clock.sleep(random.int(1, maxPauseMinutes * 60) * 1000);
  }
  await atSteps.end();
  if (ofSteps.random.chance(0.6)) atSteps.armLastStep(ofSteps);
  lab.faults.replace(lasting);
  return { faultProbability, faultKinds };
}

function faultTargetsOf({ config }: Lab, actors: Actors): FaultTargets {
  return {
    places: targetsOf(config).map(({ account, region }) => ({ account, region })),
    controlPlanes: config.controlPlanes.map(({ name }) => name),
    services: actors.services.map(({ name }) => name),
  };
}

/** Without the time that the invariants' own calls take: a run that keeps records makes more of them. */
async function digestOf(lab: Lab, settledMs: number): Promise<string> {
  const rollouts = await Array.fromAsync(lab.ledger.listRollouts());
  const ofRollouts = await Promise.all(rollouts.map(({ id }) => Array.fromAsync(lab.ledger.listRolloutServices(id))));
  const finalState: unknown = JSON.parse(
    JSON.stringify({
      rollouts,
      ofRollouts,
      services: await Array.fromAsync(lab.ledger.listServices()),
      fleet: await lab.ledger.getFleet(),
      ecs: lab.ecs.state(),
      messages: lab.slack.messages(),
      atMs: settledMs,
    }),
  );
  return sha256(canonicalJson(isJsonObject(finalState) ? finalState : {})).slice(0, 16);
}

async function figuresOf({ lab, actors }: CampaignContext, startMs: number): Promise<RunFigures> {
  return {
    services: actors.services.length,
    rolls: lab.rolls().length,
    rollouts: (await Array.fromAsync(lab.ledger.listRollouts())).length,
    hours: (lab.clock.now() - startMs) / 3_600_000,
  };
}
