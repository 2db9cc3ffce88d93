import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ObservedService } from "../../../../shared/model/service.ts";
import type { Roll } from "../../../../shared/model/service-state.ts";
import { type FailedRoll, revertCase } from "../../../../shared/use-cases/roll/revert-case.ts";
import { revertRoll } from "../../../../shared/use-cases/roll/revert-roll.ts";
import { NAME, OBSERVED, revisionArn, web } from "../../../support/arns.ts";
import { deployment, TARGET } from "../../../support/deployments.ts";
import { planOf, watchOf } from "../../../support/endings.ts";
import { service } from "../../../support/services.ts";
import { rollTestbed } from "../../../support/testbeds/roll.ts";
import { NOW } from "../../../support/times.ts";

const OTHER = revisionArn("web", 99);
const watch = watchOf();

function running(taskDefinitionArn: string, rolloutState: "IN_PROGRESS" | "COMPLETED" = "COMPLETED"): ObservedService {
  return service({ taskDefinitionArn, deployments: [deployment({ taskDefinitionArn, rolloutState })] });
}

function lease(given: Partial<Roll> = {}): Roll {
  return { executionName: NAME, leaseUntil: NOW + 1, ...given };
}

function failed(given: Partial<FailedRoll> = {}): FailedRoll {
  return {
    executionName: NAME,
    plan: planOf(),
    watch: null,
    wasReturned: false,
    service: running(OBSERVED),
    leaseholder: lease(),
    ...given,
  };
}

const updated = { targetRevisionArn: TARGET, deploymentId: "ecs-svc/8" };

const returned = {
  wasReturned: true,
  watch: watchOf({ targetRevisionArn: OBSERVED, revisionBeforeArn: null }),
  leaseholder: lease({ ...updated, revertRevisionArn: OBSERVED }),
};

describe("for a failed roll the case is", () => {
  it.each<[ReturnType<typeof revertCase>["case"], string, Partial<FailedRoll>]>([
    ["lease-lost", "another roll has the lease", { leaseholder: lease({ executionName: "another" }), watch }],
    ["unchanged", "it has not begun", {}],
    ["unchanged", "nothing holds the lease any more", { leaseholder: undefined }],
    ["unchanged", "it has registered its revision alone", { leaseholder: lease({ targetRevisionArn: TARGET }) }],
    [
      "unchanged",
      "it was to start the observed revision again",
      { leaseholder: lease({ targetRevisionArn: OBSERVED }) },
    ],
    ["revert", "its revision runs", { service: running(TARGET), watch }],
    [
      "revert",
      "its revision runs, and it never came to wait",
      {
        service: running(TARGET),
        leaseholder: lease({ targetRevisionArn: TARGET }),
      },
    ],
    ["reverted", "the pinned revision runs again", { watch }],
    ["reverted", "the service has no deployment any more", { service: service({ deployments: [] }), watch }],
    [
      "reverted",
      "only tags differed, and the same revision runs",
      {
        leaseholder: lease({ targetRevisionArn: OBSERVED, deploymentId: "ecs-svc/8" }),
      },
    ],
    [
      "alone",
      "it was to verify what runs, and there is nothing else to return to",
      { plan: planOf({ change: "verify" }), watch: { ...watch, targetRevisionArn: OBSERVED } },
    ],
    [
      "reverting",
      "it was to verify that, and the deployment that it forced is in progress",
      {
        plan: planOf({ change: "verify" }),
        service: running(OBSERVED, "IN_PROGRESS"),
        watch: { ...watch, targetRevisionArn: OBSERVED },
      },
    ],
    ["reverting", "the pinned revision is being deployed", { service: running(OBSERVED, "IN_PROGRESS"), watch }],
    ["superseded", "somebody has deployed another revision", { service: running(OTHER), watch }],
    [
      "superseded",
      "the service was created again, even with the revision that failed",
      { service: running(TARGET), plan: planOf({ serviceCreatedAtMs: NOW - 3_600_000 }), watch },
    ],
    ["superseded", "the same, and it never came to wait", { service: running(OTHER), leaseholder: lease(updated) }],
    [
      "revert",
      "it was a rollback, and its pinned revision runs",
      { plan: planOf({ change: "rollback", pinnedRevisionArn: TARGET }), service: running(TARGET), watch },
    ],
    [
      "reverted",
      "it was a rollback, and what ran before it runs again",
      { plan: planOf({ change: "rollback", pinnedRevisionArn: TARGET }), watch },
    ],
    ["revert", "the service was returned, and that failed", { ...returned, service: running(OBSERVED) }],
    [
      "revert",
      "the same, and ECS's circuit breaker has brought its own revision",
      { ...returned, service: running(TARGET) },
    ],
    [
      "reverting",
      "the same, and an earlier attempt has gone on to the next choice",
      {
        ...returned,
        service: running(OTHER, "IN_PROGRESS"),
        leaseholder: lease({ ...updated, revertRevisionArn: OTHER }),
      },
    ],
    ["superseded", "the same, and somebody has deployed another one", { ...returned, service: running(OTHER) }],
    ["stuck", "it was a rollback that has not begun", { plan: planOf({ change: "rollback" }) }],
  ])("%s when %s", (expected, _when, given) => {
    expect(revertCase(failed(given)).case).toBe(expected);
  });

  it.each<[string, Partial<FailedRoll>, string | undefined]>([
    ["that it waited for", { watch }, TARGET],
    ["that the ledger has", { leaseholder: lease(updated), service: running(TARGET) }, TARGET],
    ["of none: it changed nothing", {}, undefined],
    ["of none: another roll has the lease", { watch, leaseholder: lease({ executionName: "another" }) }, undefined],
  ])("to be explained by the tasks of the revision %s", (_which, given, expected) => {
    expect(revertCase(failed(given)).failedRevisionArn).toBe(expected);
  });
});

