import type { Context } from "aws-lambda";
import { describe, expect, it } from "vitest";
import { instrument, type Step } from "../../../functions/middleware.ts";
import { createInstruments } from "../../../functions/observability.ts";
import { AutopilotError } from "../../../shared/base/errors.ts";
import { isJsonObject, type JsonObject } from "../../../shared/base/json.ts";

const context: Context = {
  functionName: "reconcile-service",
  awsRequestId: "request-1",
  functionVersion: "1",
  invokedFunctionArn: "arn",
  memoryLimitInMB: "512",
  logGroupName: "group",
  logStreamName: "stream",
  callbackWaitsForEmptyEventLoop: false,
  getRemainingTimeInMillis: () => 1000,
  done: () => undefined,
  fail: () => undefined,
  succeed: () => undefined,
};

/** A handler of the step, and the lines that it writes. */
function handlerOf(step: Step) {
  const lines: JsonObject[] = [];
  const take = (line: unknown) => {
    const parsed: unknown = JSON.parse(String(line));
    if (isJsonObject(parsed)) lines.push(parsed);
  };
  const sink = { debug: take, info: take, log: take, warn: take, error: take, trace: take };
  const instruments = createInstruments("reconcile-service", "ztunnel-autopilot-dev");
  // Powertools has no option for its output.
  Reflect.set(instruments.logger, "console", sink);
  Reflect.set(instruments.metrics, "console", sink);
  const handler = instrument(instruments, step);
  const logged = () => lines.filter((line) => !("_aws" in line));
  const measured = () => lines.filter((line) => "_aws" in line);
  return { run: (event: unknown) => handler(event, context), logged, measured };
}

const SECRET = "c2VjcmV0LWJvb3RzdHJhcC10b2tlbg==";

describe("a handler", () => {
  it("returns what its step returns", async () => {
    const { run } = handlerOf(async (event) => ({ got: isJsonObject(event) ? (event.a ?? null) : null }));
    expect(await run({ a: 1 })).toEqual({ got: 1 });
  });

  it("logs an error once, with its code, and rethrows it", async () => {
    const { run, logged } = handlerOf(async () => {
      throw new AutopilotError("malformed-event", "no detail");
    });
    await expect(run({ token: SECRET })).rejects.toMatchObject({ code: "malformed-event", name: "Autopilot.Terminal" });
    expect(logged()).toEqual([
      expect.objectContaining({
        level: "ERROR",
        code: "malformed-event",
        retryable: false,
        message: expect.stringContaining("no detail"),
        function_request_id: "request-1",
      }),
    ]);
  });

  it("logs a retryable error as a warning", async () => {
    const { run, logged } = handlerOf(async () => {
      throw new AutopilotError("throttled", "DescribeServices");
    });
    await expect(run({})).rejects.toMatchObject({ name: "Autopilot.Throttled" });
    expect(logged().map(({ level }) => level)).toEqual(["WARN"]);
  });

  it("turns an unknown error into unexpected-error with its cause", async () => {
    const cause = new TypeError("x is undefined");
    const { run, logged } = handlerOf(async () => {
      throw cause;
    });
    await expect(run({})).rejects.toMatchObject({ code: "unexpected-error", cause });
    expect(logged()).toHaveLength(1);
  });

  it("counts failures by code", async () => {
    const { run, measured } = handlerOf(async () => {
      throw new AutopilotError("throttled", "x");
    });
    await expect(run({})).rejects.toThrow();
    expect(measured()).toEqual([
      {
        _aws: {
          Timestamp: expect.any(Number),
          CloudWatchMetrics: [
            {
              Namespace: "ZtunnelAutopilot",
              Dimensions: [["service", "code"]],
              Metrics: [{ Name: "Failures", Unit: "Count" }],
            },
          ],
        },
        service: "ztunnel-autopilot-dev",
        code: "throttled",
        Failures: 1,
      },
    ]);
  });

  it("publishes the metrics that were recorded before a failure", async () => {
    const { run, measured } = handlerOf(async (_event, { measure }) => {
      measure.record("QuotaWait", 3, {});
      throw new AutopilotError("throttled", "x");
    });
    await expect(run({})).rejects.toThrow();
    expect(measured()).toContainEqual(expect.objectContaining({ QuotaWait: 3, service: "ztunnel-autopilot-dev" }));
  });

  it("writes nothing of the event, whether it succeeds or fails", async () => {
    const event = { detail: { token: SECRET } };
    const good = handlerOf(async (_event, { log }) => {
      log.info("done");
      return null;
    });
    await good.run(event);
    const bad = handlerOf(async () => {
      throw new AutopilotError("malformed-event", "detail.serviceArn");
    });
    await expect(bad.run(event)).rejects.toThrow();
    expect(JSON.stringify([good.logged(), bad.logged(), bad.measured()])).not.toContain(SECRET);
  });

  it.each(["succeeds", "fails"])("forgets the keys of an invocation that %s", async (how) => {
    const { run, logged } = handlerOf(async (event, { log }) => {
      if (event === "first") {
        log.appendKeys({ serviceArn: "web" });
        if (how === "fails") throw new AutopilotError("throttled", "x");
      }
      log.info(String(event));
      return null;
    });
    await run("first").catch(() => undefined);
    await run("second");
    const [first, second] = logged();
    expect(first).toMatchObject({ serviceArn: "web" });
    expect(second).toMatchObject({ message: "second" });
    expect(second).not.toHaveProperty("serviceArn");
  });
});
