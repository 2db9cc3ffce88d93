import { describe, expect, it } from "vitest";
import { mostCalls, quietSweep, sumOf } from "../../bench/sweeps.ts";

describe("a sweep that finds nothing to do", () => {
  it("makes at most a tenth more calls than for services and secrets alone", async () => {
    const measured = await quietSweep(200);
    expect(sumOf(measured), JSON.stringify([...measured.calls])).toBeLessThanOrEqual(mostCalls(200) ?? 0);
  });
});
