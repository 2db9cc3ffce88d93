import { afterEach, describe, expect, it, vi } from "vitest";
import { ScaledClock } from "../clock/scaled-clock.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("virtual clock", () => {
  it("wakes sleepers in the order of their time, and of their call where times are equal", async () => {
    const clock = new VirtualClock(1000);
    const woken: string[] = [];
    const sleep = async (name: string, ms: number) => {
      await clock.sleep(ms);
      woken.push(`${name}@${clock.now()}`);
    };
    const delays = [30, 10, 20, 10, 0, 25, 10, 5];
    await clock.run(Promise.all(delays.map((ms, index) => sleep(`${index}`, ms))));
    expect(woken).toEqual(["4@1000", "7@1005", "1@1010", "3@1010", "6@1010", "2@1020", "5@1025", "0@1030"]);
  });

  it("keeps the order over many sleepers of which some are aborted", async () => {
    const clock = new VirtualClock();
    const woken: number[] = [];
    const sleepers = Array.from({ length: 5000 }, (_, index) => {
      const abort = new AbortController();
      const ms = (index * 7919) % 5003;
      const asleep = clock.sleep(ms, abort.signal).then(
        () => void woken.push(ms),
        () => undefined,
      );
      return { abort, asleep };
    });
    for (const [index, { abort }] of sleepers.entries()) if (index % 3 !== 0) abort.abort(new Error("not needed"));
    await clock.run(Promise.all(sleepers.map(({ asleep }) => asleep)));
    expect(woken).toHaveLength(1667);
    expect(woken).toEqual(woken.toSorted((a, b) => a - b));
  });

  it("rejects an aborted sleep with the signal's reason and does not wait for it", async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    const asleep = clock.sleep(5000, abort.signal);
    abort.abort(new Error("enough"));
    await expect(asleep).rejects.toThrow("enough");
    await expect(clock.sleep(1, abort.signal)).rejects.toThrow("enough");
    await clock.run(clock.sleep(10));
    expect(clock.now()).toBe(10);
  });

  it("reports a deadlock with the time and the open busy sections", async () => {
    const clock = new VirtualClock(Date.parse("2026-01-01T00:00:00Z"));
    const never = clock.sleep(1000).then(() => new Promise<void>(() => {}));
    clock.busy();
    await expect(clock.run(never)).rejects.toThrow(/deadlock: at 2026-01-01T00:00:01.000Z .*1 busy section/);
  });

  it("passes on what the awaited promise rejects with", async () => {
    const clock = new VirtualClock();
    const failing = clock.sleep(5).then(() => Promise.reject(new Error("no luck")));
    await expect(clock.run(failing)).rejects.toThrow("no luck");
  });

  it("stands still while real input or output is under way", async () => {
    const clock = new VirtualClock();
    const { promise: answered, resolve: answer } = Promise.withResolvers<number>();
    const alarm = clock.sleep(1000);
    const reading = clock.hold(answered).then(() => clock.now());
    const running = clock.run(Promise.all([reading, alarm]));
    for (let turns = 0; turns < 100; turns++) await turn();
    expect(clock.now()).toBe(0);
    answer(1);
    expect((await running)[0]).toBe(0);
    expect(clock.now()).toBe(1000);
  });

  it("lets what real input or output was awaited for run before time moves, however impatient it is", async () => {
    const clock = new VirtualClock(0, { quietTurns: 0, busyTurns: 0 });
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    const alarm = clock.sleep(1000);
    const read = async () => {
      await clock.hold(answered);
      await Promise.resolve();
      return clock.now();
    };
    const running = clock.run(Promise.all([read(), alarm]));
    await turn();
    answer();
    expect((await running)[0]).toBe(0);
  });

  it("gives promise chains one turn when the options say that there is nothing else", async () => {
    const clock = new VirtualClock(0, { quietTurns: 0, busyTurns: 0 });
    const steps: number[] = [];
    const work = async () => {
      const leave = clock.busy();
      for (let step = 0; step < 3; step++) {
        for (let link = 0; link < 50; link++) await Promise.resolve();
        steps.push(clock.now());
        await clock.sleep(10);
      }
      leave();
    };
    await clock.run(Promise.all([work(), clock.sleep(15)]));
    expect(steps).toEqual([0, 10, 20]);
  });

  it("waits for a busy section that takes several turns of the event loop", async () => {
    const clock = new VirtualClock();
    const work = async () => {
      const leave = clock.busy();
      for (let turns = 0; turns < 10; turns++) await turn();
      leave();
      return clock.now();
    };
    const [finishedAt] = await clock.run(Promise.all([work(), clock.sleep(1000)]));
    expect(finishedAt).toBe(0);
  });

  it("lets a busy section sleep on the clock itself", async () => {
    const clock = new VirtualClock();
    const work = async () => {
      const leave = clock.busy();
      await turn();
      await clock.sleep(200);
      leave();
      leave();
      return clock.now();
    };
    expect(await clock.run(work())).toBe(200);
  });

  it("settles up to a time, with everything due run and nothing else", async () => {
    const clock = new VirtualClock();
    const woken: number[] = [];
    const repeat = async () => {
      for (;;) {
        await clock.sleep(10);
        woken.push(clock.now());
      }
    };
    void repeat();
    await clock.settle();
    expect(woken).toEqual([]);
    await clock.advance(25);
    expect([woken, clock.now()]).toEqual([[10, 20], 25]);
    await clock.settle(40);
    expect([woken, clock.now()]).toEqual([[10, 20, 30, 40], 40]);
  });

  it("refuses a second driver, whose jumps would be the first one's surprise", async () => {
    const clock = new VirtualClock();
    const first = clock.run(clock.sleep(10));
    await expect(clock.advance(5)).rejects.toThrow("already driven");
    await first;
  });
});

