import { registrationProblems } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../../shared/base/json.ts";
import { without } from "../../../../../shared/base/json-fields.ts";
import { inject } from "../../../../../shared/data-plane/ztunnel/task-definition/inject.ts";
import { remove } from "../../../../../shared/data-plane/ztunnel/task-definition/remove.ts";
import { findSidecar } from "../../../../../shared/data-plane/ztunnel/task-definition/sidecar.ts";
import { containersOf } from "../../../../../shared/model/task-definition.ts";
import { containerOf, fixture, injected, wanted, withContainer } from "../../../../support/task-definitions.ts";

const healthy = { containerName: "ztunnel", condition: "HEALTHY" };
const ztunnelIn = (definition: JsonObject) => containerOf(definition, "ztunnel");

describe("inject into the definitions of Solo's guide", () => {
  it("adds the guide's container at the end, with the token as a pinned secret, without a size", () => {
    expect(containersOf(injected(fixture("shell")))[1]).toEqual({
      name: "ztunnel",
      image: wanted.image,
      cpu: 0,
      portMappings: [],
      essential: true,
      secrets: [{ name: "BOOTSTRAP_TOKEN", valueFrom: wanted.secretValueFrom }],
      startTimeout: 60,
      healthCheck: { command: ["ztunnel", "healthcheck"], interval: 5, timeout: 5, retries: 3, startPeriod: 10 },
    });
  });

  it.each(["shell", "echo"] as const)("makes the application of %s wait, and ECS accepts the definition", (name) => {
    const result = injected(fixture(name));
    expect(containersOf(result)[0]).toEqual({ ...containersOf(fixture(name))[0], dependsOn: [healthy] });
    expect(registrationProblems(result)).toEqual([]);
    expect(JSON.stringify(remove(result))).toBe(JSON.stringify(fixture(name)));
  });

  it("keeps the shell's own ALL_PROXY, and remove deletes only the added NO_PROXY", () => {
    const result = injected(fixture("shell"), { ...wanted, proxyEnv: true });
    expect(containerOf(result, "shell").environment).toEqual([
      { name: "ALL_PROXY", value: "socks5h://127.0.0.1:15080" },
      { name: "NO_PROXY", value: "169.254.170.2,169.254.169.254,localhost,127.0.0.1" },
    ]);
    expect(remove(result)).toStrictEqual(fixture("shell"));
  });
});

describe("inject into definitions with several containers", () => {
  it("makes every container wait, the init container, too, in addition to its other dependencies", () => {
    const result = injected(fixture("multi"));
    expect(containerOf(result, "migrate").dependsOn).toEqual([healthy]);
    expect(containerOf(result, "cache").dependsOn).toEqual([healthy]);
    expect(containerOf(result, "web").dependsOn).toEqual([
      { containerName: "migrate", condition: "SUCCESS" },
      { containerName: "cache", condition: "HEALTHY" },
      healthy,
    ]);
  });

  it("remembers an empty dependsOn, which couldn't be restored otherwise", () => {
    const result = injected(fixture("multi"));
    expect(ztunnelIn(result).dockerLabels).toEqual({
      "ztunnel-autopilot/added": '[{"container":"cache","dependsOn":"empty"}]',
    });
    expect(JSON.stringify(remove(result))).toBe(JSON.stringify(fixture("multi")));
  });

  it("copies the first application's log configuration, with another stream prefix and without the line format", () => {
    expect(
      ztunnelIn(injected(withContainer(fixture("multi"), "migrate", { logConfiguration: null }))).logConfiguration,
    ).toEqual({
      logDriver: "awslogs",
      options: { "awslogs-group": "/ecs/checkout", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "ztunnel" },
    });
  });

  it("doesn't add a variable that the application has as a secret or in lower case", () => {
    const definition = withContainer(fixture("multi"), "web", {
      environment: [{ name: "no_proxy", value: "*" }],
      secrets: [{ name: "ALL_PROXY", valueFrom: "arn:aws:ssm:us-east-1:123456789012:parameter/proxy" }],
    });
    const result = injected(definition, { ...wanted, proxyEnv: true });
    expect(containerOf(result, "web").environment).toEqual([{ name: "no_proxy", value: "*" }]);
    expect(registrationProblems(result)).toEqual([]);
    expect(remove(result)).toStrictEqual(definition);
  });

  it("removes the proxy environment when the tag is removed", () => {
    const proxied = injected(fixture("multi"), { ...wanted, proxyEnv: true });
    expect(injected(proxied)).toStrictEqual(injected(fixture("multi")));
  });

  it("keeps a proxy value that the application changed later", () => {
    const proxied = injected(fixture("multi"), { ...wanted, proxyEnv: true });
    const own = [{ name: "ALL_PROXY", value: "http://proxy:3128" }];
    const removed = remove(withContainer(proxied, "web", { environment: own }));
    expect(containerOf(removed, "web").environment).toEqual(own);
  });
});

describe("inject beside FireLens", () => {
  const result = injected(fixture("firelens"), { ...wanted, proxyEnv: true });

  it("doesn't change the log router, so that ECS still starts it before the containers that use it", () => {
    expect(containerOf(result, "log-router")).toEqual(containerOf(fixture("firelens"), "log-router"));
    expect(containerOf(result, "orders").dependsOn).toEqual([healthy]);
    expect(containerOf(result, "worker").dependsOn).toEqual([healthy]);
  });

  it("logs to the router's own log group, never through the router", () => {
    expect(ztunnelIn(result).logConfiguration).toMatchObject({
      logDriver: "awslogs",
      options: { "awslogs-group": "/ecs/log-router", "awslogs-stream-prefix": "ztunnel" },
    });
    expect(remove(result)).toStrictEqual(fixture("firelens"));
  });

  it("has no log configuration when no container has awslogs", () => {
    const definition = withContainer(fixture("firelens"), "log-router", { logConfiguration: null });
    expect(ztunnelIn(injected(definition))).not.toHaveProperty("logConfiguration");
  });
});

