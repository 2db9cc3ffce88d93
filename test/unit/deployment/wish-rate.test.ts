import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { wishRate } from "../../../shared/deployment/wish-rate.ts";
import { OBSERVED, revisionArn } from "../../support/arns.ts";
import { NOON } from "../../support/times.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const wish = { taskDefinitionArn: OBSERVED, attemptKey: "wish" };
const six = [0, 5, 10, 15, 20, 25].map((minutes) => NOON + minutes * MINUTE);
const state = { lastGoodRevisionArn: OBSERVED, wishRolls: six };

describe("rolls that tags ask for", () => {
  it("are six within an hour, then one when the oldest is an hour ago", () => {
    const later = { case: "later", notBeforeMs: NOON + HOUR, rolls: 6 };
    expect(wishRate(state, wish, NOON + 30 * MINUTE)).toEqual(later);
    expect(wishRate(state, wish, NOON + HOUR - 1)).toEqual(later);
    const next = { case: "start", wishRolls: [...six.slice(1), NOON + HOUR] };
    expect(wishRate(state, wish, NOON + HOUR)).toEqual(next);
  });

  it.each([
    ["a service that was never rolled", undefined],
    ["a service that somebody has deployed since", { ...state, lastGoodRevisionArn: revisionArn("web", 9) }],
    ["a failed attempt, which has delays of its own", { ...state, failedAttemptKey: "wish" }],
  ])("are not limited for %s", (_what, given) => {
    expect(wishRate(given, wish, NOON + 30 * MINUTE)).toEqual({ case: "unlimited" });
  });

  it("never are more than six within any hour, and one comes within an hour", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 * MINUTE }), { maxLength: 60 }), (pauses) => {
        let nowMs = NOON;
        let wishRolls: number[] = [];
        const started: number[] = [];
        for (const pause of pauses) {
          nowMs += pause;
          const rate = wishRate({ lastGoodRevisionArn: OBSERVED, wishRolls }, wish, nowMs);
          if (rate.case === "later") expect(rate.notBeforeMs).toBeLessThanOrEqual(nowMs + HOUR);
          if (rate.case !== "start") continue;
          wishRolls = rate.wishRolls;
          started.push(nowMs);
        }
        for (const from of started)
          expect(started.filter((ms) => ms >= from && ms < from + HOUR).length).toBeLessThanOrEqual(6);
      }),
    );
  });
});
