import { VirtualClock } from "@ztunnel-autopilot/simulator";
import autopilotConfig from "../../../autopilot.config.ts";
import { Lab, type LabOptions } from "../../../lab/autopilot/lab.ts";
import type { Fleet } from "../../../lab/fleet/fleet.ts";
import { LabDriver } from "../../../lab/story/lab-driver.ts";
import { type ConfigInput, parseConfig } from "../../../shared/config/config.ts";

export interface Scenario extends Pick<LabOptions, "cloudTrail" | "seed" | "duplicateProbability" | "schedules"> {
  readonly fleet: Fleet;
  readonly policy?: NonNullable<ConfigInput["policy"]>;
}

/** Monday noon: every scenario begins here. */
export const START_MS = Date.parse("2026-01-05T12:00:00Z");

/** By then the fleet's first deployments have completed. */
const SETTLED_MINUTES = 3;

/**
 * Plays a story on a lab of its own, in virtual time, once the fleet is up. Returns what the story returns. When it
 * fails, the error's message ends with what the lab saw.
 */
export async function onLab<T>(scenario: Scenario, story: (stage: LabDriver) => Promise<T>): Promise<T> {
  const { fleet, policy, ...options } = scenario;
  const clock = new VirtualClock(START_MS);
  const lab = new Lab({ clock, config: parseConfig({ ...autopilotConfig, ...(policy && { policy }) }), ...options });
  const stage = new LabDriver(lab);
  const play = async () => {
    await lab.prepare(fleet);
    await stage.minutes(SETTLED_MINUTES);
    return story(stage);
  };
  try {
    const result = await clock.run(play());
    const dropped = lab.logs.filter(({ line }) => line.includes("reserved key"));
    if (dropped[0]) throw new Error(`a function's log line lost a member: ${dropped[0].functionName}`);
    return result;
  } catch (error) {
    if (error instanceof Error) error.message = `${error.message}\n\n${diary(lab)}`;
    throw error;
  }
}

/** What the lab saw: rolls, warnings and errors of the functions, dead letters, messages. */
function diary(lab: Lab): string {
  const rolls = lab.rolls().map(({ executionName, status, outcome }) => `  ${executionName}: ${outcome ?? status}`);
  const complaints = lab.logs
    .filter(({ line }) => /"level":"(WARN|ERROR)"/.test(line))
    .map(({ line }) => `  ${line.slice(0, 600)}`);
  const dead = lab.lambda.deadLetters.map(({ functionName, message }) => `  ${functionName}: ${message}`);
  const told = lab.slack.messages().map(({ text }) => `  ${text}`);
  return [
    `Lab time: ${new Date(lab.clock.now()).toISOString()}`,
    "Rolls:",
    ...rolls,
    "Warnings and errors:",
    ...complaints.slice(-10),
    "Dead letters:",
    ...dead.slice(-5),
    "Slack:",
    ...told.slice(-10),
  ].join("\n");
}
