import { VirtualClock } from "@ztunnel-autopilot/simulator";
import autopilotConfig from "../../../autopilot.config.ts";
import { Lab, type LabOptions } from "../../../lab/autopilot/lab.ts";
import type { Fleet } from "../../../lab/fleet/fleet.ts";
import { LabDriver } from "../../../lab/story/lab-driver.ts";
import { type ConfigInput, parseConfig } from "../../../shared/config/config.ts";

export interface Scenario
  extends Pick<
    LabOptions,
    | "cloudTrail"
    | "shortArns"
    | "seed"
    | "duplicateProbability"
    | "schedules"
    | "heartbeats"
    | "latency"
    | "onExecutionEvent"
    | "checksCertificates"
  > {
  readonly fleet: Fleet;
  readonly policy?: NonNullable<ConfigInput["policy"]>;
  /** Whose keys the lab uses. Default: those of production. */
  readonly stage?: string;
}

/** The start of every scenario: a Monday noon. */
export const START_MS = Date.parse("2026-01-05T12:00:00Z");

/** The fleet's first deployments complete within this time. */
const SETTLED_MINUTES = 3;

/**
 * Runs a test on a new lab, in virtual time, once the fleet's first deployments have completed. Returns the test's
 * result. When the test fails, the lab's report is added to the error's message.
 */
export async function onLab<T>(scenario: Scenario, test: (driver: LabDriver) => Promise<T>): Promise<T> {
  const { fleet, policy, stage, ...options } = scenario;
  const clock = new VirtualClock(START_MS);
  const config = parseConfig({ ...autopilotConfig, ...(policy && { policy }) }, stage);
  const lab = new Lab({ clock, config, ...options });
  const driver = new LabDriver(lab);
  const run = async () => {
    await lab.prepare(fleet);
    await driver.minutes(SETTLED_MINUTES);
    return test(driver);
  };
  try {
    const result = await clock.run(run());
    const dropped = lab.logs.filter(({ line }) => line.includes("reserved key"));
    if (dropped[0]) throw new Error(`a function's log line lost a member: ${dropped[0].functionName}`);
    return result;
  } catch (error) {
    if (error instanceof Error) error.message = `${error.message}\n\n${labReport(lab)}`;
    throw error;
  }
}

/** The lab's report: rolls, logged warnings and errors, dead letters, Slack messages. */
function labReport(lab: Lab): string {
  const rolls = lab.rolls().map(({ executionName, status, outcome }) => `  ${executionName}: ${outcome ?? status}`);
  const problems = lab.logs
    .filter(({ line }) => /"level":"(WARN|ERROR)"/.test(line))
    .map(({ line }) => `  ${line.slice(0, 600)}`);
  const dead = lab.lambda.deadLetters.map(({ functionName, message }) => `  ${functionName}: ${message}`);
  const messages = lab.slack.messages().map(({ text }) => `  ${text}`);
  return [
    `Lab time: ${new Date(lab.clock.now()).toISOString()}`,
    "Rolls:",
    ...rolls,
    "Warnings and errors:",
    ...problems.slice(-10),
    "Dead letters:",
    ...dead.slice(-5),
    "Slack:",
    ...messages.slice(-10),
  ].join("\n");
}
