import { describe, expect, it } from "vitest";
import { functionNames } from "../../../shared/base/vocabulary.ts";
import { functionRoleName, resourceNames } from "../../../shared/config/names.ts";
import { homeBusName, resourceName } from "../../../stacks/definitions/deployment.ts";

const config = { name: "ztunnel-autopilot" };
const deployment = { ...config, stage: "prod" };

describe("the names of a stage's resources in the command", () => {
  it("are those of the stacks", () => {
    const { busName: bus, tableName } = resourceNames(config, "prod");
    expect(bus).toBe(homeBusName(deployment));
    expect(tableName).toBe(resourceName(deployment, "ledger"));
    for (const name of functionNames)
      expect(functionRoleName(config, "prod", name)).toBe(resourceName(deployment, name));
  });

  it("have no stage in the lab", () => {
    expect(resourceNames(config)).toEqual({ busName: "ztunnel-autopilot", tableName: "ztunnel-autopilot-ledger" });
  });

  it("can be set by the environment", () => {
    const named = { AUTOPILOT_TABLE: "t", AUTOPILOT_BUS: "b" };
    expect(resourceNames(config, "prod", named)).toEqual({ tableName: "t", busName: "b" });
    expect(resourceNames(config, "prod", { AUTOPILOT_TABLE: "" })).toEqual(resourceNames(config, "prod"));
  });
});
