import { describe, expect, it } from "vitest";
import type { FleetSighting } from "../../../shared/model/rollout.ts";
import { afterSighting, standingOf } from "../../../shared/rollout/contested.ts";
import { NOON } from "../../support/times.ts";

const MINUTE = 60_000;
const MAX = 3;

/** After the values were read, one every `everyMinutes`. */
function readAll(values: readonly string[], everyMinutes: number): FleetSighting {
  const sighting = values.reduce<FleetSighting | undefined>(
    (before, value, index) => afterSighting(before, { value, shown: value }, NOON + index * everyMinutes * MINUTE),
    undefined,
  );
  if (!sighting) throw new Error("no values");
  return sighting;
}

describe("a value of the fleet", () => {
  it("is settled with as many changes within an hour as the policy allows, and contested with one more", () => {
    expect(standingOf(readAll(["a"], 5), MAX)).toBe("settled");
    expect(standingOf(readAll(["a", "b", "a", "b"], 5), MAX)).toBe("settled");
    expect(standingOf(readAll(["a", "b", "a", "b", "a"], 5), MAX)).toBe("contested");
    expect(standingOf(readAll(["a", "b", "a", "b", "a"], 25), MAX)).toBe("settled");
    expect(standingOf(readAll(["a", "b", "b", "b", "a"], 5), MAX)).toBe("settled");
  });

  it("rests once an hour has no more changes than that", () => {
    const contested = { ...readAll(["a", "b", "a", "b", "a"], 5), contestedSince: new Date(NOON).toISOString() };
    const at = (minutes: number) => afterSighting(contested, { value: "a", shown: "a" }, NOON + minutes * MINUTE);
    expect(standingOf(at(60), MAX)).toBe("contested");
    expect(standingOf(at(66), MAX)).toBe("rests");
  });

  it("has two values for people, the newest last", () => {
    expect(readAll(["a", "b", "a"], 5)).toMatchObject({ shownBefore: "b", shown: "a" });
    expect(readAll(["a"], 5).shownBefore).toBeUndefined();
    const one = afterSighting(readAll(["a", "b"], 5), { value: "b2", shown: "b" }, NOON + 10 * MINUTE);
    expect(one).toMatchObject({ shownBefore: "a", shown: "b" });
  });
});
