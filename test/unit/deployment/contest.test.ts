import { describe, expect, it } from "vitest";
import { judgeCorrection } from "../../../shared/deployment/contest.ts";
import type { Corrections } from "../../../shared/model/service-state.ts";
import { NOON } from "../../support/times.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The minutes at which corrections are made by `until`, where the content is deployed again a minute after each. */
function correctedAt(untilMinute: number, contentOf: (minute: number) => string = () => "theirs"): readonly number[] {
  const made: number[] = [];
  let state: Corrections | undefined;
  for (let minute = 0; minute < untilMinute; minute += 1) {
    const found = judgeCorrection(state, contentOf(minute), { maxPerHour: 3, nowMs: NOON + minute * MINUTE });
    if (found.case === "correct") made.push(minute);
    state = found.case === "correct" ? found.corrections : (found.waits ?? state);
  }
  return made;
}

describe("corrections of a service", () => {
  it("of the same content are three within an hour, then one after each wait, which doubles", () => {
    expect(correctedAt(12 * 60)).toEqual([0, 1, 2, 63, 184, 425]);
  });

  it("of other content each time are made at once", () => {
    expect(correctedAt(60, (minute) => `build ${minute}`)).toHaveLength(60);
  });

  it("that are rare are made at once", () => {
    let state: Corrections | undefined;
    for (let hour = 0; hour < 48; hour += 1) {
      const found = judgeCorrection(state, "theirs", { maxPerHour: 3, nowMs: NOON + hour * 30 * MINUTE });
      if (found.case !== "correct") throw new Error(`not corrected at ${hour}`);
      state = found.corrections;
    }
  });

  it("begin again a day after the last wait", () => {
    const state = { content: "theirs", atMs: [NOON], waits: 5, untilMs: NOON + HOUR };
    const later = judgeCorrection(state, "theirs", { maxPerHour: 3, nowMs: NOON + 26 * HOUR });
    expect(later).toEqual({ case: "correct", corrections: { content: "theirs", atMs: [NOON + 26 * HOUR], waits: 0 } });
  });
});
