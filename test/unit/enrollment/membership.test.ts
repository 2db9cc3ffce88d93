import { describe, expect, it } from "vitest";
import { missingPartOf, planeOf, planesOf } from "../../../shared/enrollment/membership.ts";
import { needsOf } from "../../../shared/enrollment/needs.ts";
import { sharedRolesOf } from "../../../shared/enrollment/shared-problems.ts";
import { stateOf } from "../../support/endings.ts";
import { config, TASK_ROLE } from "../../support/services.ts";

const at = (account: string, region: string) => `arn:aws:ecs:${region}:${account}:service/prod/web`;
const here = at("123456789012", "us-east-1");
const far = at("123456789012", "eu-west-1");
const other = at("999999999999", "us-east-1");

describe("the control plane of a service", () => {
  it("is the one that is remembered with it, not the one of today's configuration", () => {
    expect(planeOf(stateOf({ serviceArn: here, controlPlane: "left" }), config())).toBe("left");
    expect(planeOf(stateOf({ serviceArn: far, controlPlane: "main" }), config())).toBe("main");
  });

  it("is the one that serves it today where an earlier version enrolled it; else unknown", () => {
    expect(planeOf(stateOf({ serviceArn: here }), config())).toBe("main");
    expect(planeOf(stateOf({ serviceArn: far }), config())).toBeUndefined();
  });

  it("may also be today's while a roll is under way", () => {
    const roll = { executionName: "r", leaseUntil: 1 };
    expect(planesOf(stateOf({ serviceArn: here, controlPlane: "left" }), config())).toEqual(["left"]);
    expect(planesOf(stateOf({ serviceArn: here, controlPlane: "left", roll }), config())).toEqual(["left", "main"]);
    expect(planesOf(stateOf({ serviceArn: far }), config())).toEqual([]);
  });
});

it.each([
  [here, undefined],
  [far, "region"],
  [other, "account"],
])("what %s lacks in the configuration is %s", (serviceArn, lack) => {
  expect(missingPartOf({ serviceArn }, config())).toBe(lack);
});

it("a region that its control plane no longer serves lacks that", () => {
  const role = "arn:aws:iam::123456789012:role/istiod";
  const accounts = [{ role, domain: "ecs.local", regions: ["us-east-1", "eu-west-1"] }];
  expect(missingPartOf({ serviceArn: far }, config({ accounts }))).toBe("control-plane");
});

describe("a service that left the configuration", () => {
  const held = [
    { namespace: "shop", serviceAccount: "web", roleArn: TASK_ROLE, secretName: "s", executionRoleArn: "e" },
  ];
  const state = stateOf({ serviceArn: other, controlPlane: "main", enrolled: true, held });

  it("still needs its identity: it is not unbound while its tasks may run", () => {
    const { bySubject } = needsOf([state], config(), { users: [], isGone: () => false });
    expect([...bySubject.keys()]).toContain("service-account main shop web");
  });

  it("still shares its role", () => {
    const second = stateOf({
      ...state,
      serviceArn: here,
      held: held.map((one) => ({ ...one, serviceAccount: "api" })),
    });
    const of = { controlPlane: "main", config: config(), isGone: () => false };
    expect(sharedRolesOf([state, second], of)).toHaveLength(1);
  });
});