describe("inject on EC2", () => {
  it("reserves memory if the task has no size", () => {
    const result = injected(fixture("ec2"));
    expect(ztunnelIn(result)).toMatchObject({ cpu: 0, memoryReservation: 64 });
    expect(registrationProblems(result)).toEqual([]);
  });

  it("reserves none if the task has a size", () => {
    expect(ztunnelIn(injected({ ...fixture("ec2"), memory: "1024" }))).not.toHaveProperty("memoryReservation");
  });
});

describe("inject into a definition with a manual sidecar", () => {
  it("moves istioctl's token into the secret, and keeps all other members", () => {
    const before = fixture("istioctl");
    expect(findSidecar(before)).toMatchObject({ kind: "istioctl", plainTextToken: "c2VjcmV0LWlzaA==" });
    const result = injected(before);
    expect(JSON.stringify(result)).not.toContain("c2VjcmV0LWlzaA==");
    expect(containersOf(result)[0]).toEqual({
      ...containersOf(before)[0],
      environment: [{ name: "RUST_LOG", value: "info" }],
      startTimeout: 60,
      secrets: [{ name: "BOOTSTRAP_TOKEN", valueFrom: wanted.secretValueFrom }],
    });
    expect(containersOf(result)[1]).toEqual(containersOf(before)[1]);
    expect(findSidecar(result).kind).toBe("ours");
    expect(remove(result)).toStrictEqual(fixture("echo"));
  });

  it("keeps the sidecar's dependencies: those containers don't wait for it, all others do", () => {
    const before = fixture("by-hand");
    expect(findSidecar(before).kind).toBe("by-hand");
    const result = injected(before, { ...wanted, proxyEnv: true });
    expect(ztunnelIn(result)).toMatchObject({
      memory: 64,
      restartPolicy: { enabled: true },
      dependsOn: [{ containerName: "config", condition: "SUCCESS" }],
      secrets: [{ name: "BOOTSTRAP_TOKEN", valueFrom: wanted.secretValueFrom }],
    });
    for (const name of ["config", "fetch"]) expect(containerOf(result, name)).toEqual(containerOf(before, name));
    for (const name of ["ledger", "audit"]) expect(containerOf(result, name).dependsOn).toEqual([healthy]);
    expect(registrationProblems(result)).toEqual([]);
    expect(containersOf(remove(result)).map((container) => container.name)).toEqual([
      "config",
      "fetch",
      "ledger",
      "audit",
    ]);
    expect(registrationProblems(remove(result))).toEqual([]);
  });

  it("keeps one HEALTHY condition of several for ztunnel", () => {
    const dependsOn = ["COMPLETE", "HEALTHY"].map((condition) => ({ containerName: "ztunnel", condition }));
    const result = injected(withContainer(fixture("by-hand"), "ledger", { dependsOn }));
    expect(containerOf(result, "ledger").dependsOn).toEqual([healthy]);
  });

  it("updates an older sidecar of ours", () => {
    const old = without(ztunnelIn(injected(fixture("echo"))), "startTimeout");
    const definition = {
      ...fixture("echo"),
      containerDefinitions: [{ ...old, healthCheck: null }, ...containersOf(fixture("echo"))],
    };
    expect(ztunnelIn(injected(definition))).toEqual(ztunnelIn(injected(fixture("echo"))));
  });

  it("refuses a foreign container with the name ztunnel, and remove doesn't change it", () => {
    const definition = withContainer(fixture("multi"), "cache", { name: "ztunnel" });
    expect(inject(definition, wanted)).toMatchObject({ ok: false, refusal: "foreign-ztunnel" });
    expect(remove(definition)).toBe(definition);
  });
});

describe("inject refuses", () => {
  it("a dependency cycle, with its containers", () => {
    const definition = withContainer(fixture("multi"), "cache", {
      dependsOn: [{ containerName: "web", condition: "START" }],
    });
    expect(inject(definition, wanted)).toEqual({ ok: false, refusal: "dependency-cycle", detail: "web → cache → web" });
  });

  it("a cycle through volumes", () => {
    const definition = withContainer(fixture("multi"), "cache", { volumesFrom: [{ sourceContainer: "web" }] });
    expect(inject(definition, wanted)).toMatchObject({ refusal: "dependency-cycle" });
  });

  it("a definition with ten containers, unless one of them is ztunnel", () => {
    const nine = Array.from({ length: 9 }, (_, index) => ({ name: `c${index}`, image: "web:1" }));
    const full = { ...fixture("echo"), containerDefinitions: [...nine, { name: "c9", image: "web:1" }] };
    expect(inject(full, wanted)).toMatchObject({ refusal: "too-many-containers", detail: "10 containers" });
    const ten = injected({ ...full, containerDefinitions: nine });
    expect(inject(ten, { ...wanted, image: "other:1" }).ok).toBe(true);
  });

  it("a definition that would exceed 64 KiB", () => {
    const definition = withContainer(fixture("echo"), "echo", { command: ["x".repeat(65_000)] });
    expect(registrationProblems(definition)).toEqual([]);
    expect(inject(definition, wanted)).toMatchObject({ refusal: "definition-too-large" });
  });

  it("a definition without an execution role", () => {
    expect(inject(without(fixture("echo"), "executionRoleArn"), wanted)).toMatchObject({
      refusal: "no-execution-role",
    });
  });
});
