import { VirtualClock } from "@ztunnel-autopilot/simulator";
import { parseServiceArn } from "../../shared/base/arn.ts";
import { canonicalJson, isJsonObject, sha256 } from "../../shared/base/json.ts";
import { tagKeys } from "../../shared/base/vocabulary.ts";
import { targetsOf } from "../../shared/config/config.ts";
import { enrolledFleet } from "../autopilot/enrolled-fleet.ts";
import { Lab } from "../autopilot/lab.ts";
import { LabDriver } from "../story/lab-driver.ts";
import { type CampaignContext, setAlarm, takeAction } from "./actions.ts";
import { Actors } from "./actors.ts";
import { type CampaignFleet, campaignFleet } from "./campaign-fleet.ts";
import { violations } from "./invariants.ts";
import { RandomChoice } from "./random-choice.ts";
import { type Fault, type FaultTargets, inWords, lastingFaults, randomFault } from "./random-faults.ts";
import { settle } from "./settle.ts";

/** One line of a run's timeline. */
export interface Line {
  readonly atMs: number;
  readonly text: string;
}

export interface Run {
  readonly seed: number;
  /** What is broken, in words. */
  readonly broken: readonly string[];
  /** A hash of what the run came to: the same seed gives the same. */
  readonly digest: string;
  readonly timeline: readonly Line[];
  readonly figures: Figures;
  /** The lab as the run left it. */
  readonly lab: Lab;
}

export interface Figures {
  readonly services: number;
  readonly rolls: number;
  readonly rollouts: number;
  readonly faults: number;
  readonly hours: number;
}

export interface RunOptions {
  /** Keep logs, events and histories, for those who look at them. */
  readonly keepRecords: boolean;
}

const RUNS_PER_RECORD = 20;

/** Records cost time: one run of twenty keeps them, to look through them for secrets. */
export function keepsRecords(seed: number): boolean {
  return seed % RUNS_PER_RECORD === 0;
}

/** A random world in which people work and things go wrong, which the seed alone decides; and what is broken in the end. */
export async function runOf(seed: number, { keepRecords }: RunOptions): Promise<Run> {
  const dice = new RandomChoice(seed);
  const world = campaignFleet(dice);
  const { config, startMs, throttling, cloudTrail, duplicateProbability } = world;
  const clock = new VirtualClock(startMs);
  const lab = new Lab({
    clock,
    config,
    seed,
    throttling,
    cloudTrail,
    duplicateProbability,
    keepRecords,
    directCalls: true,
  });
  const timeline: Line[] = [];
  const tell = (text: string) => void timeline.push({ atMs: clock.now(), text });
  const people = new Actors(new LabDriver(lab), tell);
  const scene: CampaignContext = { lab, people, dice, tell };
  const play = async (): Promise<readonly string[]> => {
    await prepare(scene, world);
    await chaos(scene, world);
    const faultsEndedMs = clock.now();
    const rests = await settle(scene);
    const broken = await violations({ lab, people, faultsEndedMs });
    return rests || broken.length > 0 ? broken : ["it does not come to rest"];
  };
  const broken = await clock
    .run(play())
    .catch((error: unknown) => [
      `the run itself failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    ]);
  return {
    seed,
    broken,
    digest: await digestOf(lab),
    timeline: timeline.sort((a, b) => a.atMs - b.atMs),
    figures: await figuresOf(scene, startMs),
    lab,
  };
}

async function prepare({ lab, people, dice, tell }: CampaignContext, world: CampaignFleet): Promise<void> {
  const { enrollTagKey, policy } = lab.config;
  tell(`policy: ${JSON.stringify(policy)}`);
  lab.faults.replace(lastingFaults(groundOf(lab, people)));
  await lab.prepare();
  const { account, region } = { account: lab.config.homeAccount, region: lab.config.homeRegion };
  if (dice.chance(0.8)) await setAlarm(lab, { account, region }, "OK");
  const { enrolled: services, servicesPerIdentity } = world;
  const desiredCount = dice.int(1, 2);
  for (const arn of await enrolledFleet(lab, { services, servicesPerIdentity, desiredCount })) {
    const ref = parseServiceArn(arn);
    if (ref) await people.adopt({ ...ref, cluster: ref.clusterName, name: ref.serviceName });
  }
  for (let number = 0; number < world.others; number++) {
    const place = dice.pick(targetsOf(lab.config));
    const tagged = {
      [enrollTagKey]: "true",
      [tagKeys.namespace]: `team-other-${number}`,
      [tagKeys.serviceAccount]: "app",
    };
    const cluster = dice.pick(["fleet-0", "others"]);
    const { account: owner, region: where } = place;
    await people.create(
      { account: owner, region: where, cluster, name: `other-${number}` },
      dice.chance(0.5) ? tagged : {},
      enrollTagKey,
    );
  }
  await lab.lambda.invokeAsync("rollout/request", {});
  tell(`${people.services.length} services: ${services} in the mesh`);
}

/** People work, and things go wrong. */
async function chaos(scene: CampaignContext, world: CampaignFleet): Promise<void> {
  const { lab, dice, tell, people } = scene;
  const endMs = lab.clock.now() + world.chaosMinutes * 60_000;
  const lasting = lastingFaults(groundOf(lab, people));
  let troubles: readonly Fault[] = [];
  const pace = dice.pick([1, 2, 4]);
  const worry = dice.pick([0, 0.15, 0.3, 0.6]);
  while (lab.clock.now() < endMs) {
    if (dice.chance(worry)) {
      const nowMs = lab.clock.now();
      const trouble = randomFault(dice, groundOf(lab, people), nowMs);
      tell(`trouble: ${inWords(trouble, nowMs)}`);
      lab.faults.add(trouble);
      troubles = [...troubles, trouble];
    }
    await takeAction(scene);
    await lab.clock.sleep(dice.int(1, pace * 60) * 1000);
  }
  lab.faults.replace(lasting);
}

function groundOf({ config }: Lab, people: Actors): FaultTargets {
  return {
    places: targetsOf(config).map(({ account, region }) => ({ account, region })),
    controlPlanes: config.controlPlanes.map(({ name }) => name),
    services: people.services.map(({ name }) => name),
  };
}

async function digestOf(lab: Lab): Promise<string> {
  const rollouts = await Array.fromAsync(lab.ledger.listRollouts());
  const ofRollouts = await Promise.all(rollouts.map(({ id }) => Array.fromAsync(lab.ledger.listRolloutServices(id))));
  const seen: unknown = JSON.parse(
    JSON.stringify({
      rollouts,
      ofRollouts,
      services: await Array.fromAsync(lab.ledger.listServices()),
      fleet: await lab.ledger.getFleet(),
      ecs: lab.ecs.state(),
      messages: lab.slack.messages(),
      atMs: lab.clock.now(),
    }),
  );
  return sha256(canonicalJson(isJsonObject(seen) ? seen : {})).slice(0, 16);
}

async function figuresOf({ lab, people }: CampaignContext, startMs: number): Promise<Figures> {
  return {
    services: people.services.length,
    rolls: lab.rolls().length,
    rollouts: (await Array.fromAsync(lab.ledger.listRollouts())).length,
    faults: 0,
    hours: (lab.clock.now() - startMs) / 3_600_000,
  };
}
