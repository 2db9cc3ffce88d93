import { VirtualClock } from "@ztunnel-autopilot/simulator";
import autopilotConfig from "../../autopilot.config.ts";
import { type Config, parseConfig } from "../../shared/config/config.ts";
import { Lab } from "../autopilot/lab.ts";
import { demoFleet } from "../fleet/demo.ts";
import { awsCallCount, type RollRecord } from "../lambda/rolls.ts";
import { acts } from "./acts.ts";
import { ActFailed, LabDriver, type ServiceReport, serviceReport } from "./lab-driver.ts";
import { elapsed, Narrator, type Output, styled } from "./narrator.ts";

export interface ActReport {
  readonly name: string;
  readonly ok: boolean;
  readonly why: string;
}

/** What `npm start -- --report FILE` writes. */
export interface StoryReport {
  readonly ok: boolean;
  readonly acts: readonly ActReport[];
  readonly services: readonly ServiceReport[];
  readonly rollouts: readonly {
    readonly id: string;
    readonly kind: string;
    readonly status: string;
    readonly services: number;
    readonly waves: readonly { readonly name: string; readonly state: string }[];
  }[];
  readonly slack: readonly { readonly text: string }[];
  readonly calls: Readonly<Record<string, number>>;
  readonly rolls: readonly {
    readonly service: string;
    readonly outcome: string;
    readonly transitions: number;
    /** ECS and Secrets Manager calls. */
    readonly calls: number;
  }[];
}

/** A Monday noon. Nothing in the story depends on real time. */
const START_MS = Date.parse("2026-01-05T12:00:00Z");

/** The configuration of the repository; certificates of the mesh last an hour, so that a rotation ends in the story. */
export function storyConfig(): Config {
  return parseConfig({ ...autopilotConfig, policy: { ...autopilotConfig.policy, leafLifetimeHours: 1 } });
}

/**
 * Plays the acts on a lab in virtual time and narrates them. Returns the report, and the lab for further checks. The
 * story goes on after a failed act. `onLab` gets the lab before anything happens in it.
 */
export async function playStory(
  output: Output,
  onLab: (lab: Lab) => void = () => undefined,
): Promise<{ readonly lab: Lab; readonly report: StoryReport }> {
  const clock = new VirtualClock(START_MS);
  const narrator = new Narrator(() => lab, output);
  const lab: Lab = new Lab({
    clock,
    config: storyConfig(),
    onExecutionEvent: ({ executionArn, timestamp, stateEnteredEventDetails }) => {
      if (stateEnteredEventDetails)
        narrator.step(executionArn, String(stateEnteredEventDetails.name), timestamp.getTime());
    },
  });
  onLab(lab);
  narrator.start(clock.now());
  const driver = new LabDriver(lab);
  const report = await clock.run(playActs(driver, narrator, output));
  return { lab, report };
}

async function playActs(driver: LabDriver, narrator: Narrator, output: Output): Promise<StoryReport> {
  const { lab } = driver;
  await lab.prepare(demoFleet);
  await driver.minutes(3);
  narrator.flush();
  const reports: ActReport[] = [];
  for (const [index, act] of acts.entries()) {
    narrator.line("");
    narrator.line(styled(`Act ${index + 1} of ${acts.length}: ${act.name}`, "bold", output.color));
    narrator.line(`  ${act.intro}`);
    narrator.quiet = act.quiet ?? false;
    const startedMs = lab.clock.now();
    const failure = await narrate(act.play(driver), driver, narrator);
    const took = elapsed(lab.clock.now() - startedMs).trim();
    const mark = failure === undefined ? styled("done", "green", output.color) : styled("FAILED", "red", output.color);
    narrator.line(`  ${mark} after ${took} of lab time${failure === undefined ? "" : `: ${failure}`}`);
    reports.push({ name: act.name, ok: failure === undefined, why: failure ?? "" });
  }
  return storyReport(driver, reports);
}

/** Narrates the act until it ends. Returns why it failed, or undefined. */
async function narrate(play: Promise<void>, driver: LabDriver, narrator: Narrator): Promise<string | undefined> {
  let over = false;
  const outcome = play
    .then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof ActFailed) return error.message;
        throw error;
      },
    )
    .finally(() => {
      over = true;
    });
  while (!over) {
    await Promise.race([outcome, driver.lab.clock.sleep(1000)]);
    narrator.flush();
  }
  return outcome;
}

async function storyReport(driver: LabDriver, reports: readonly ActReport[]): Promise<StoryReport> {
  const { lab } = driver;
  const services = [];
  for (const { arn } of lab.ecs.allServices()) services.push(await serviceReport(driver, arn));
  return {
    ok: reports.every(({ ok }) => ok),
    acts: reports,
    services,
    rollouts: (await Array.fromAsync(lab.ledger.listRollouts()))
      .sort((a, b) => Date.parse(a.requestedAt) - Date.parse(b.requestedAt))
      .map(({ id, kind, status, serviceCount: count, waves }) => ({
        id,
        kind,
        status,
        services: count,
        waves: waves.map(({ name, state }) => ({ name, state })),
      })),
    slack: lab.slack.messages().map(({ text }) => ({ text })),
    calls: lab.router.calls(),
    rolls: lab.rolls().filter(isRoll).map(rollReport),
  };
}

/** False for an execution that found nothing to roll. */
function isRoll({ outcome }: RollRecord): boolean {
  return outcome !== undefined && outcome !== "refused" && outcome !== "failed";
}

function rollReport({ service, outcome, transitions, calls }: RollRecord): StoryReport["rolls"][number] {
  return { service, outcome: outcome ?? "", transitions, calls: awsCallCount(calls) };
}
