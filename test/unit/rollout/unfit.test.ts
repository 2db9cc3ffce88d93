import { describe, expect, it } from "vitest";
import { believed } from "../../../shared/rollout/unfit.ts";

const well = (count: number) => Array.from({ length: count }, (_, index) => ({ serviceArn: `well-${index}` }));
const unfit = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ serviceArn: `unfit-${index}`, unfit: "0 of 2 tasks run." }));

describe("services that did not run well before", () => {
  it("are believed to be their owners' while at least half of the fleet runs well", () => {
    const half = [...well(2), ...unfit(2)];
    expect(believed(half)).toEqual(half);
  });

  it("count as fit where most of the fleet is not: a lost zone leaves canaries and a budget", () => {
    const most = [...well(2), ...unfit(3)];
    expect(believed(most)).toEqual(most.map(({ serviceArn }) => ({ serviceArn })));
  });
});
