import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { freezeProblems, openWindow } from "../../../shared/config/freeze.ts";
import type { FreezeWindow } from "../../../shared/config/rollout-policy.ts";

const MINUTE_MS = 60_000;
const at = (text: string) => Date.parse(text);

function freeze(cron: string, durationMinutes: number, timeZone = "UTC"): FreezeWindow {
  return { cron, durationMinutes, timeZone };
}

/** The end of the freeze, as ISO text without seconds. */
function untilOf(windows: readonly FreezeWindow[], now: string): string | undefined {
  const open = openWindow(windows, at(now));
  return open && new Date(open.until).toISOString().slice(0, 16);
}

describe("a freeze window", () => {
  it("is open from its start until just before its end", () => {
    const friday = [freeze("0 18 * * FRI", 60)];
    expect(untilOf(friday, "2026-03-06T17:59:59.999Z")).toBeUndefined();
    expect(untilOf(friday, "2026-03-06T18:00:00Z")).toBe("2026-03-06T19:00");
    expect(untilOf(friday, "2026-03-06T18:59:59.999Z")).toBe("2026-03-06T19:00");
    expect(untilOf(friday, "2026-03-06T19:00:00Z")).toBeUndefined();
  });

  it("can be open for days, across the end of a year", () => {
    expect(untilOf([freeze("0 0 20 DEC *", 14 * 24 * 60)], "2027-01-02T23:00:00Z")).toBe("2027-01-03T00:00");
  });

  it("follows its time zone, in winter and in summer", () => {
    const berlin = [freeze("0 18 * * *", 60, "Europe/Berlin")];
    expect(untilOf(berlin, "2026-01-10T17:30:00Z")).toBe("2026-01-10T18:00");
    expect(untilOf(berlin, "2026-07-10T16:30:00Z")).toBe("2026-07-10T17:00");
    expect(untilOf(berlin, "2026-07-10T17:30:00Z")).toBeUndefined();
  });

  it("lasts for its duration when the clocks change", () => {
    const weekend = [freeze("0 18 * * FRI", 54 * 60, "Europe/Berlin")];
    expect(untilOf(weekend, "2026-03-29T00:00:00Z")).toBe("2026-03-29T23:00");
    expect(untilOf(weekend, "2026-10-25T00:00:00Z")).toBe("2026-10-25T22:00");
  });

  it("that begins in a skipped hour begins after that hour", () => {
    const berlin = [freeze("30 2 * * *", 60, "Europe/Berlin")];
    expect(untilOf(berlin, "2026-03-29T00:59:00Z")).toBeUndefined();
    expect(untilOf(berlin, "2026-03-29T01:00:00Z")).toBe("2026-03-29T02:00");
  });

  it("that begins in a repeated hour begins twice", () => {
    const berlin = [freeze("30 2 * * *", 30, "Europe/Berlin")];
    expect(untilOf(berlin, "2026-10-25T00:30:00Z")).toBe("2026-10-25T01:00");
    expect(untilOf(berlin, "2026-10-25T01:00:00Z")).toBeUndefined();
    expect(untilOf(berlin, "2026-10-25T01:30:00Z")).toBe("2026-10-25T02:00");
  });

  it("with a step or a list has the same rule for skipped and repeated hours", () => {
    const steps = [freeze("*/30 2 * * *", 20, "America/New_York")];
    expect(untilOf(steps, "2026-03-08T06:59:00Z")).toBeUndefined();
    expect(untilOf(steps, "2026-03-08T07:00:00Z")).toBe("2026-03-08T07:20");
    const list = [freeze("15,45 1 * * *", 10, "America/New_York")];
    expect(untilOf(list, "2026-11-01T05:15:00Z")).toBe("2026-11-01T05:25");
    expect(untilOf(list, "2026-11-01T06:45:00Z")).toBe("2026-11-01T06:55");
    expect(untilOf(list, "2026-11-01T07:15:00Z")).toBeUndefined();
  });

  it("depends only on the given time: no clock is read, and no timer is started", () => {
    const nights = [freeze("0 22 * * *", 60, "Europe/Berlin")];
    vi.useFakeTimers();
    try {
      const atSystemTime = (text: string) => {
        vi.setSystemTime(text);
        return untilOf(nights, "2026-03-06T21:30:00Z");
      };
      expect(atSystemTime("1999-12-31T12:00:00Z")).toBe("2026-03-06T22:00");
      expect(atSystemTime("2050-01-01T21:30:00Z")).toBe("2026-03-06T22:00");
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("is merged with windows that overlap or follow it", () => {
    const night = freeze("0 22 * * *", 180);
    const morning = freeze("0 1 * * *", 300);
    const noon = freeze("0 12 * * *", 60);
    expect(untilOf([morning, noon, night], "2026-03-06T23:00:00Z")).toBe("2026-03-07T06:00");
    expect(openWindow([morning, noon, night], at("2026-03-06T23:00:00Z"))?.window).toBe(night);
  });

  it("that is reported is the open one that ends last", () => {
    const [short, long] = [freeze("0 12 * * *", 60), freeze("0 12 * * *", 120)];
    expect(openWindow([short, long, short], at("2026-03-06T12:10:00Z"))?.window).toBe(long);
  });

  it("that never closes is checked again after 31 days", () => {
    expect(untilOf([freeze("*/15 * * * *", 15)], "2026-03-01T00:00:00Z")).toBe("2026-04-01T00:00");
    expect(untilOf([freeze("0 0 * * *", 20 * 24 * 60)], "2026-03-01T06:00:00Z")).toBe("2026-04-01T06:00");
  });

  it.each<[string, string, string]>([
    ["0 0 1,15 * *", "2026-03-15T00:10:00Z", "2026-03-16T00:10:00Z"],
    ["0 0 * * 1-5", "2026-03-02T00:10:00Z", "2026-03-07T00:10:00Z"],
    ["0 0 * * FRI-SUN", "2026-03-08T00:10:00Z", "2026-03-05T00:10:00Z"],
    ["0 0 * * 0", "2026-03-08T00:10:00Z", "2026-03-07T00:10:00Z"],
    ["0 0 * * 7", "2026-03-08T00:10:00Z", "2026-03-07T00:10:00Z"],
    ["*/20 8-18/5 * * *", "2026-03-07T13:41:00Z", "2026-03-07T14:41:00Z"],
    ["0 0 * nov,Dec *", "2026-11-30T00:10:00Z", "2026-10-31T00:10:00Z"],
    // With both day fields restricted, either one matches: the 13th, or a Friday.
    ["0 0 13 * FRI", "2026-04-13T00:10:00Z", "2026-04-14T00:10:00Z"],
    ["0 0 13 * FRI", "2026-04-10T00:10:00Z", "2026-04-11T00:10:00Z"],
    // A star with a step counts as unrestricted, so that both must match: odd days that are Fridays.
    ["0 0 */2 * FRI", "2026-03-13T00:10:00Z", "2026-03-15T00:10:00Z"],
    ["0 0 */2 * FRI", "2026-03-27T00:10:00Z", "2026-03-06T00:10:00Z"],
    ["0 0 29 2 *", "2028-02-29T00:10:00Z", "2027-03-01T00:10:00Z"],
  ])("with cron `%s` is open at %s and not at %s", (cron, open, closed) => {
    expect(openWindow([freeze(cron, 19)], at(open))).toBeDefined();
    expect(openWindow([freeze(cron, 19)], at(closed))).toBeUndefined();
  });

  it.each([
    ["0 18 * *", "five fields"],
    ["0 18 * * FRI 2026", "five fields"],
    ["0  18 * * FRI", "five fields"],
    ["60 18 * * *", "minute: 60"],
    ["0 24 * * *", "hour: 24"],
    ["0 0 0 * *", "day of the month: 0"],
    ["0 0 1 13 *", "month: 13"],
    ["0 0 1 MON *", "month: MON"],
    ["0 0 * * 8", "day of the week: 8"],
    ["0 18-8 * * *", "hour: 18-8"],
    ["*/0 * * * *", "minute: */0"],
    ["5/10 * * * *", "minute: 5/10"],
    ["1,,2 * * * *", "minute: an empty part"],
    ["*-5 * * * *", "minute: *-5"],
    ["-1 * * * *", "minute: -1"],
    ["1.5 * * * *", "minute: 1.5"],
    ["*/90 * * * *", "minute: */90"],
    ["0 0 * * 5-0", "day of the week: 5-0"],
    // Extensions of croner to crontab(5).
    ["@daily", "five fields"],
    ["0 0 0 * * FRI", "five fields"],
    ["0 0 L * *", "day of the month: L"],
    ["0 0 15W * *", "day of the month: 15W"],
    ["0 0 ? * FRI", "day of the month: ?"],
    ["0 0 * * FRI#2", "day of the week: FRI#2"],
    ["0 0 * * 5L", "day of the week: 5L"],
    ["0 0 13 * +FRI", "day of the week: +FRI"],
    ["2026-01-01T00:00 * * * *", "minute: 2026-01-01T00:00"],
    ["0 0 30,31 2 *", "no such date"],
    ["0 0 31 4 */2", "no such date"],
  ])("with cron `%s` has a problem", (cron, problem) => {
    expect(freezeProblems({ cron, timeZone: "UTC" })).toEqual([
      { field: "cron", problem: expect.stringContaining(problem) },
    ]);
    expect(() => openWindow([freeze(cron, 60)], 0)).toThrow(RangeError);
  });

  it("with an unknown time zone has a problem", () => {
    expect(freezeProblems({ cron: "0 0 * * *", timeZone: "Europe/Atlantis" })).toEqual([
      { field: "timeZone", problem: "Europe/Atlantis is not an IANA time zone, as `Europe/Berlin` is" },
    ]);
  });
});

/** A time zone's wall clock, minute by minute around a change of its offset. */
interface WallClock {
  readonly timeZone: string;
  readonly fromMs: number;
  /** The wall clock's time in each minute, as if it were UTC. */
  readonly shown: readonly number[];
}

const DAYS = 8;

function wallClock(timeZone: string, change: string): WallClock {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" });
  const fromMs = at(change) - (DAYS / 2) * 24 * 60 * MINUTE_MS;
  const shown = Array.from({ length: DAYS * 24 * 60 }, (_, minute) =>
    at(`${format.format(fromMs + minute * MINUTE_MS).replace(" ", "T")}Z`),
  );
  return { timeZone, fromMs, shown };
}

const clocks = [
  wallClock("UTC", "2026-02-28T12:00Z"),
  wallClock("Asia/Kathmandu", "2026-12-31T12:00Z"),
  wallClock("Europe/Berlin", "2026-03-29T01:00Z"),
  wallClock("Europe/Berlin", "2026-10-25T01:00Z"),
  wallClock("America/New_York", "2026-11-01T06:00Z"),
  wallClock("America/Santiago", "2026-09-06T04:00Z"),
  wallClock("Australia/Lord_Howe", "2026-10-03T15:30Z"),
];

interface Fields {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly weekdays: readonly number[] | undefined;
  readonly durationMinutes: number;
}

const some = (max: number, maxLength: number) => fc.uniqueArray(fc.nat(max), { minLength: 1, maxLength });
const fieldsArbitrary: fc.Arbitrary<Fields> = fc.record({
  minutes: some(59, 3),
  hours: some(23, 4),
  weekdays: fc.option(some(6, 3), { nil: undefined }),
  durationMinutes: fc.integer({ min: 1, max: 900 }),
});

function openings({ minutes, hours, weekdays }: Fields, { shown }: WallClock): readonly boolean[] {
  const matches = (wallMs: number) => {
    const date = new Date(wallMs);
    return (
      minutes.includes(date.getUTCMinutes()) &&
      hours.includes(date.getUTCHours()) &&
      (weekdays?.includes(date.getUTCDay()) ?? true)
    );
  };
  return shown.map((wallMs, index) => {
    const before = index === 0 ? wallMs - MINUTE_MS : (shown[index - 1] ?? 0);
    if (matches(wallMs)) return true;
    for (let skipped = before + MINUTE_MS; skipped < wallMs; skipped += MINUTE_MS) if (matches(skipped)) return true;
    return false;
  });
}

/** The minutes in which any of the windows is open. */
function frozenMinutes(all: readonly Fields[], clock: WallClock): readonly boolean[] {
  const frozen: boolean[] = clock.shown.map(() => false);
  for (const fields of all) {
    openings(fields, clock).forEach((opens, index) => {
      if (opens) frozen.fill(true, index, index + fields.durationMinutes);
    });
  }
  return frozen;
}

describe("freeze windows", () => {
  it("are open at every moment from their start to their end", () => {
    const weekdays = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
    const expressions: readonly ((wall: Date) => string)[] = [
      (wall) => `${wall.getUTCMinutes()} ${wall.getUTCHours()} ${wall.getUTCDate()} ${wall.getUTCMonth() + 1} *`,
      (wall) => `${wall.getUTCMinutes()} ${wall.getUTCHours()} * * ${weekdays[wall.getUTCDay()]}`,
      (wall) => `${wall.getUTCMinutes()} * * * *`,
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...clocks),
        fc.nat(DAYS * 24 * 60 - 1),
        fc.constantFrom(...expressions),
        fc.integer({ min: 1, max: 31 * 24 * 60 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (clock, minute, expression, durationMinutes, part) => {
          const startMs = clock.fromMs + minute * MINUTE_MS;
          const window = freeze(expression(new Date(clock.shown[minute] ?? 0)), durationMinutes, clock.timeZone);
          const inside = startMs + Math.floor(part * durationMinutes * MINUTE_MS);
          const open = openWindow([window], inside);
          expect(open?.window).toBe(window);
          expect(open?.until).toBeGreaterThanOrEqual(startMs + durationMinutes * MINUTE_MS);
        },
      ),
    );
  });

  it("are open exactly in the minutes that a check of every minute finds", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...clocks),
        fc.array(fieldsArbitrary, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 900, max: DAYS * 24 * 60 - 1 }),
        fc.nat(MINUTE_MS - 1),
        (clock, all, minute, millis) => {
          const frozen = frozenMinutes(all, clock);
          const windows = all.map(({ minutes, hours, weekdays, durationMinutes }) =>
            freeze(`${minutes} ${hours} * * ${weekdays ?? "*"}`, durationMinutes, clock.timeZone),
          );
          const open = openWindow(windows, clock.fromMs + minute * MINUTE_MS + millis);
          expect(open !== undefined).toBe(frozen[minute]);
          const end = frozen.indexOf(false, minute);
          if (open && end >= 0) expect(open.until).toBe(clock.fromMs + end * MINUTE_MS);
        },
      ),
      { numRuns: 300 },
    );
  });
});
