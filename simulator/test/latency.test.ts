import { describe, expect, it } from "vitest";
import { Faults } from "../base/faults.ts";
import { seededRandom } from "../base/random.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";
import { Latency } from "../core/latency.ts";

const WRITE = { call: "ecs.UpdateService", account: "123456789012", region: "us-east-1" };

function latency(on: boolean, seed = 1) {
  const clock = new VirtualClock();
  const faults = new Faults(() => clock.now());
  return { clock, faults, latency: new Latency({ clock, random: seededRandom(seed), faults, on }) };
}

/** How long each of many calls takes before its effect, and in all. */
async function timesOf(seed: number, calls = 500) {
  const { clock, latency: ways } = latency(true, seed);
  const times: { readonly before: number; readonly total: number }[] = [];
  const measure = async () => {
    for (let nth = 0; nth < calls; nth += 1) {
      const startMs = clock.now();
      const effectMs = await ways.around(WRITE, () => clock.now());
      times.push({ before: effectMs - startMs, total: clock.now() - startMs });
    }
  };
  await clock.run(measure());
  return times;
}

describe("calls that take time", () => {
  it("take some milliseconds before and after their effect, and in a few calls seconds", async () => {
    const times = await timesOf(1);
    const sorted = times.map(({ total }) => total).sort((a, b) => a - b);
    expect(sorted[0]).toBeGreaterThan(0);
    expect(sorted[250]).toBeLessThan(60);
    expect(sorted.at(-1)).toBeGreaterThan(1000);
    expect(times.every(({ before, total }) => before > 0 && before < total)).toBe(true);
  });

  it("take what the seed decides", async () => {
    expect(await timesOf(7)).toEqual(await timesOf(7));
    expect(await timesOf(7)).not.toEqual(await timesOf(8));
  });

  it("have their effects in an order of their own", async () => {
    const { clock, latency: ways } = latency(true, 3);
    const effects: number[] = [];
    const calls = Array.from({ length: 20 }, (_, nth) => ways.around(WRITE, () => effects.push(nth)));
    await clock.run(Promise.all(calls));
    expect(effects).toHaveLength(20);
    expect(effects).not.toEqual([...effects].sort((a, b) => a - b));
  });

  it("are late with their errors, too", async () => {
    const { clock, latency: ways } = latency(true);
    const refused = async () => {
      await expect(
        ways.around(WRITE, () => {
          throw new Error("refused");
        }),
      ).rejects.toThrow("refused");
      return clock.now();
    };
    expect(await clock.run(refused())).toBeGreaterThan(1);
  });
});

describe("calls that take none", () => {
  it("have their effect at once", () => {
    const { latency: ways } = latency(false);
    expect(ways.around(WRITE, () => "done")).toBe("done");
  });

  it.each([
    ["before", { effect: 10_000, answer: 10_000 }],
    ["after", { effect: 0, answer: 10_000 }],
  ] as const)("are slow %s their effect by a rule of slow-call", async (when, expected) => {
    const { clock, faults, latency: ways } = latency(false);
    faults.add({ kind: "slow-call", match: { call: "ecs.*" }, when, delaySeconds: 10, count: 1 });
    const slow = async () => {
      const effect = await ways.around(WRITE, () => clock.now());
      return { effect, answer: clock.now() };
    };
    expect(await clock.run(slow())).toEqual(expected);
    expect(
      ways.around(WRITE, () => clock.now()),
      "the rule has no strike left",
    ).toBe(10_000);
  });
});
