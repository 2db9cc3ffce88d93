import { describe, expect, it } from "vitest";
import { type ConfigInput, parseConfig } from "../../shared/config/config.ts";
import { homeBusPolicy } from "../../stacks/definitions/bus-policy.ts";
import { forwardedRegions, memberAccounts, resourceName, roleArn } from "../../stacks/definitions/deployment.ts";
import { deploymentOf } from "../../stacks/deployment.ts";
import { stageSettings } from "../../stacks/settings.ts";
import wideConfig from "./support/wide.config.ts";

const deployment = deploymentOf(parseConfig(wideConfig), "prod");
const configured = (members: Partial<ConfigInput>) => () => parseConfig({ ...wideConfig, ...members });

describe("a deployment", () => {
  it("has as members all other accounts with services, a control plane or an alarm", () => {
    expect(memberAccounts(deployment)).toEqual(["222222222222", "333333333333", "444444444444"]);
  });

  it("forwards events from the home region, too, where parameters and secrets change", () => {
    expect(forwardedRegions(deployment, "111111111111")).toEqual(["eu-west-1", "us-east-1", "us-west-2"]);
    expect(forwardedRegions(deployment, "333333333333")).toEqual(["ap-southeast-2"]);
    expect(forwardedRegions(deployment, "444444444444")).toEqual([]);
  });

  it("accepts no events from other accounts when it has no members", () => {
    const alone = { ...deployment, targets: [], eksClusters: [], alarms: [] };
    expect(homeBusPolicy(alone, "arn:aws:events:us-east-1:111111111111:event-bus/x")).not.toContain('"Allow"');
  });

  it("refuses names that are too long for AWS", () => {
    expect(resourceName({ name: "mesh", stage: "prod" }, "roll/apply")).toBe("mesh-prod-roll-apply");
    expect(() => resourceName({ name: "m".repeat(31), stage: "s".repeat(20) }, "roll/await-deployment")).toThrow(
      "AWS allows 64: shorten the name or the stage",
    );
  });

  it.each([
    ["us-gov-west-1", "arn:aws-us-gov:iam::111111111111:role/x"],
    ["cn-north-1", "arn:aws-cn:iam::111111111111:role/x"],
    ["eu-west-1", "arn:aws:iam::111111111111:role/x"],
  ])("is in the partition of its region %s", (region, expected) => {
    expect(roleArn({ account: "111111111111", region }, "x")).toBe(expected);
  });
});

describe("a stage", () => {
  it.each(["prod", "production"])("with the name %s is protected and retained", (stage) => {
    expect(stageSettings(stage)).toMatchObject({ protect: true, removal: "retain", deletionProtection: true });
  });

  it("with any other name can be removed", () => {
    expect(stageSettings("pr-12")).toMatchObject({ protect: false, removal: "remove", deletionProtection: false });
  });
});

describe("the configuration", () => {
  it("allows all roles to be passed to ECS tasks by default", () => {
    const { passRoles: _, ...without } = wideConfig;
    expect(parseConfig(without).passRoles).toEqual(["*"]);
  });

  it.each([[[]], [["arn:aws:iam::111111111111:role/x"]], [["two words"]]])(
    "refuses %j as roles to pass",
    (passRoles) => {
      expect(configured({ passRoles })).toThrow("passRoles");
    },
  );

  it("refuses a VPC without subnets, and invalid ids", () => {
    expect(configured({ vpc: { subnetIds: [], securityGroupIds: ["sg-0a"] } })).toThrow("vpc.subnetIds");
    expect(configured({ vpc: { subnetIds: ["net-1"], securityGroupIds: ["sg-0a"] } })).toThrow("a subnet's id");
  });
});