const revisions = fc.constantFrom(OBSERVED, TARGET, OTHER);
const found = fc.record({
  plan: fc
    .record({
      change: fc.constantFrom("enroll", "update", "unenroll", "rollback"),
      observedRevisionArn: revisions,
      pinnedRevisionArn: revisions,
    })
    .map(planOf),
  watch: fc.option(
    revisions.map((targetRevisionArn) => watchOf({ targetRevisionArn })),
    { nil: null },
  ),
  service: fc.tuple(revisions, fc.constantFrom("IN_PROGRESS", "COMPLETED")).map((given) => running(...given)),
  lease: fc.option(
    fc.record(
      { executionName: fc.constantFrom(NAME, "another"), targetRevisionArn: revisions, deploymentId: fc.constant("d") },
      { requiredKeys: ["executionName"] },
    ),
    { nil: undefined },
  ),
});

describe("in every state that a failed roll finds, its revert", () => {
  it("updates the service at most once, from a revision of its own to the pinned one", async () => {
    const updates = { count: 0 };
    await fc.assert(
      fc.asyncProperty(found, async ({ plan, watch: watched, service: before, lease: held }) => {
        const testbed = rollTestbed({ service: before });
        for (const revision of [OBSERVED, TARGET, OTHER]) testbed.ecs.addRevision(revision);
        if (held) {
          const { executionName, ...progress } = held;
          await testbed.ledger.takeLease(web.serviceArn, { executionName, leaseUntil: NOW + 1 }, NOW);
          await testbed.ledger.updateRoll(web.serviceArn, executionName, progress);
        }
        const revert = () =>
          revertRoll(web, NAME, { plan, watch: watched, failure: null, cause: null }, testbed).catch(
            (error: unknown) => {
              // Only a rollback may have nothing to revert to.
              if (plan.change !== "rollback") throw error;
            },
          );
        await revert();
        await revert();
        expect(testbed.ecs.updates.length).toBeLessThanOrEqual(1);
        for (const { taskDefinitionArn, force } of testbed.ecs.updates) {
          updates.count += 1;
          // A rollback has deployed its pinned revision: it returns to the one that ran before.
          const back = plan.change === "rollback" ? plan.observedRevisionArn : plan.pinnedRevisionArn;
          expect({ taskDefinitionArn, force }).toEqual({ taskDefinitionArn: back, force: false });
          expect([watched?.targetRevisionArn, held?.targetRevisionArn]).toContain(before.taskDefinitionArn);
          expect(held?.executionName).not.toBe("another");
        }
      }),
      { numRuns: 300 },
    );
    expect(updates.count).toBeGreaterThan(0);
  });
});
