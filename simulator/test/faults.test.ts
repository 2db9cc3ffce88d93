import { describe, expect, it } from "vitest";
import { Faults } from "../base/faults.ts";

describe("fault rules", () => {
  const strikes = (faults: Faults, times: number) =>
    Array.from({ length: times }, () => faults.strike("throttle", { call: "ecs.UpdateService" }) !== undefined);

  it("strike as often as they say", () => {
    const faults = new Faults(() => 0);
    faults.add({ kind: "throttle", match: { call: "ecs.*" }, count: 2 });
    expect(strikes(faults, 4)).toEqual([true, true, false, false]);
    expect(faults.list()[0]?.struck).toBe(2);
  });

  it("let as many matches go by as they say", () => {
    const faults = new Faults(() => 0);
    faults.add({ kind: "throttle", match: { call: "ecs.*" }, skip: 2, count: 1 });
    expect(faults.strike("throttle", { call: "secretsmanager.PutSecretValue" })).toBeUndefined();
    expect(strikes(faults, 5)).toEqual([false, false, true, false, false]);
  });

  it("strike within their time only", () => {
    let now = 0;
    const faults = new Faults(() => now);
    faults.add({ kind: "throttle", fromMs: 10, untilMs: 20 });
    const at = [9, 10, 19, 20].map((time) => {
      now = time;
      return faults.strike("throttle", {}) !== undefined;
    });
    expect(at).toEqual([false, true, true, false]);
  });

  it("can be asked whether they are in force, which counts nothing", () => {
    let now = 0;
    const faults = new Faults(() => now);
    const subject = { region: "eu-west-1" };
    faults.add({ kind: "region-down", match: subject, skip: 1, count: 1, untilMs: 10 });
    expect(faults.inForce("region-down", subject), "a match is let go by first").toBe(false);
    expect(faults.strike("region-down", subject)).toBeUndefined();
    for (let asked = 0; asked < 3; asked += 1) expect(faults.inForce("region-down", subject)).toBe(true);
    expect(faults.inForce("region-down", { region: "us-east-1" })).toBe(false);
    expect(faults.inForce("throttle", subject)).toBe(false);
    now = 10;
    expect(faults.inForce("region-down", subject), "its time is over").toBe(false);
    now = 9;
    expect(faults.strike("region-down", subject)).toBeDefined();
    expect(faults.inForce("region-down", subject), "no strike is left").toBe(false);
  });

  it("are refused when they have a member that there is not", () => {
    expect(() => new Faults(() => 0).replace([{ kind: "throttle", often: true }])).toThrow(/often/);
  });
});