describe("scaled clock", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const fake = () => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });

  it("runs faster than the wall by its speed", async () => {
    fake();
    const clock = new ScaledClock(60, { startMs: 5_000 });
    const asleep = clock.sleep(60_000).then(() => clock.now());
    await vi.advanceTimersByTimeAsync(999);
    expect(clock.now()).toBe(5_000 + 59_940);
    await vi.advanceTimersByTimeAsync(1);
    expect(await asleep).toBe(65_000);
  });

  it("skips over time and wakes the sleepers that are due, the earliest first", async () => {
    fake();
    const clock = new ScaledClock(1, { startMs: 0 });
    const woken: string[] = [];
    const sleeps = [
      clock.sleep(3_000).then(() => woken.push("b")),
      clock.sleep(1_000).then(() => woken.push("a")),
      clock.sleep(9_000).then(() => woken.push("c")),
    ];
    clock.advance(5_000);
    await Promise.all(sleeps.slice(0, 2));
    expect([woken, clock.now()]).toEqual([["a", "b"], 5_000]);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(woken).toEqual(["a", "b", "c"]);
  });

  it("sleeps for longer than one timer can", async () => {
    fake();
    const clock = new ScaledClock(1, { startMs: 0 });
    const days = 60 * 24 * 3600 * 1000;
    let awake = false;
    void clock.sleep(days).then(() => {
      awake = true;
    });
    await vi.advanceTimersByTimeAsync(days - 1);
    expect(awake).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(awake).toBe(true);
  });

  it("rejects an aborted sleep with the signal's reason", async () => {
    fake();
    const clock = new ScaledClock(1);
    const abort = new AbortController();
    const asleep = clock.sleep(1000, abort.signal);
    abort.abort(new Error("enough"));
    await expect(asleep).rejects.toThrow("enough");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("wakes nobody once it was stopped", async () => {
    fake();
    const clock = new ScaledClock(1);
    let awake = 0;
    const wake = () => {
      awake += 1;
    };
    void clock.sleep(1000).then(wake);
    clock.stop();
    void clock.sleep(1000).then(wake);
    expect(vi.getTimerCount()).toBe(0);
    clock.advance(5000);
    await vi.advanceTimersByTimeAsync(5000);
    expect(awake).toBe(0);
  });

  it("refuses a speed that is not a positive number", () => {
    expect(() => new ScaledClock(0)).toThrow(RangeError);
    expect(() => new ScaledClock(Number.POSITIVE_INFINITY)).toThrow(RangeError);
  });
});
