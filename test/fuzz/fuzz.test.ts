import { describe, expect, it } from "vitest";
import { subjects } from "./subjects.ts";

const RUNS = 400;

// `npm run fuzz` sends more, from other seeds.
describe("odd input", () => {
  it.each(subjects)("is taken or refused by name: $name", async ({ cost, fuzz }) => {
    const { failure, answers } = await fuzz({ runs: Math.ceil(RUNS / cost), seed: 7 });
    expect(failure).toBeUndefined();
    // What refuses everything, or nothing, was sent the wrong things. A few runs of an expensive subject don't show it.
    if (cost < 100) expect(Object.keys(answers).length).toBeGreaterThan(1);
  });
});
