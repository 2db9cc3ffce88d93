import { describe, expect, it } from "vitest";
import { needsOf } from "../../../shared/enrollment/needs.ts";
import type { ServiceState } from "../../../shared/model/service-state.ts";
import { stateOf } from "../../support/endings.ts";
import { config } from "../../support/services.ts";

const roll = { executionName: "web-1-abc", leaseUntil: 10 };
const unknownIn = (state: Partial<ServiceState>) => [
  ...needsOf([stateOf(state)], config(), { users: [], isGone: () => false }).unknownIn,
];

describe("what a service needs", () => {
  it("is unknown while it is enrolled, or a roll is applying, and the ledger does not know what it holds", () => {
    const place = ["123456789012/us-east-1"];
    expect(unknownIn({ enrolled: true })).toEqual(place);
    expect(unknownIn({ roll: { ...roll, applyStartedAt: "2026-11-26T20:00:00Z" } })).toEqual(place);
  });

  it("is nothing while a roll only plans: a refused service does so at every sweep", () => {
    expect(unknownIn({ roll })).toEqual([]);
    expect(unknownIn({})).toEqual([]);
  });

  it("is planned while a roll plans, and needed once it applies", () => {
    const held = [
      { namespace: "shop", serviceAccount: "web", roleArn: "role/web", secretName: "s", executionRoleArn: "role/exec" },
    ];
    const needs = (state: Partial<ServiceState>) =>
      needsOf([stateOf({ held, ...state })], config(), { users: [], isGone: () => true });
    const subjects = (all: ReadonlyMap<string, unknown>) => [...all.keys()].map((subject) => subject.split(" ")[0]);
    const whole = ["secret", "service-account", "role"];
    const planning = needs({ roll });
    expect([subjects(planning.planned), subjects(planning.bySubject)]).toEqual([whole, []]);
    const applying = needs({ roll: { ...roll, applyStartedAt: "2026-11-26T20:00:00Z" } });
    expect([subjects(applying.planned), subjects(applying.bySubject)]).toEqual([[], whole]);
    expect(needs({}).planned.size).toBe(0);
  });
});
