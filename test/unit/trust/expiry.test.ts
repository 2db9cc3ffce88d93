import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBundle } from "../../../shared/trust/bundle.ts";
import { daysUntilFirstEnd, expiringSince } from "../../../shared/trust/expiry.ts";
import { bundle } from "../../support/meshes.ts";

const DAY_MS = 86_400_000;
const one = parseBundle(bundle("a"));
const end = Date.parse(one.certificates[0].notAfter);
const [{ fingerprint256 }] = one.certificates;
const notified = (days: number) => ({ [fingerprint256]: days });

describe("a root certificate that expires", () => {
  it.each([
    [90.01, undefined, undefined],
    [90, 90, 90],
    [89.5, 90, 90],
    [30, 30, 30],
    [29.2, 30, 30],
    [14, 14, 14],
    [7, 7, 7],
    [1, 1, 1],
    [0.2, 1, 1],
    [0, 0, 0],
    [-2.5, 0, -2],
  ])("in %s days has reached the threshold of %s days", (days, thresholdDays, daysLeft) => {
    const [found] = expiringSince(one, {}, end - days * DAY_MS);
    expect(found?.thresholdDays).toBe(thresholdDays);
    expect(found?.daysLeft === undefined ? undefined : found.daysLeft + 0).toBe(daysLeft);
  });

  it("is reported once at each threshold, and again at the next one", () => {
    expect(expiringSince(one, notified(30), end - 20 * DAY_MS)).toEqual([]);
    expect(expiringSince(one, notified(30), end - 14 * DAY_MS)).toMatchObject([{ thresholdDays: 14 }]);
    expect(expiringSince(one, notified(1), end + DAY_MS)).toMatchObject([{ thresholdDays: 0 }]);
    expect(expiringSince(one, notified(0), end + DAY_MS)).toEqual([]);
  });

  it("is reported independently of others in the bundle", () => {
    const two = parseBundle(bundle("ac"));
    const both = two.certificates.map(({ fingerprint256: name }) => name);
    const found = expiringSince(two, notified(30), end - 29 * DAY_MS);
    expect(found.map(({ certificate }) => certificate.fingerprint256)).toEqual(
      both.filter((name) => name !== fingerprint256),
    );
  });

  it("is reported at most six times, after any number of checks", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -10, max: 120 }), { minLength: 1 }), (days) => {
        let known: Record<string, number> = {};
        let times = 0;
        for (const left of days.sort((a, b) => b - a)) {
          for (const { thresholdDays } of expiringSince(one, known, end - left * DAY_MS)) {
            known = notified(thresholdDays);
            times += 1;
          }
        }
        const nearest = Math.min(...days);
        expect(times).toBeLessThanOrEqual(6);
        expect(times > 0).toBe(nearest <= 90);
      }),
    );
  });
});

describe("the days until a bundle expires", () => {
  it("are those of the certificate that expires first, and can be negative", () => {
    const two = parseBundle(bundle("ac"));
    const ends = two.certificates.map(({ notAfter }) => Date.parse(notAfter));
    const first = Math.min(...ends);
    expect(daysUntilFirstEnd(two, first - 20 * DAY_MS)).toBe(20);
    expect(daysUntilFirstEnd(two, first - 19.2 * DAY_MS)).toBe(20);
    expect(daysUntilFirstEnd(two, first + 3 * DAY_MS)).toBe(-3);
  });
});
