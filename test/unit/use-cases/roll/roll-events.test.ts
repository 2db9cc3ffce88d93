import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rollOutcomes } from "../../../../shared/model/service-state.ts";
import { rollEvent } from "../../../../shared/use-cases/roll/roll-events.ts";
import { NAME, OBSERVED, web } from "../../../support/arns.ts";
import { TARGET } from "../../../support/deployments.ts";
import { endingWith, finishPlan, planOf, success, watchOf } from "../../../support/endings.ts";
import { NOW } from "../../../support/times.ts";

const failure = { verdict: "failed", code: "tasks-stopping", detail: "no" } as const;
const cause = { code: "ztunnel-unhealthy", sentence: "ztunnel is UNHEALTHY." };
const rollout = { id: "upgrade-1", ordinal: 0, phase: "forward" } as const;
const refused = finishPlan("refused", "bad-tag", [
  { reason: "bad-tag", detail: "namespace" },
  { reason: "no-longer-known", detail: "of an older version" },
]);

describe("the event of a roll's end", () => {
  const sidecar = { namespace: "shop", serviceAccount: "web", secretVersionId: "b".repeat(64) };

  it("of an enrollment has both revisions and the sidecar", () => {
    expect(rollEvent(web, success(), {})).toMatchObject({
      detailType: "Service Enrolled",
      detail: { executionName: NAME, taskDefinitionArn: TARGET, previousTaskDefinitionArn: OBSERVED, ...sidecar },
    });
  });

  it("of an unenrollment has no sidecar", () => {
    const ending = success(
      { change: "unenroll", namespace: null, serviceAccount: null, image: null },
      { secretInUse: null },
    );
    const { detailType, detail } = rollEvent(web, ending, {});
    expect(detailType).toBe("Service Unenrolled");
    for (const member of Object.keys(sidecar)) expect(detail).not.toHaveProperty(member);
  });

  it.each([
    ["update", ["sidecar-missing", "dependency"], "Drift Corrected"],
    ["update", ["image", "no-longer-known"], "Service Updated"],
    ["rollback", [], "Service Updated"],
  ] as const)("of the change %s for %j is %s", (change, drift, detailType) => {
    const event = rollEvent(web, success({ change, drift: [...drift] }), {});
    expect(event).toMatchObject({ detailType, detail: { drift: drift.filter((one) => one !== "no-longer-known") } });
  });

  it("of an update says whether a recheck was requested meanwhile", () => {
    const ending = success({ change: "update", drift: ["image"] });
    expect(rollEvent(web, ending, { recheckRequested: true }).detail).toMatchObject({ recheckRequested: true });
    expect(rollEvent(web, ending, {}).detail).not.toHaveProperty("recheckRequested");
  });

  it("of a refusal has the refusals that this version knows", () => {
    expect(rollEvent(web, endingWith({ outcome: "refused", plan: refused }), {})).toMatchObject({
      detailType: "Service Refused",
      detail: { refusals: [{ reason: "bad-tag", detail: "namespace" }] },
    });
  });

  it.each([
    ["a refusal of another version", [{ reason: "of-tomorrow", detail: "it says why" }], /it says why/],
    ["no refusal", [], /does not know/],
  ])("of %s is a failure that changed nothing", (_what, refusals, sentence) => {
    const ending = endingWith({ outcome: "refused", plan: { ...refused, reason: "of-tomorrow", refusals } });
    expect(rollEvent(web, ending, {})).toMatchObject({
      detailType: "Service Roll Failed",
      detail: { code: "unexpected-error", unchanged: true, sentence: expect.stringMatching(sentence) },
    });
  });

  it("of a superseded roll has the reason", () => {
    expect(rollEvent(web, endingWith({ outcome: "superseded", plan: planOf() }), {})).toMatchObject({
      detailType: "Service Roll Superseded",
      detail: { executionName: NAME, reason: "superseded" },
    });
  });

  it("of a reverted roll says where the service is, and when the next attempt may start", () => {
    const ending = endingWith({ outcome: "reverted", plan: planOf(), watch: watchOf(), failure, cause });
    expect(rollEvent(web, ending, { consecutiveFailures: 2, notBefore: NOW }).detail).toMatchObject({
      ...cause,
      reverted: true,
      revertedTo: OBSERVED,
      consecutiveFailures: 2,
      nextAttemptAt: new Date(NOW).toISOString(),
    });
  });

  it.each([
    ["failed", true, "ztunnel-unhealthy"],
    ["revert-failed", false, "tasks-stopping"],
  ])("of a roll that is %s names no revision to which it reverted (reverted: %s)", (outcome, reverted, code) => {
    const { detail } = rollEvent(web, endingWith({ outcome, plan: planOf(), failure, cause }), {});
    expect(detail).toMatchObject({ code, reverted });
    for (const member of ["revertedTo", "consecutiveFailures", "nextAttemptAt"]) {
      expect(detail).not.toHaveProperty(member);
    }
  });

  it("names the rollout that the roll belongs to, however it ended", () => {
    fc.assert(
      fc.property(fc.constantFrom(...rollOutcomes), fc.boolean(), (outcome, belongs) => {
        const plan = outcome === "refused" ? refused : planOf();
        const ending = endingWith({ outcome, plan, watch: watchOf(), failure, rollout: belongs ? rollout : null });
        expect(rollEvent(web, ending, {}).detail.rolloutId).toBe(belongs ? rollout.id : undefined);
      }),
    );
  });
});
