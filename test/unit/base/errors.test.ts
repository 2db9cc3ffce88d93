import { describe, expect, it } from "vitest";
import {
  AutopilotError,
  asAutopilotError,
  type FailureCode,
  failureCodeOf,
  failures,
  RETRYABLE_ERROR,
  TERMINAL_ERROR,
  THROTTLED_ERROR,
} from "../../../shared/base/errors.ts";
import { failureText } from "../../../shared/base/failure-fixes.ts";

const codes = Object.entries(failures);

describe("every failure", () => {
  it.each(codes)("%s has a sentence and a fix", (code, { sentence }) => {
    const { fix } = failureText(code) ?? { fix: "" };
    for (const text of [sentence, fix]) expect(text).toMatch(/^([A-Z]|ztunnel|autopilot\.config).*\.$/s);
  });

  it.each(codes)("%s has a message with its code, its sentence and the detail", (code, { sentence, retryable }) => {
    // Object.entries loses the type of the keys.
    const error = new AutopilotError(code as FailureCode, "the thing");
    expect(error.message).toBe(`${code}: ${sentence} the thing`);
    if (code !== "throttled") expect(error.name).toBe(retryable ? RETRYABLE_ERROR : TERMINAL_ERROR);
    expect(failureCodeOf(error.message)).toBe(code);
  });

  it("of a throttled call has a name of its own, because it is retried for longer", () => {
    const error = new AutopilotError("throttled", "x");
    expect(error.name).toBe(THROTTLED_ERROR);
    expect(error.retryable).toBe(true);
    expect(new Set([THROTTLED_ERROR, RETRYABLE_ERROR, TERMINAL_ERROR]).size).toBe(3);
  });
});

describe("an error", () => {
  it("has no longer text than what carries it: a log line, an execution's cause, a message", () => {
    const { message, detail } = new AutopilotError("malformed-event", "🦄".repeat(100_000));
    for (const text of [message, detail]) expect(text.length).toBeLessThan(2200);
    expect(detail).toMatch(/^🦄+… \(200000 characters\)$/u);
    expect(new AutopilotError("malformed-event", "x".repeat(2000)).detail).toBe("x".repeat(2000));
  });

  it("keeps its cause", () => {
    const cause = new Error("socket");
    expect(new AutopilotError("aws-unavailable", "x", { cause }).cause).toBe(cause);
  });

  it("of ours is not changed, and any other becomes unexpected-error with its cause", () => {
    const own = new AutopilotError("throttled", "x");
    expect(asAutopilotError(own)).toBe(own);
    const foreign = new TypeError("x is undefined");
    expect(asAutopilotError(foreign)).toMatchObject({
      code: "unexpected-error",
      detail: "TypeError: x is undefined",
      cause: foreign,
      retryable: true,
    });
    expect(asAutopilotError("text")).toMatchObject({ code: "unexpected-error", detail: "text" });
  });
});

describe("a text that doesn't begin with a code of ours", () => {
  it.each([
    "",
    "throttled",
    "throttledX",
    "superseded by somebody",
    "Error: throttled: x",
    "toString: x",
    "constructor: x",
  ])("has no code: %j", (text) => {
    expect(failureCodeOf(text)).toBeUndefined();
  });
});
