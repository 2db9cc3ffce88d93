import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type * as z from "zod";
import { parsed } from "../../../../functions/input.ts";
import { AutopilotError } from "../../../../shared/base/errors.ts";
import {
  applyInput,
  awaitInput,
  failureOf,
  finishInput,
  planInput,
  revertInput,
  verifyInput,
} from "../../../../shared/use-cases/roll/steps.ts";
import { web } from "../../../support/arns.ts";
import { planOf, watchOf } from "../../../support/endings.ts";

const step = { serviceArn: web.serviceArn, executionName: "roll" };
const plan = planOf();
const watch = watchOf();
const failure = { error: "Autopilot.Terminal", cause: "x" };

/** The input of every step, as the state machine gives it. */
const inputs = {
  plan: [planInput, { ...step, rollout: null }],
  apply: [applyInput, { ...step, plan }],
  await: [awaitInput, { ...step, taskToken: "t", watch, pollCount: 0 }],
  verify: [verifyInput, { ...step, watch, since: "2026-11-21T04:00:00.000Z" }],
  revert: [revertInput, { ...step, plan, watch: null, failure, cause: null }],
  finish: [
    finishInput,
    {
      ...step,
      attemptKey: "",
      rollout: null,
      plan: null,
      watch: null,
      outcome: "failed",
      failure,
      firstFailure: null,
      cause: null,
    },
  ],
} as const;

describe.each(Object.entries<readonly [z.ZodType, Readonly<Record<string, unknown>>]>(inputs))(
  "the input of the step %s",
  (name, [schema, good]) => {
    it("is taken as it is", () => {
      expect(parsed(schema, good)).toEqual(good);
    });

    // A roll that began before these were known says nothing of them. What ends one needs little.
    const ending = ["watch", "failure", "cause", ...(name === "finish" ? ["attemptKey", "plan", "outcome"] : [])];
    const optional = ["rollout", "firstFailure", ...(name === "revert" || name === "finish" ? ending : [])];
    it.each(Object.keys(good).filter((key) => !optional.includes(key)))(
      "without %s is malformed, and the error names it",
      (key) => {
        expect(() => parsed(schema, { ...good, [key]: undefined })).toThrow(
          expect.objectContaining({ code: "malformed-event", detail: expect.stringContaining(key) }),
        );
      },
    );

    it("with anything else in a member is either taken or malformed, and never quoted", () => {
      const secret = "c2VjcmV0LXRva2Vu";
      const odd = fc.oneof(fc.constant(secret), fc.constant({ [secret]: 1 }), fc.constant([secret]), fc.integer());
      fc.assert(
        fc.property(fc.constantFrom(...Object.keys(good)), odd, (key, value) => {
          try {
            parsed(schema, { ...good, [key]: value });
          } catch (error) {
            expect(error).toBeInstanceOf(AutopilotError);
            expect(error).toMatchObject({ code: "malformed-event", detail: expect.not.stringContaining(secret) });
          }
        }),
      );
    });

    it.each([null, undefined, "text", 7, [], {}])("is malformed when it is %j", (input) => {
      expect(() => parsed(schema, input)).toThrow(expect.objectContaining({ code: "malformed-event" }));
    });
  },
);

describe("why a step failed", () => {
  const error = new AutopilotError("access-denied", "UpdateService");
  const thrown = JSON.stringify({ errorType: error.name, errorMessage: error.message, trace: ["at x"] });

  it.each([
    ["nothing is known", null, { code: "unexpected-error", detail: "" }],
    [
      "a verdict",
      { verdict: "failed", code: "deployment-failed", detail: "why" },
      { code: "deployment-failed", detail: "why" },
    ],
    [
      "a verdict without a code",
      { verdict: "failed", code: null, detail: "why" },
      { code: "unexpected-error", detail: "why" },
    ],
    [
      "an error of ours",
      { error: error.name, cause: thrown },
      { code: "access-denied", detail: "AWS denied the call. UpdateService" },
    ],
    [
      "a timeout, which has no cause",
      { error: "States.Timeout", cause: "" },
      { code: "unexpected-error", detail: "States.Timeout: " },
    ],
    [
      "a cause that Lambda has cut",
      { error: "Runtime.ExitError", cause: '{"errorMessage": "RequestId' },
      { code: "unexpected-error", detail: 'Runtime.ExitError: {"errorMessage": "RequestId' },
    ],
    [
      "an error of somebody else",
      { error: "TypeError", cause: JSON.stringify({ errorMessage: "x is undefined" }) },
      { code: "unexpected-error", detail: "TypeError: x is undefined" },
    ],
  ] as const)("is read from %s", (_what, input, expected) => {
    expect(failureOf(input)).toEqual(expected);
  });
});
