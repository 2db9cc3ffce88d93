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
    });
  });

  it("has the emergency's pace in an emergency, and an unchanged budget", () => {
    expect(resolvedPolicy({ overrides: {}, emergency: true }, policy)).toMatchObject({
      ...ordinary,
      waves: [100],
      regionsTogether: true,
      concurrency: 0,
      bakeMinutes: 0,
      failureBudget: policy.failureBudget,
    });
  });

  it("keeps its pace in an emergency where none is configured for it", () => {
    const { emergency: _, ...calm } = policy;
    expect(resolvedPolicy({ overrides: {}, emergency: true }, calm)).toMatchObject(ordinary);
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
    };
    for (const emergency of [false, true]) expect(resolvedPolicy({ overrides, emergency }, policy)).toEqual(overrides);
  });
});
