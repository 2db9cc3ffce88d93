import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  afterFailure,
  afterSharedFailure,
  afterSuccess,
  attemptKeyOf,
  isSharedFailure,
  nextAttempt,
} from "../../../shared/deployment/attempts.ts";
import { executionName } from "../../../shared/deployment/execution-name.ts";

const MINUTE = 60_000;
const policy = { attemptDelaysMinutes: [15, 60, 360] };
const attemptKey = attemptKeyOf("arn:7", "content");

describe("attempts", () => {
  it("of a situation that never failed start at once", () => {
    expect(nextAttempt(undefined, attemptKey, 0)).toEqual({ start: true });
  });

  it("that a shared dependency has kept from deploying wait for a few minutes, and are not counted", () => {
    const failed = afterFailure(undefined, attemptKey, 0, policy);
    const state = { failedAttemptKey: attemptKey, consecutiveFailures: 1, notBefore: failed.notBefore };
    for (const known of [undefined, state]) {
      const patch = afterSharedFailure(known, attemptKey, 0);
      expect(patch).toMatchObject({ consecutiveFailures: known?.consecutiveFailures ?? 0, notBefore: 5 * MINUTE });
    }
    expect(["throttled", "aws-unavailable", "control-plane-unreachable", "invalid-pem"].every(isSharedFailure)).toBe(
      true,
    );
    expect(["application-failed", "access-denied", "unexpected-error", "secret-denied"].some(isSharedFailure)).toBe(
      false,
    );
  });

  it("of a situation that failed wait longer each time, and the last delay repeats", () => {
    let state: Parameters<typeof afterFailure>[0];
    const waits = [1, 2, 3, 4, 5].map((consecutiveFailures) => {
      const patch = afterFailure(state, attemptKey, 0, policy);
      expect(patch.consecutiveFailures).toBe(consecutiveFailures);
      state = { failedAttemptKey: attemptKey, consecutiveFailures: consecutiveFailures, notBefore: patch.notBefore };
      expect(nextAttempt(state, attemptKey, patch.notBefore - 1)).toEqual({
        start: false,
        notBeforeMs: patch.notBefore,
      });
      expect(nextAttempt(state, attemptKey, patch.notBefore)).toEqual({ start: true });
      return patch.notBefore / MINUTE;
    });
    expect(waits).toEqual([15, 60, 360, 360, 360]);
  });

  it("of another situation start at once and count from one", () => {
    const state = { failedAttemptKey: attemptKey, consecutiveFailures: 4, notBefore: 1e12 };
    const other = attemptKeyOf("arn:8", "content");
    expect(nextAttempt(state, other, 0)).toEqual({ start: true });
    expect(afterFailure(state, other, 0, policy)).toEqual({
      failedAttemptKey: other,
      consecutiveFailures: 1,
      notBefore: 15 * MINUTE,
    });
  });

  it("are forgotten after a success", () => {
    expect(afterSuccess()).toEqual({ failedAttemptKey: null, consecutiveFailures: 0, notBefore: null });
  });

  it("belong to one situation for equal revision and content only", () => {
    expect(attemptKeyOf("arn:7", "content")).toBe(attemptKey);
    expect(attemptKeyOf("arn:8", "content")).not.toBe(attemptKey);
    expect(attemptKeyOf("arn:7", "other")).not.toBe(attemptKey);
  });
});

describe("executionName", () => {
  const serviceNames = fc.stringMatching(/^[A-Za-z0-9_-]{1,255}$/);
  const situations = fc.record({
    serviceArn: serviceNames.map((name) => `arn:aws:ecs:us-east-1:123456789012:service/prod/${name}`),
    observedRevisionArn: fc.string(),
    desiredContent: fc.string(),
    attempt: fc.nat(),
  });

  it("is one that Step Functions takes, and the same for the same situation", () => {
    fc.assert(
      fc.property(situations, (any) => {
        expect(executionName(any)).toMatch(/^[0-9A-Za-z_-]{1,80}$/);
        expect(executionName({ ...any })).toBe(executionName(any));
      }),
    );
  });

  it("differs in the service, the revision, the content and the attempt", () => {
    fc.assert(
      fc.property(situations, (any) => {
        const others = [
          { ...any, serviceArn: any.serviceArn.replace("us-east-1", "eu-west-1") },
          { ...any, observedRevisionArn: `${any.observedRevisionArn}1` },
          { ...any, desiredContent: `${any.desiredContent}1` },
          { ...any, attempt: any.attempt + 1 },
        ];
        expect(new Set([any, ...others].map(executionName)).size).toBe(5);
      }),
    );
  });

  it("begins with the service's name", () => {
    const serviceArn = "arn:aws:ecs:us-east-1:123456789012:service/prod/web";
    const name = executionName({ serviceArn, observedRevisionArn: "r", desiredContent: "c", attempt: 0 });
    expect(name).toMatch(/^web-0-[0-9a-f]{32}$/);
  });
});
