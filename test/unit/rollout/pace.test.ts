import { describe, expect, it } from "vitest";
import { rolloutPolicySchema } from "../../../shared/config/rollout-policy.ts";
import { resolvedPolicy } from "../../../shared/rollout/pace.ts";

const policy = rolloutPolicySchema.parse({ bakeMinutes: 30, approveAfterCanary: true, emergency: {} });
const ordinary = {
  canaryCount: 3,
  waves: [10, 50, 100],
  regionsTogether: false,
  concurrency: 20,
  bakeMinutes: 30,
  approveAfterCanary: true,
};

describe("the policy of a rollout", () => {
  it("is the configured one", () => {
    expect(resolvedPolicy({ overrides: {}, emergency: false }, policy)).toEqual({
      ...ordinary,
      failureBudget: { perWave: { percent: 10 }, inAll: { count: 20, percent: 5 } },
      ignoreFreeze: false,
    });
  });

  it("has the emergency's pace in an emergency, and an unchanged budget", () => {
    expect(resolvedPolicy({ overrides: {}, emergency: true }, policy)).toMatchObject({
      ...ordinary,
      approveAfterCanary: false,
      waves: [100],
      regionsTogether: true,
      concurrency: 0,
      bakeMinutes: 0,
      failureBudget: policy.failureBudget,
    });
  });

  it("keeps its pace in an emergency where none is configured for it", () => {
    const { emergency: _, ...calm } = policy;
    expect(resolvedPolicy({ overrides: {}, emergency: true }, calm)).toMatchObject({
      ...ordinary,
      approveAfterCanary: false,
    });
  });

  it("lets an emergency wait for approval and for the end of a freeze window only where it says so", () => {
    const holds = (emergencyWaitsFor: typeof policy.emergencyWaitsFor, overrides = {}) => {
      const { approveAfterCanary, ignoreFreeze } = resolvedPolicy(
        { overrides, emergency: true },
        { ...policy, emergencyWaitsFor },
      );
      return { approveAfterCanary, ignoreFreeze };
    };
    expect(holds([])).toEqual({ approveAfterCanary: false, ignoreFreeze: true });
    expect(holds(["approval"])).toEqual({ approveAfterCanary: true, ignoreFreeze: true });
    expect(holds(["freeze"])).toEqual({ approveAfterCanary: false, ignoreFreeze: false });
    const asked = { approveAfterCanary: true, ignoreFreeze: false };
    expect(holds([], asked)).toEqual(asked);
  });

  it("is overridden by the request, also in an emergency, also with zero and no", () => {
    const overrides = {
      canaryCount: 0,
      waves: [25, 100],
      regionsTogether: false,
      concurrency: 7,
      bakeMinutes: 0,
      approveAfterCanary: false,
      failureBudget: { perWave: { count: 1 } },
      ignoreFreeze: true,
    };
    for (const emergency of [false, true]) expect(resolvedPolicy({ overrides, emergency }, policy)).toEqual(overrides);
  });
});
