import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { estimateCost } from "../../../cli/cost/estimate.ts";
import { prices } from "../../../cli/cost/prices.ts";
import { costText } from "../../../cli/render/cost.ts";
import { styler } from "../../../cli/render/style.ts";

const input = { services: 1_000, regions: 3, identities: 1_000, tasks: 2, deployments: 20, rollouts: 1 };

describe("the monthly estimate", () => {
  it("is the sum of its items, which are quantities at list prices", () => {
    const { items, dollars } = estimateCost(input);
    for (const item of items) {
      const { dollars: price, per } = prices[item.price];
      expect(item.dollars).toBeCloseTo((item.quantity / per) * price, 8);
    }
    expect(dollars).toBeCloseTo(
      items.reduce((sum, item) => sum + item.dollars, 0),
      8,
    );
  });

  it("is mostly secrets, because every workload identity has one", () => {
    const { items, dollars } = estimateCost(input);
    const secrets = items.find(({ price }) => price === "secret");
    expect(secrets).toMatchObject({ quantity: 1_001, dollars: expect.closeTo(400.4, 5) });
    expect(secrets?.dollars).toBeGreaterThan(dollars / 2);
  });

  it("never falls when any input other than regions rises", () => {
    const inputs = fc.record({
      services: fc.integer({ min: 1, max: 20_000 }),
      regions: fc.integer({ min: 1, max: 30 }),
      identities: fc.integer({ min: 1, max: 20_000 }),
      tasks: fc.integer({ min: 1, max: 100 }),
      deployments: fc.integer({ min: 0, max: 500 }),
      rollouts: fc.integer({ min: 0, max: 30 }),
    });
    const grown = fc.constantFrom("services", "identities", "tasks", "deployments", "rollouts");
    fc.assert(
      fc.property(inputs, grown, (one, name) => {
        const more = estimateCost({ ...one, [name]: one[name] + 1 });
        expect(more.dollars).toBeGreaterThanOrEqual(estimateCost(one).dollars);
      }),
    );
  });

  it("is printed with its assumptions and the prices' sources", () => {
    const text = costText(estimateCost(input), { style: styler(false), columns: Number.POSITIVE_INFINITY });
    expect(text).toMatch(/About \$4\d\d\.\d\d a month, \$0\.4\d per service\./);
    expect(text).toContain("20 CI deployments a service and month");
    for (const { source } of Object.values(prices)) expect(text).toContain(source);
  });
});
