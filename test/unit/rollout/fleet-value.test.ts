import { describe, expect, it } from "vitest";
import { newFleetState } from "../../../shared/model/rollout.ts";
import { currentValue, fleetValueOf, withValue } from "../../../shared/rollout/fleet-value.ts";

const image = "registry.example.com/ztunnel:1.28.2";
const given = { image, settings: "ab12", controlPlane: "main", factsId: "f1" };

describe("what a rollout gives to the fleet", () => {
  it("is an upgrade's image and a reconfiguration's settings, and nothing of the others", () => {
    expect(fleetValueOf("upgrade", given)).toEqual({ member: "image", value: image });
    expect(fleetValueOf("reconfigure", given)).toEqual({ member: "settings", value: "ab12" });
    expect(fleetValueOf("rotate", given)).toBeUndefined();
    expect(fleetValueOf("unenroll", given)).toBeUndefined();
  });

  it("is nothing where the rollout has none", () => {
    expect(fleetValueOf("upgrade", { settings: "ab12" })).toBeUndefined();
    expect(fleetValueOf("reconfigure", { image })).toBeUndefined();
  });

  it.each(["image", "settings"] as const)("is the fleet's own then: %s", (member) => {
    const other = { ...newFleetState, image: { image: "a:1", assignedAtMs: 1 }, settings: "old" };
    expect(currentValue(newFleetState, member)).toBeUndefined();
    const fleet = withValue(other, { member, value: "a:2" }, 7);
    expect(currentValue(fleet, member)).toBe("a:2");
    expect(fleet).toEqual({
      ...other,
      ...(member === "image" ? { image: { image: "a:2", assignedAtMs: 7 } } : { settings: "a:2" }),
    });
  });
});
