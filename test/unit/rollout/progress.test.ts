import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type RolloutServiceStatus, rolloutServiceStatuses, rolloutStatuses } from "../../../shared/model/rollout.ts";
import { etaMs, progressOf } from "../../../shared/rollout/progress.ts";
import { rollout, rolloutService, wave } from "../../support/rollouts.ts";

const MINUTE_MS = 60_000;
const start = Date.parse("2026-03-01T12:00:00Z");
const minute = (count: number) => new Date(start + count * MINUTE_MS).toISOString();

const twoWaves = rollout({
  serviceCount: 6,
  waves: [wave("canary", 0, 1, "done"), wave("rest", 2, 5, "rolling")],
  nextWaveIndex: 1,
});
const rolled = (ordinal: number, at: number, status: RolloutServiceStatus, from: number, to?: number) =>
  rolloutService(ordinal, {
    waveIndex: at,
    status,
    startedAt: minute(from),
    ...(to === undefined ? {} : { finishedAt: minute(to) }),
  });
/** The canary took 4 minutes for two, then baked; the second wave has done one in 2 minutes. */
const halfway = [
  rolled(0, 0, "succeeded", 0, 3),
  rolled(1, 0, "reverted", 1, 4),
  rolled(2, 1, "succeeded", 20, 22),
  rolled(3, 1, "rolling", 20),
  rolloutService(4, { waveIndex: 1 }),
];

describe("progress", () => {
  it("counts services by status, in all and by wave", () => {
    const progress = progressOf(twoWaves, halfway);
    expect(progress).toMatchObject({
      status: "running",
      total: 6,
      counts: { succeeded: 2, reverted: 1, rolling: 1, waiting: 2, stuck: 0 },
      done: 0.5,
    });
    const none = { skipped: 0, rolledBack: 0, stuck: 0 };
    expect(progress.waves).toMatchObject([
      { name: "canary", state: "done", size: 2, succeeded: 1, failed: 1, rolling: 0, waiting: 0, ...none },
      { name: "rest", state: "rolling", size: 4, succeeded: 1, failed: 0, rolling: 1, waiting: 2, ...none },
    ]);
  });

  it("counts those that nothing has verified apart from those that run with it", () => {
    const night = [rolled(0, 0, "unverified", 0, 3), rolled(1, 0, "succeeded", 1, 4)];
    expect(progressOf(twoWaves, night).waves[0]).toMatchObject({ succeeded: 1, unverified: 1, size: 2 });
  });

  it("counts services that it does not get as waiting", () => {
    expect(progressOf(twoWaves, [])).toMatchObject({ counts: { waiting: 6 }, done: 0 });
  });

  it("during a rollback is the share of what is to be rolled back", () => {
    const back = rollout({ ...twoWaves, status: "rolling-back" });
    const statuses = [
      "rolled-back",
      "left",
      "stuck",
      "rolling-back",
      "succeeded",
      "reverted",
      "skipped",
      "waiting",
    ] as const;
    const services = statuses.map((status, ordinal) => rolloutService(ordinal, { status }));
    expect(progressOf({ ...back, serviceCount: 8 }, services).done).toBe(0.6);
  });

  it("of nothing is complete once the rollout has ended", () => {
    expect(progressOf(rollout({ status: "completed" }), []).done).toBe(1);
    expect(progressOf(rollout({ status: "running" }), []).done).toBe(0);
    expect(progressOf(rollout({ status: "rolled-back", serviceCount: 3 }), []).done).toBe(1);
  });

  it("adds up for all combinations of statuses", () => {
    const services = fc.array(fc.record({ status: fc.constantFrom(...rolloutServiceStatuses), known: fc.boolean() }), {
      minLength: 1,
      maxLength: 30,
    });
    fc.assert(
      fc.property(services, fc.constantFrom(...rolloutStatuses), (all, status) => {
        const middle = Math.floor(all.length / 2);
        const waves = [wave("one", 0, middle, "rolling"), wave("two", middle + 1, all.length - 1, "waiting")];
        const items = all.flatMap(({ status: own, known }, ordinal) =>
          known ? [rolloutService(ordinal, { status: own, waveIndex: ordinal > middle ? 1 : 0 })] : [],
        );
        const progress = progressOf(rollout({ status, serviceCount: all.length, waves }), items);
        const sum = Object.values(progress.counts).reduce((total, count) => total + count, 0);
        expect(sum).toBe(all.length);
        expect(progress.waves.reduce((total, { size }) => total + size, 0)).toBe(all.length);
        for (const {
          size,
          succeeded,
          unverified,
          failed,
          skipped,
          rolling,
          waiting,
          rolledBack,
          stuck,
        } of progress.waves) {
          expect(succeeded + unverified + failed + skipped + rolling + waiting + rolledBack + stuck).toBe(size);
        }
        expect(progress.done).toBeGreaterThanOrEqual(0);
        expect(progress.done).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe("the time that a rollout still takes", () => {
  const now = start + 26 * MINUTE_MS;

  it("is what is left at the mean pace so far, without the bakes in between, and the bakes to come", () => {
    // 3 services in 4 + 6 minutes; 3 are left; the second wave bakes for 10.
    expect(etaMs(progressOf(twoWaves, halfway), { bakeMinutes: 10 }, now)).toBe(20 * MINUTE_MS);
  });

  it("has the rest of a bake in it, and every bake to come", () => {
    const waves = [wave("canary", 0, 1, "baking"), wave("rest", 2, 5, "waiting")];
    const progress = progressOf(rollout({ serviceCount: 6, waves }), halfway.slice(0, 2));
    // 2 services in 4 minutes; 4 are left; 7 of 10 minutes of the bake are left, and another bake.
    expect(etaMs(progress, { bakeMinutes: 10 }, start + 7 * MINUTE_MS)).toBe((8 + 7 + 10) * MINUTE_MS);
    // A bake that is over and not judged yet takes no time off.
    expect(etaMs(progress, { bakeMinutes: 10 }, start + 16 * MINUTE_MS)).toBe((8 + 10) * MINUTE_MS);
  });

  it("is unknown before the first service was rolled", () => {
    const first = [rolled(0, 0, "rolling", 0), rolloutService(1, { status: "skipped" })];
    expect(etaMs(progressOf(twoWaves, first), { bakeMinutes: 10 }, now)).toBeUndefined();
  });

  it.each(rolloutStatuses.filter((status) => status !== "running"))("is unknown while the rollout is %s", (status) => {
    expect(etaMs(progressOf({ ...twoWaves, status }, halfway), { bakeMinutes: 10 }, now)).toBeUndefined();
  });
});
