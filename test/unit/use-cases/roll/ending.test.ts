import { describe, expect, it } from "vitest";
import { attemptKeyOf } from "../../../../shared/deployment/attempts.ts";
import type { FinishInput } from "../../../../shared/use-cases/roll/steps.ts";
import { endingWith, finishPlan, planOf, success, watchOf } from "../../../support/endings.ts";

const failure = { verdict: "failed", code: "tasks-stopping", detail: "3 tasks failed in a row." } as const;
const cause = { code: "ztunnel-unhealthy", sentence: "ztunnel is UNHEALTHY." };
const refusals = [{ reason: "identity-conflict", detail: "bound to another" }];

describe("the ending of a roll", () => {
  it.each<[string, Partial<FinishInput>, object]>([
    ["succeeded", { plan: planOf(), watch: watchOf() }, { reason: "enroll", sentence: "" }],
    ["refused", { plan: finishPlan("refused", "identity-conflict") }, { reason: "identity-conflict" }],
    ["superseded", { plan: finishPlan("superseded", "changed-since") }, { reason: "changed-since" }],
    ["superseded", { plan: planOf() }, { reason: "superseded", sentence: "" }],
    ["reverted", { plan: planOf(), failure, cause }, { reason: cause.code, sentence: cause.sentence }],
    ["reverted", { plan: planOf(), failure }, { reason: failure.code, sentence: failure.detail }],
    ["revert-failed", { failure, cause }, { reason: failure.code, sentence: `${cause.sentence} ${failure.detail}` }],
    ["revert-failed", { failure }, { reason: failure.code, sentence: failure.detail }],
    ["failed", { failure }, { reason: failure.code, sentence: failure.detail }],
  ])("that %s has its reason", (outcome, given, expected) => {
    expect(endingWith({ outcome, ...given })).toMatchObject({ outcome, ...expected });
  });

  it("with an unknown outcome is a failure", () => {
    expect(endingWith({ outcome: "reverting", failure })).toMatchObject({ outcome: "failed", reason: failure.code });
  });

  it("has the deployment that carried the plan out, if it succeeded", () => {
    expect(success().deployed).toEqual({ plan: planOf(), watch: watchOf() });
    expect(endingWith({ outcome: "reverted", plan: planOf(), watch: watchOf() }).deployed).toBeUndefined();
    expect(endingWith({ outcome: "succeeded", plan: planOf() }).deployed).toBeUndefined();
  });

  it("has its refusals, if its plan refused it", () => {
    const plan = finishPlan("refused", "identity-conflict", refusals);
    expect(endingWith({ outcome: "refused", plan }).refusals).toEqual(refusals);
    expect(endingWith({ outcome: "superseded", plan }).refusals).toBeUndefined();
  });

  it("is counted under what was planned within a rollout, and under what started the roll elsewhere", () => {
    const rollout = { id: "upgrade-1", ordinal: 0, phase: "forward" } as const;
    expect(endingWith({ rollout, plan: planOf() }).attemptKey).toBe("planned-attempt");
    expect(endingWith({ rollout }).attemptKey).toBe("started-attempt");
    expect(endingWith({ plan: planOf() }).attemptKey).toBe("started-attempt");
  });

  it("of a verification that fails where there is nothing to return to is counted under it: the next one waits", () => {
    const plan = planOf({ change: "verify", observedRevisionArn: "web:2", pinnedRevisionArn: "web:2", content: "c" });
    expect(endingWith({ outcome: "reverted", plan }).attemptKey).toBe("started-attempt");
    const returned = endingWith({ outcome: "reverted", plan: { ...plan, pinnedRevisionArn: "web:1" } });
    expect(returned.attemptKey).toBe(attemptKeyOf("web:1", "c"));
  });
});
