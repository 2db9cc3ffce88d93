import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../../shared/base/json.ts";
import { headroom } from "../../../../../shared/data-plane/ztunnel/task-definition/headroom.ts";
import { applicationPorts, portCollisions } from "../../../../../shared/data-plane/ztunnel/task-definition/ports.ts";
import { findSidecar } from "../../../../../shared/data-plane/ztunnel/task-definition/sidecar.ts";
import { registerable } from "../../../../../shared/model/task-definition.ts";
import { fixture, injected, wanted, withContainer } from "../../../../support/task-definitions.ts";

describe("registerable", () => {
  const described = {
    taskDefinitionArn: "arn:aws:ecs:us-east-1:123456789012:task-definition/a:1",
    futureField: { b: 1, a: [null] },
    ...fixture("echo"),
    revision: 1,
    status: "ACTIVE",
    requiresAttributes: [],
    compatibilities: ["EC2", "FARGATE"],
    registeredAt: 1,
    deregisteredAt: 1,
    deleteRequestedAt: 1,
    registeredBy: "arn:aws:iam::123456789012:root",
  };

  it("drops the members that ECS adds, and keeps all others in their order, even unknown ones", () => {
    expect(JSON.stringify(registerable(described, []))).toBe(
      JSON.stringify({ futureField: { b: 1, a: [null] }, ...fixture("echo") }),
    );
  });

  it("adds the revision's tags, but not AWS's own", () => {
    const tags = [
      { key: "team", value: "a" },
      { key: "aws:cloudformation:stack-name", value: "b" },
      { key: "AWS:x", value: "c" },
    ];
    expect(registerable(described, tags).tags).toEqual([{ key: "team", value: "a" }]);
    expect(registerable(described, tags.slice(1))).not.toHaveProperty("tags");
  });
});

describe("the tags that are registered", () => {
  const definition = (tags: readonly JsonObject[]) => ({ family: "web", tags, cpu: "256" });

  it("are those that stand in the definition and those beside it, which go before them", () => {
    const inside = [
      { key: "team", value: "a", futureField: 1 },
      { key: "stage", value: "dev" },
    ];
    expect(registerable(definition(inside), [{ key: "stage", value: "prod" }])).toEqual(
      definition([inside[0] ?? {}, { key: "stage", value: "prod" }]),
    );
    expect(JSON.stringify(registerable(definition(inside), []))).toBe(JSON.stringify(definition(inside)));
  });

  it.each([[[]], [[{ key: "aws:cloudformation:stack-name", value: "x" }]]])(
    "are left out when none remain: %j",
    (tags) => {
      expect(registerable(definition(tags), [])).toEqual({ family: "web", cpu: "256" });
    },
  );
});

describe("findSidecar", () => {
  it("finds none in a definition without the container", () => {
    expect(findSidecar(fixture("echo"))).toEqual({ kind: "none" });
  });

  it.each([
    [wanted.secretValueFrom, "ours"],
    ["arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:ztunnel-autopilot/a/b/c-AbCdEf", "ours"],
    ["arn:aws:secretsmanager:us-east-1:123456789012:secret:my/ztunnel-autopilot/a-AbCdEf", "by-hand"],
    ["arn:aws:ssm:us-east-1:123456789012:parameter/ztunnel-autopilot/a", "by-hand"],
    ["ztunnel-autopilot/a", "by-hand"],
  ])("finds by the secret %s that the sidecar is %s", (valueFrom, kind) => {
    const secrets = [{ name: "BOOTSTRAP_TOKEN", valueFrom }];
    expect(findSidecar(withContainer(injected(fixture("echo")), "ztunnel", { secrets })).kind).toBe(kind);
  });
});

describe("headroom", () => {
  it("is next to nothing for the guide's definitions, with or without the sidecar", () => {
    expect(headroom(fixture("shell"))).toEqual({ cpuUnits: 1, memoryMiB: 0 });
    expect(headroom(injected(fixture("shell")))).toEqual({ cpuUnits: 1, memoryMiB: 0 });
  });

  it("is ztunnel's part of the CPU by shares, and the memory that the containers' limits leave", () => {
    const definition = withContainer(fixture("multi"), "web", { cpu: 256, memory: 512 });
    expect(headroom(definition)).toEqual({ cpuUnits: 7, memoryMiB: 1536 });
    expect(headroom(injected(definition, { ...wanted, cpu: 64 }))).toEqual({ cpuUnits: 202, memoryMiB: 1536 });
  });

  it("is an equal part where no container has a share of its own", () => {
    expect(headroom(fixture("multi")).cpuUnits).toBe(256);
  });

  it("is unknown if the task has no size", () => {
    expect(headroom(fixture("ec2"))).toEqual({ cpuUnits: undefined, memoryMiB: undefined });
  });
});

describe("ports", () => {
  const portMappings = [
    { containerPort: 8080 },
    { containerPortRange: "15000-15006" },
    { containerPort: 15008, protocol: "udp" },
    { containerPort: 15053, protocol: "udp" },
    { name: "no port" },
  ];
  const definition = withContainer(injected(fixture("echo")), "echo", { portMappings });

  it("are the application's ports and ranges, without ztunnel's", () => {
    const own = withContainer(definition, "ztunnel", { portMappings: [{ containerPort: 15021 }] });
    expect(applicationPorts(own)).toEqual([
      { container: "echo", protocol: "tcp", first: 8080, last: 8080 },
      { container: "echo", protocol: "tcp", first: 15000, last: 15006 },
      { container: "echo", protocol: "udp", first: 15008, last: 15008 },
      { container: "echo", protocol: "udp", first: 15053, last: 15053 },
    ]);
  });

  it("collide with those that ztunnel needs, by protocol", () => {
    expect(portCollisions(definition)).toEqual([
      { container: "echo", port: 15000, use: "admin" },
      { container: "echo", port: 15001, use: "outbound" },
      { container: "echo", port: 15006, use: "inbound plaintext" },
      { container: "echo", port: 15053, use: "DNS" },
    ]);
    expect(portCollisions(fixture("echo"))).toEqual([]);
  });
});
