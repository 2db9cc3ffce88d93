import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAnotherService, isOfEarlierService, newMemory } from "../../../shared/deployment/memory.ts";
import { serviceStateSchema } from "../../../shared/model/service-state.ts";
import { serviceArn } from "../../support/arns.ts";

const CREATED = Date.parse("2026-01-02T03:04:05Z");
const endedAt = (ms: number) => ({
  lastOutcome: {
    outcome: "succeeded",
    reason: "enroll",
    executionName: "web-0",
    at: new Date(ms).toISOString(),
  } as const,
});

describe("what the ledger remembers", () => {
  it("is the service's own as long as it has the same time of creation, rounded or not", () => {
    const state = { createdAtMs: CREATED };
    expect(isOfEarlierService(state, { createdAtMs: CREATED })).toBe(false);
    expect(isOfEarlierService(state, { createdAtMs: CREATED + 999 })).toBe(false);
    expect(isOfEarlierService(state, { createdAtMs: CREATED + 60_000 })).toBe(true);
  });

  it("is an earlier one's, without a time of creation, when the service is younger than its last roll", () => {
    expect(isOfEarlierService(endedAt(CREATED - 60_000), { createdAtMs: CREATED })).toBe(true);
    expect(isOfEarlierService(endedAt(CREATED + 60_000), { createdAtMs: CREATED })).toBe(false);
    expect(isOfEarlierService({}, { createdAtMs: CREATED })).toBe(false);
  });

  it("counts where ECS does not say when the service was created: absence shows nothing", () => {
    expect(isOfEarlierService({ createdAtMs: 1, ...endedAt(1) }, { createdAtMs: undefined })).toBe(false);
    expect(isAnotherService({ createdAtMs: undefined }, CREATED)).toBe(false);
    expect(isAnotherService({ createdAtMs: CREATED }, null)).toBe(false);
    expect(isAnotherService({ createdAtMs: CREATED + 5000 }, CREATED)).toBe(true);
  });

  it("begins with nothing but the number of attempts, so that no name of an execution returns", () => {
    const anything = fc.record(
      {
        enrolled: fc.boolean(),
        attemptNumber: fc.nat(),
        failedAttemptKey: fc.string(),
        consecutiveFailures: fc.nat(),
        notBefore: fc.nat(),
        lastGoodRevisionArn: fc.string(),
        lastGoodSecret: fc.string(),
        secretsInUse: fc.array(fc.string()),
        notifiedRefusals: fc.string(),
        notifiedWarnings: fc.string(),
        addedTagKeys: fc.array(fc.string()),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(anything, (members) => {
        const item = { ...members, ...newMemory({ createdAtMs: CREATED }), shape: 1, serviceArn: serviceArn("web") };
        const kept = Object.entries(item).filter(([, value]) => value !== null);
        const { attemptNumber } = members;
        expect(serviceStateSchema.parse(Object.fromEntries(kept))).toEqual(
          serviceStateSchema.parse({ shape: 1, serviceArn: serviceArn("web"), attemptNumber, createdAtMs: CREATED }),
        );
      }),
    );
  });
});
