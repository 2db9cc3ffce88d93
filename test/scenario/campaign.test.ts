import { describe, expect, it } from "vitest";
import { knownViolations } from "../../lab/campaign/known.ts";
import { keepsRecords, runOf } from "../../lab/campaign/run.ts";
import { plantedFaults } from "../planted/faults.ts";

// CI plays further seeds by the campaign's own command.
const RUNS = 100;
const CHUNK = 25;
const firstSeeds = Array.from({ length: RUNS / CHUNK }, (_, index) => 1 + index * CHUNK);

describe.each(firstSeeds)("random actions and faults, from seed %i on", (first) => {
  it.each(Array.from({ length: CHUNK }, (_, index) => first + index))(
    "seed %i: every invariant holds at the end",
    async (seed) => {
      const { broken } = await runOf(seed, { keepRecords: keepsRecords(seed) });
      expect(broken, `npm run campaign -- --replay ${seed} --verbose`).toEqual([]);
    },
  );
});

describe("what needs two calls at the wrong moment", () => {
  it.each(plantedFaults)("$race: holds where the fault, once planted, shows (seed $seed)", async ({ seed }) => {
    const { broken } = await runOf(seed, { keepRecords: keepsRecords(seed) });
    expect(broken, `npm run campaign -- --replay ${seed} --verbose`).toEqual([]);
  });
});

/** Runs that were broken once. */
const mended = [
  ["a verification that fails on the last good revision waits longer each time", 1_200_095],
  ["a rollback may read the secret of the identity to which it returns", 1_200_447],
  ["a sweep leaves the claim of a roll that plans: of two new services, the second is refused", 7_201_353],
  ["a sweep leaves the claim of a roll that plans: nobody else gets the account later", 8_200_705],
] as const;

describe("a run that was broken once", () => {
  it.each(mended)("%s (seed %i)", async (_what, seed) => {
    const { broken } = await runOf(seed, { keepRecords: keepsRecords(seed) });
    expect(broken, `npm run campaign -- --replay ${seed} --verbose`).toEqual([]);
  });
});

describe("a violation that is known", () => {
  it("shows with its seed", async () => {
    for (const one of knownViolations) {
      const { known } = await runOf(one.seed, { keepRecords: false });
      expect(known, `Take "${one.invariant}" from lab/campaign/known.ts, or find another seed`).toContain(one);
    }
  });
});

describe("a run of the campaign", () => {
  it("depends only on its seed, whether or not its records are kept", async () => {
    const runs = [await runOf(14, { keepRecords: false }), await runOf(14, { keepRecords: true })];
    expect(new Set(runs.map(({ digest }) => digest)).size).toBe(1);
    expect(runs[0]?.timeline.length).toBeGreaterThan(20);
    expect((await runOf(12, { keepRecords: false })).digest).not.toBe(runs[0]?.digest);
  });
});
