import { describe, expect, it } from "vitest";
import { functionRoleName, kubernetesFunctions, operatorSource, resourceNames } from "../../../shared/config/names.ts";
import { homeBusName, resourceName } from "../../../stacks/definitions/deployment.ts";
import { busName, sources } from "../../../stacks/definitions/event-patterns.ts";
import { functions } from "../../../stacks/definitions/functions.ts";

const config = { name: "ztunnel-autopilot" };
const deployment = { ...config, stage: "prod" };

describe("the names by which the command finds a stage", () => {
  it("are those that the stacks give", () => {
    const { busName: bus, tableName } = resourceNames(config, "prod");
    expect(bus).toBe(homeBusName(deployment));
    expect(tableName).toBe(resourceName(deployment, "ledger"));
    expect(functionRoleName(config, "prod", "roll/apply")).toBe(resourceName(deployment, "roll/apply"));
  });

  it("have no stage in the lab, whose bus is the one of the design", () => {
    expect(resourceNames(config)).toEqual({ busName, tableName: "ztunnel-autopilot-ledger" });
  });

  it("give way to what the environment names", () => {
    const named = { AUTOPILOT_TABLE: "t", AUTOPILOT_BUS: "b" };
    expect(resourceNames(config, "prod", named)).toEqual({ tableName: "t", busName: "b" });
    expect(resourceNames(config, "prod", { AUTOPILOT_TABLE: "" })).toEqual(resourceNames(config, "prod"));
  });

  it("know the functions that talk to Kubernetes, and the operator's source", () => {
    const deployed = functions.filter(({ kubernetes }) => kubernetes).map(({ name }) => name);
    expect([...kubernetesFunctions].sort()).toEqual(deployed.sort());
    expect(operatorSource).toBe(sources.operator);
  });
});
