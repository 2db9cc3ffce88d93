import { Faults, Latency, VirtualClock } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import { LambdaRuntime } from "../../../lab/lambda/runtime.ts";
import type { Json } from "../../../shared/base/json.ts";

/** Functions that take a minute each; how many of each ran at a time, and how often they were begun. */
function runtime(reservedConcurrency: Readonly<Record<string, number>> = {}) {
  const clock = new VirtualClock();
  const seen = { most: 0, begun: 0 };
  let running = 0;
  const work = async (event: unknown): Promise<Json> => {
    seen.begun += 1;
    running += 1;
    seen.most = Math.max(seen.most, running);
    await clock.sleep(60_000);
    running -= 1;
    if (event === "bad") throw new Error("it fails");
    return null;
  };
  const faults = new Faults(() => clock.now());
  const random = () => 0.5;
  const lambda = new LambdaRuntime({
    clock,
    random,
    faults,
    latency: new Latency({ clock, random, faults, on: false }),
    functions: { slow: () => work },
    reservedConcurrency,
    inSandbox: (_, run) => run(),
    arnOf: (name) => `arn:aws:lambda:us-east-1:123456789012:function:${name}`,
  });
  return { clock, lambda, seen };
}

describe("the lab's Lambda", () => {
  it("runs asynchronous invocations side by side", async () => {
    const { clock, lambda, seen } = runtime();
    await clock.run(Promise.all([1, 2, 3, 4, 5].map((event) => lambda.invokeAsync("slow", event))));
    expect(seen).toEqual({ most: 5, begun: 5 });
  });

  it("keeps what comes while a function is at its reserved concurrency, in its order", async () => {
    const { clock, lambda, seen } = runtime({ slow: 2 });
    await clock.run(Promise.all([1, 2, 3, 4, 5].map((event) => lambda.invokeAsync("slow", event))));
    expect(seen).toEqual({ most: 2, begun: 5 });
    expect(clock.now()).toBeGreaterThanOrEqual(3 * 60_000);
  });

  it("gives the turn on when an invocation fails, and buries the third failure", async () => {
    const { clock, lambda, seen } = runtime({ slow: 1 });
    await clock.run(Promise.all(["bad", "good"].map((event) => lambda.invokeAsync("slow", event))));
    expect(seen).toEqual({ most: 1, begun: 4 });
    expect(lambda.deadLetters).toMatchObject([{ attempts: 3, payload: "bad" }]);
  });

  it("starts another sandbox if one ends after it has answered: a call of it was still under way", async () => {
    const clock = new VirtualClock();
    const faults = new Faults(() => clock.now());
    const random = () => 0.5;
    faults.add({ kind: "lambda-crash", match: { call: "slow.Call" }, when: "after", count: 1 });
    const lambda = new LambdaRuntime({
      clock,
      random,
      faults,
      latency: new Latency({ clock, random, faults, on: false }),
      functions: {
        hasty: (sandbox) => async () => {
          // Nobody waits for this call, as for the others of a Promise.all that has failed.
          void sandbox.call("slow.Call", () => clock.sleep(1000));
          return sandbox.call("fast.Call", async () => "answered");
        },
      },
      timeoutSeconds: { hasty: 60 },
      inSandbox: (_, run) => run(),
      arnOf: (name) => `arn:aws:lambda:us-east-1:123456789012:function:${name}`,
    });
    const twice = async () => {
      const first = await lambda.invoke("hasty", null);
      await clock.sleep(5000);
      return [first, await lambda.invoke("hasty", null)];
    };
    expect(await clock.run(twice())).toEqual(["answered", "answered"]);
  });
});
