import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clusterArnOf, parseClusterArn, parseServiceArn, sameRole, serviceRef } from "../../../shared/base/arn.ts";

const SERVICE = "arn:aws:ecs:us-east-1:123456789012:service/prod/web";

describe("a service's ARN", () => {
  it("is parsed in every partition", () => {
    expect(parseServiceArn(SERVICE)).toEqual({
      serviceArn: SERVICE,
      account: "123456789012",
      region: "us-east-1",
      clusterName: "prod",
      serviceName: "web",
    });
    expect(parseServiceArn(SERVICE.replace("aws", "aws-us-gov"))?.serviceName).toBe("web");
  });

  it.each([
    ["", "empty"],
    [SERVICE.replace("/prod", ""), "short format"],
    [`${SERVICE}/more`, "too many parts"],
    [SERVICE.replace("ecs", "ec2"), "another AWS service"],
    [SERVICE.replace("123456789012", "12345"), "an invalid account"],
    [SERVICE.replace(":service/", ":task/"), "a task"],
    [`${SERVICE}\n`, "a line break"],
    [` ${SERVICE}`, "a space"],
    [SERVICE.replace("web", "web;rm"), "invalid characters"],
    [SERVICE.replace("web", "w".repeat(256)), "a name that is too long"],
  ])("is not %j: %s", (text) => {
    expect(parseServiceArn(text)).toBeUndefined();
    expect(() => serviceRef(text)).toThrow();
  });

  it("determines its cluster's ARN", () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,30}$/);
    fc.assert(
      fc.property(name, name, (cluster, service) => {
        const ref = serviceRef(`arn:aws:ecs:us-east-1:123456789012:service/${cluster}/${service}`);
        expect(clusterArnOf(ref)).toBe(`arn:aws:ecs:us-east-1:123456789012:cluster/${cluster}`);
        expect(parseClusterArn(clusterArnOf(ref))).toEqual({
          clusterArn: clusterArnOf(ref),
          account: "123456789012",
          region: "us-east-1",
        });
      }),
    );
  });
});

describe("a cluster's ARN", () => {
  it.each(["", SERVICE, "prod", "arn:aws:ecs:us-east-1:123456789012:cluster/", "arn:aws:ecs:us-east-1:1:cluster/prod"])(
    "is not %j",
    (text) => {
      expect(parseClusterArn(text)).toBeUndefined();
    },
  );
});

describe("two roles", () => {
  const role = "arn:aws:iam::123456789012:role/web";

  it("are the same even if their paths differ, as istiod compares them", () => {
    expect(sameRole(role, role)).toBe(true);
    expect(sameRole(role, role.replace("role/", "role/ecs/ambient/"))).toBe(true);
  });

  it("differ by name and by account", () => {
    expect(sameRole(role, role.replace("web", "other"))).toBe(false);
    expect(sameRole(role, role.replace("123456789012", "210987654321"))).toBe(false);
  });
});
