import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { MAX_HISTORY_EVENTS, MAX_PAYLOAD_BYTES } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import { quotaSeconds } from "../../bench/rehearse/bound.ts";
import { parseArguments } from "../../bench/rehearse/options.ts";
import { GOAL_RATIO, type RolloutFigures, rehearse } from "../../bench/rehearse/rehearsal.ts";
import { rehearsalText } from "../../bench/rehearse/report.ts";
import { REGISTER } from "../../shared/rollout/pace.ts";

const small = { services: 40, regions: 2, policy: "unlimited", changes: ["rotation"], seed: 1 } as const;

async function only(options: Parameters<typeof rehearse>[0]): Promise<RolloutFigures> {
  const [figures, ...more] = await rehearse(options);
  if (!figures || more.length > 0) throw new Error("expected exactly one rollout");
  return figures;
}

describe("a rehearsed rotation", () => {
  it("takes about as long as AWS's quotas require, within all limits, and every service succeeds", async () => {
    const figures = await only({ ...small, services: 200 });
    expect(figures).toMatchObject({ status: "completed", statuses: { succeeded: 200 }, failures: {}, problems: [] });
    expect(figures.bound.registerSeconds).toBe(quotaSeconds(100, REGISTER));
    expect(figures.ratio).toBeLessThanOrEqual(GOAL_RATIO);
    expect(figures.makespanSeconds).toBeGreaterThan(figures.bound.registerSeconds);
    expect(figures.peakStateBytes).toBeGreaterThan(100);
    expect(figures.peakStateBytes).toBeLessThan(MAX_PAYLOAD_BYTES);
    expect(figures.historyEvents).toBeGreaterThan(10);
    expect(figures.historyEvents).toBeLessThan(MAX_HISTORY_EVENTS);
    expect(figures.callsPerService.ecs).toBeLessThanOrEqual(12);
    expect(figures.transitionsPerService).toBeLessThanOrEqual(15);
    // Functions' start times vary, so that with any seed a few RegisterTaskDefinition calls come too early.
    expect(figures.throttledCalls).toBeLessThanOrEqual(0.02 * figures.services);
  });

  it("has the same figures for the same seed, and others for another seed", async () => {
    const first = await only(small);
    expect(await only(small)).toEqual(first);
    expect((await only({ ...small, seed: 2 })).makespanSeconds).not.toBe(first.makespanSeconds);
  });

  it("is followed by the requested upgrade, and each has its own figures", async () => {
    const all = await rehearse({ ...small, changes: ["rotation", "upgrade"] });
    expect(all.map(({ change, status, statuses }) => [change, status, statuses])).toEqual([
      ["rotation", "completed", { succeeded: 40 }],
      ["upgrade", "completed", { succeeded: 40 }],
    ]);
    expect(all[0]?.rolloutId).not.toBe(all[1]?.rolloutId);
  });

  it("reports services that were rolled back because of a fault rule", async () => {
    const [upgrade] = await rehearse({
      ...small,
      changes: ["upgrade"],
      faults: [
        {
          kind: "container-unhealthy",
          match: { region: "us-west-2", image: "*1.28.2" },
          skip: 0,
          when: "before",
          error: "ServerException",
          delaySeconds: 60,
        },
      ],
    });
    expect(upgrade).toMatchObject({ status: "rolled-back" });
    expect(upgrade?.statuses["rolled-back"]).toBe(20);
    expect(upgrade?.problems).toEqual(["the rollout is rolled-back", "40 of 40 services did not succeed"]);
  });
});

describe("the computed time of the default policy", () => {
  it("is close to the time of a simulation of that size", async () => {
    const of = (services: number, computeFor?: number) =>
      only({ ...small, policy: "default", services, ...(computeFor !== undefined && { computeFor }) });
    const simulated = await of(120);
    const { computed } = await of(80, 120);
    expect(computed?.services).toBe(120);
    expect((computed?.makespanSeconds ?? 0) / simulated.makespanSeconds).toBeCloseTo(1, 1);
  });
});

describe("the command", () => {
  const run = promisify(execFile);
  const command = (...args: string[]) => run(process.execPath, ["bench/rehearse/main.ts", ...args]);

  it("prints both policies' figures, and exits with 0", async () => {
    const { stdout, stderr } = await command("--services", "24", "--regions", "2", "--rotation");
    expect(stdout).toContain("rotation of 24 services in 2 regions, unlimited policy");
    expect(stdout).toContain("rotation of 24 services in 2 regions, default policy");
    expect(stdout.match(/verdict +passed/g)).toHaveLength(2);
    expect(stderr).toContain("policy: rotate-");
  }, 60_000);

  it("names wrong options in its errors", async () => {
    await expect(parseArguments(["--services", "0", "--rotation"])).rejects.toThrow("--services");
    await expect(parseArguments(["--regions", "9", "--rotation"])).rejects.toThrow("--regions");
    await expect(parseArguments(["--services", "10"])).rejects.toThrow("--rotation, --upgrade or both");
    await expect(parseArguments(["--rotation", "--faults", "no-such-file.json"])).rejects.toThrow("no-such-file.json");
    await expect(parseArguments(["--rotation", "--faults", "package.json"])).rejects.toThrow(
      "not a list of fault rules",
    );
    await expect(parseArguments(["--speed"])).rejects.toThrow("--speed");
    expect(await parseArguments(["--help"])).toBeUndefined();
  });

  it("marks a computed time as not simulated", async () => {
    const figures = await only({ ...small, services: 10, computeFor: 1000 });
    const text = rehearsalText([figures], { wallSeconds: 1, cpuSeconds: 1, peakMemoryMiB: 1 });
    expect(text).toMatch(/computed for 1,000 services +\d\d:\d\d:\d\d \(not simulated\)/);
  });
});
