import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exceeded } from "../../../shared/rollout/budget.ts";

const counts = { wave: "eu-west-1 50%", waveSize: 20, waveFailed: 0, total: 100, totalFailed: 0 };
/** In tenths of a percent. */
const percents = fc.integer({ min: 1, max: 1000 });
const wave = (waveFailed: number) => ({ ...counts, waveFailed, totalFailed: waveFailed });

describe("a failure budget", () => {
  it("is exceeded by a larger share of a wave than its percentage, and says so", () => {
    expect(exceeded({ perWave: { percent: 10 } }, wave(2))).toBeUndefined();
    expect(exceeded({ perWave: { percent: 10 } }, wave(4))).toEqual({
      code: "budget-exceeded",
      detail: "4 of 20 services of wave eu-west-1 50% failed, the budget allows 10 %",
    });
  });

  it("is exceeded by more failures than its count, and says so", () => {
    expect(exceeded({ inAll: { count: 5 } }, { ...counts, totalFailed: 5 })).toBeUndefined();
    expect(exceeded({ inAll: { count: 5 } }, { ...counts, totalFailed: 6 })?.detail).toBe(
      "6 of 100 services failed, the budget allows 5",
    );
  });

  it("is exceeded by either of a count and a percentage", () => {
    const either = { perWave: { count: 3, percent: 50 } };
    expect(exceeded(either, wave(3))).toBeUndefined();
    expect(exceeded(either, wave(4))?.detail).toContain("allows 3");
    expect(exceeded({ perWave: { count: 30, percent: 50 } }, wave(11))?.detail).toContain("allows 50 %");
  });

  it("counts failures of all waves, also where each wave is within its own", () => {
    const budget = { perWave: { count: 2 }, inAll: { percent: 5 } };
    expect(exceeded(budget, { ...counts, waveFailed: 2, totalFailed: 6 })?.detail).toBe(
      "6 of 100 services failed, the budget allows 5 %",
    );
  });

  it("that allows none is exceeded by the first failure, and not without one", () => {
    expect(exceeded({ perWave: { count: 0 } }, wave(0))).toBeUndefined();
    expect(exceeded({ perWave: { count: 0 } }, wave(1))).toBeDefined();
    expect(exceeded({ perWave: { count: 0, percent: 1 } }, { ...counts, waveSize: 0 })).toBeUndefined();
  });

  it("without a limit is never exceeded", () => {
    expect(exceeded({}, { ...counts, waveFailed: 20, totalFailed: 100 })).toBeUndefined();
  });

  it("allows its percentage where that is not exact as a float", () => {
    const counted = { ...counts, waveSize: 375, waveFailed: 69 };
    expect(exceeded({ perWave: { percent: 18.4 } }, counted)).toBeUndefined();
    expect(exceeded({ perWave: { percent: 18.4 } }, { ...counted, waveFailed: 70 })).toBeDefined();
  });

  it("allows one failure of fewer than ten services where it is a percentage, which would mean nothing", () => {
    fc.assert(
      fc.property(percents, fc.integer({ min: 1, max: 9 }), fc.nat(9), (tenths, waveSize, failed) => {
        const over = exceeded({ perWave: { percent: tenths / 10 } }, { ...counts, waveSize, waveFailed: failed });
        expect(over !== undefined).toBe(failed > 1);
      }),
    );
    const few = { ...counts, waveSize: 3, waveFailed: 2 };
    expect(exceeded({ perWave: { percent: 10 } }, few)?.detail).toBe(
      "2 of 3 services of wave eu-west-1 50% failed, the budget allows 1 of fewer than 10",
    );
    expect(exceeded({ perWave: { count: 0, percent: 10 } }, { ...few, waveFailed: 1 })).toBeDefined();
  });

  it("allows no failure of the canaries that the rollout chose, unless there is no budget at all", () => {
    const failed = { ...counts, wave: "canary", waveSize: 30, waveFailed: 1, chosenFailed: 1 };
    expect(exceeded({ perWave: { percent: 50 } }, failed)?.detail).toBe(
      "1 of the canaries that the rollout chose failed",
    );
    expect(exceeded({ perWave: { percent: 50 } }, { ...failed, chosenFailed: 0 })).toBeUndefined();
    expect(exceeded({}, failed)).toBeUndefined();
  });

  it("compares shares exactly, without floating-point errors", () => {
    fc.assert(
      fc.property(percents, fc.integer({ min: 10, max: 10_000 }), fc.nat(10_000), (tenths, waveSize, failed) => {
        const over = exceeded({ perWave: { percent: tenths / 10 } }, { ...counts, waveSize, waveFailed: failed });
        expect(over !== undefined).toBe(failed * 1000 > tenths * waveSize);
      }),
      { numRuns: 1000 },
    );
  });
});
