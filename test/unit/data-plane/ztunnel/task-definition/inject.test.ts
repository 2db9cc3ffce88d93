import { registrationProblems } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../../shared/base/json.ts";
import { without } from "../../../../../shared/base/json-fields.ts";
import { driftOf } from "../../../../../shared/data-plane/ztunnel/task-definition/drift.ts";
import { inject } from "../../../../../shared/data-plane/ztunnel/task-definition/inject.ts";
import { proxyProblemsIn } from "../../../../../shared/data-plane/ztunnel/task-definition/reconcile-sidecar.ts";
import { remove } from "../../../../../shared/data-plane/ztunnel/task-definition/remove.ts";
import { findSidecar, type SidecarSpec } from "../../../../../shared/data-plane/ztunnel/task-definition/sidecar.ts";
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

  it("logs through the router as the first container that does", () => {
    expect(ztunnelIn(result).logConfiguration).toEqual(containerOf(fixture("firelens"), "orders").logConfiguration);
    expect(registrationProblems(result)).toEqual([]);
    expect(remove(result)).toStrictEqual(fixture("firelens"));
  });

  it("does not log through a router that waits for another container, as ECS would start it too late", () => {
    const waiting = withContainer(fixture("firelens"), "log-router", {
      dependsOn: [{ containerName: "worker", condition: "COMPLETE" }],
    });
    expect(ztunnelIn(injected(waiting)).logConfiguration).toMatchObject({
      logDriver: "awslogs",
      options: { "awslogs-group": "/ecs/log-router", "awslogs-stream-prefix": "ztunnel" },
    });
  });

  it("takes away the wait that a sidecar made by hand has given the router, and nothing else of it", () => {
    const waiting = withContainer(fixture("firelens"), "log-router", { dependsOn: [healthy] });
    const byHand = {
      ...waiting,
      containerDefinitions: [
        ...containersOf(waiting),
        {
          name: "ztunnel",
          image: "ztunnel:1",
          environment: [{ name: "BOOTSTRAP_TOKEN", value: "x" }],
          healthCheck: { command: ["ztunnel", "healthcheck"] },
        },
      ],
    };
    const adopted = injected(byHand);
    expect(containerOf(adopted, "log-router")).toEqual(containerOf(fixture("firelens"), "log-router"));
    expect(ztunnelIn(adopted).logConfiguration).toMatchObject({ logDriver: "awsfirelens" });
    expect(driftOf(byHand, wanted)).toContain("dependency");
    expect(injected(adopted)).toBe(adopted);
  });
});

describe("the proxy environment beside an application's own", () => {
  const proxied = { ...wanted, proxyEnv: true };
  const ALL_PROXY = { name: "ALL_PROXY", value: "socks5h://127.0.0.1:15080" };
  const HOSTS = "169.254.170.2,169.254.169.254,localhost,127.0.0.1";
  const echoWith = (environment: JsonObject[], more: JsonObject = {}) =>
    withContainer(fixture("echo"), "echo", { environment, ...more });
  const environmentOf = (definition: JsonObject) => containerOf(definition, "echo").environment;

  it.each([
    ["NO_PROXY", ".internal.example.com", `.internal.example.com,${HOSTS}`],
    ["no_proxy", "localhost, 10.0.0.0/8", "localhost, 10.0.0.0/8,169.254.170.2,169.254.169.254,127.0.0.1"],
    ["NO_PROXY", "", HOSTS],
    ["NO_PROXY", `${HOSTS},x`, `${HOSTS},x`],
  ])("completes its %s %s, and remove restores it", (name, value, completed) => {
    const definition = echoWith([{ name, value }]);
    const result = injected(definition, proxied);
    expect(environmentOf(result)).toEqual([{ name, value: completed }, ALL_PROXY]);
    expect(injected(result, proxied)).toBe(result);
    expect(driftOf(result, proxied)).toEqual([]);
    expect(JSON.stringify(remove(result))).toBe(JSON.stringify(definition));
    expect(injected(result)).toEqual(injected(definition));
  });

  it("completes both cases of its name", () => {
    const both = [
      { name: "NO_PROXY", value: "a" },
      { name: "no_proxy", value: "b" },
    ];
    expect(environmentOf(injected(echoWith(both), proxied))).toEqual([
      { name: "NO_PROXY", value: `a,${HOSTS}` },
      { name: "no_proxy", value: `b,${HOSTS}` },
      ALL_PROXY,
    ]);
  });

  it("keeps a list that the application has changed since, and completes it again", () => {
    const result = injected(echoWith([{ name: "NO_PROXY", value: "a" }]), proxied);
    const changed = withContainer(result, "echo", { environment: [{ name: "NO_PROXY", value: "b" }, ALL_PROXY] });
    expect(driftOf(changed, proxied)).toEqual(["proxy-env"]);
    expect(environmentOf(injected(changed, proxied))).toEqual([{ name: "NO_PROXY", value: `b,${HOSTS}` }, ALL_PROXY]);
    expect(environmentOf(remove(changed))).toEqual([{ name: "NO_PROXY", value: "b" }]);
  });

  it.each<[string, JsonObject[], JsonObject]>([
    ["a proxy of its own", [{ name: "ALL_PROXY", value: "http://proxy:3128" }], {}],
    ["one in lower case", [{ name: "all_proxy", value: "socks5h://127.0.0.1:1055" }], {}],
    ["one that is a secret", [], { secrets: [{ name: "ALL_PROXY", valueFrom: "/proxy" }] }],
    ["a NO_PROXY that is a secret", [], { secrets: [{ name: "NO_PROXY", valueFrom: "/hosts" }] }],
    ["a NO_PROXY that excludes all", [{ name: "NO_PROXY", value: "a, *" }], {}],
  ])("adds no half of it beside %s", (_what, own, more) => {
    const definition = echoWith(own, more);
    expect(injected(definition, proxied)).toEqual(injected(definition));
    expect(proxyProblemsIn(definition)).toHaveLength(1);
  });

  it("takes away a half that an earlier release added beside a proxy of the application's own", () => {
    const own = { name: "ALL_PROXY", value: "http://proxy:3128" };
    const half = withContainer(
      withContainer(injected(echoWith([own])), "echo", { environment: [own, { name: "NO_PROXY", value: HOSTS }] }),
      "ztunnel",
      { dockerLabels: { "ztunnel-autopilot/added": '[{"container":"echo","env":["NO_PROXY"]}]' } },
    );
    expect(injected(half, proxied)).toEqual(injected(echoWith([own])));
  });

  it("names what goes before it, or behind it, and adds it nevertheless", () => {
    const rivals = echoWith([{ name: "https_proxy", value: "http://proxy:3128" }], {
      environmentFiles: [{ type: "s3", value: "arn:aws:s3:::x/y.env" }],
    });
    expect(environmentOf(injected(rivals, proxied))).toContainEqual(ALL_PROXY);
    expect(proxyProblemsIn(rivals)).toEqual([
      "Container echo has its own https_proxy, before ALL_PROXY.",
      "Container echo has environment files: ALL_PROXY and NO_PROXY go before theirs.",
    ]);
    expect(proxyProblemsIn(injected(rivals, proxied))).toEqual(proxyProblemsIn(rivals));
    expect(proxyProblemsIn(injected(fixture("multi"), proxied))).toEqual([]);
    expect(proxyProblemsIn(fixture("shell"))).toEqual([]);
  });
});

describe("ztunnel's log", () => {
  const splunk: JsonObject = {
    logDriver: "splunk",
    options: { "splunk-url": "https://splunk:8088" },
    secretOptions: [{ name: "splunk-token", valueFrom: "/splunk" }],
  };
  const echoWith = (logConfiguration: JsonObject | null) =>
    withContainer(fixture("echo"), "echo", { logConfiguration });
  const awslogs = (group: string): JsonObject => ({
    logDriver: "awslogs",
    options: { "awslogs-group": group, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "app" },
  });

  it("goes where another driver takes the application's, with its secrets", () => {
    expect(ztunnelIn(injected(echoWith(splunk))).logConfiguration).toEqual(splunk);
  });

  it("goes to the configured log group of the secret's region where the task has none", () => {
    const spec = { ...wanted, logs: { "us-east-1": "/mesh/ztunnel", "eu-west-1": "/other" } };
    expect(ztunnelIn(injected(fixture("echo"), spec)).logConfiguration).toEqual({
      logDriver: "awslogs",
      options: {
        "awslogs-group": "/mesh/ztunnel",
        "awslogs-region": "us-east-1",
        "awslogs-stream-prefix": "ztunnel",
      },
    });
    expect(
      ztunnelIn(injected(echoWith({ logDriver: "none" }), { ...wanted, logs: { "eu-west-1": "/other" } })),
    ).not.toHaveProperty("logConfiguration");
  });

  it.each<[string, JsonObject | null]>([
    ["another group", awslogs("/ecs/new")],
    ["another driver", splunk],
    ["no driver at all", null],
  ])("follows the application's to %s", (_what, now) => {
    const moved = withContainer(injected(echoWith(awslogs("/ecs/old"))), "echo", { logConfiguration: now });
    expect(driftOf(moved, wanted)).toEqual(["log-configuration"]);
    expect(ztunnelIn(injected(moved)).logConfiguration).toEqual(ztunnelIn(injected(echoWith(now))).logConfiguration);
    expect(ztunnelIn(injected(moved)).dockerLabels).toEqual(ztunnelIn(injected(echoWith(now))).dockerLabels);
  });

  it("follows a copied driver away, too", () => {
    const moved = withContainer(injected(echoWith(splunk)), "echo", { logConfiguration: null });
    expect(injected(moved)).toEqual(injected(echoWith(null)));
  });

  it.each<[string, JsonObject]>([
    ["json-file", { logDriver: "json-file" }],
    [
      "awslogs with our prefix",
      {
        ...awslogs("/x"),
        options: { "awslogs-group": "/x", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "ztunnel" },
      },
    ],
  ])("stays its owner's where a sidecar was made by hand and the task has none: %s", (_what, own) => {
    const adopted = injected(withContainer(fixture("istioctl"), "ztunnel", { logConfiguration: own }));
    expect(ztunnelIn(adopted).logConfiguration).toEqual(own);
    expect(injected(adopted)).toBe(adopted);
  });
});

describe("a sidecar's settings", () => {
  const all: SidecarSpec = {
    ...wanted,
    cpu: 64,
    memoryMiB: 256,
    user: "1337",
    readonlyRootFilesystem: true,
    stopTimeoutSeconds: 30,
    environment: { RUST_LOG: "debug", A: "1" },
    repositoryCredentials: { credentialsParameter: "registry" },
  };

  it("are members of its container, as far as the task has room for them", () => {
    const result = injected(fixture("ec2"), all);
    expect(ztunnelIn(result)).toMatchObject({
      cpu: 64,
      memory: 256,
      memoryReservation: 64,
      user: "1337",
      readonlyRootFilesystem: true,
      stopTimeout: 30,
      environment: [
        { name: "A", value: "1" },
        { name: "RUST_LOG", value: "debug" },
      ],
      repositoryCredentials: { credentialsParameter: "registry" },
    });
    expect(registrationProblems(result)).toEqual([]);
    const full = injected(fixture("shell"), all);
    expect(ztunnelIn(full)).toMatchObject({ cpu: 0 });
    expect(ztunnelIn(full)).not.toHaveProperty("memory");
    expect(registrationProblems(full)).toEqual([]);
  });

  it("go with the configuration, and an owner's own stay", () => {
    expect(injected(injected(fixture("ec2"), all))).toEqual(injected(fixture("ec2")));
    const own = { user: "0", cpu: 512, environment: [{ name: "RUST_LOG", value: "trace" }] };
    const changed = withContainer(injected(fixture("ec2"), all), "ztunnel", own);
    expect(ztunnelIn(injected(changed))).toMatchObject(own);
  });

  it("keep a larger size that somebody gave the sidecar", () => {
    const larger = withContainer(injected(fixture("ec2"), all), "ztunnel", { memoryReservation: 200, memory: 512 });
    expect(driftOf(larger, all)).toEqual(["container-settings"]);
    expect(ztunnelIn(injected(larger, all))).toMatchObject({ memoryReservation: 200, memory: 512 });
    expect(driftOf(injected(larger, all), all)).toEqual([]);
  });

  it("lose a reservation of an earlier release that kept no claim of it, in a task that has a size now", () => {
    const { dockerLabels: _, ...ztunnel } = ztunnelIn(injected(fixture("ec2")));
    const moved = {
      ...fixture("ec2"),
      requiresCompatibilities: ["FARGATE"],
      cpu: "256",
      memory: "1024",
      containerDefinitions: [...containersOf(fixture("ec2")), { ...ztunnel, memoryReservation: 128 }],
    };
    const { containerDefinitions, ...task } = moved;
    expect(injected(moved)).toEqual(injected({ ...task, containerDefinitions: containerDefinitions.slice(0, 1) }));
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

describe("the health check", () => {
  const commandFor = (
    requiresCompatibilities: readonly string[] | null,
    healthCheckCommand = wanted.healthCheckCommand,
  ) =>
    ztunnelIn(injected({ ...fixture("echo"), requiresCompatibilities }, { ...wanted, healthCheckCommand })).healthCheck;

  it("has the guide's form for Fargate alone", () => {
    expect(commandFor(["FARGATE"])).toMatchObject({ command: ["ztunnel", "healthcheck"] });
  });

  it.each([[["EC2"]], [["EC2", "FARGATE"]], [["MANAGED_INSTANCES"]], [[]], [null]])(
    "has a word that docker knows for %j",
    (compatibilities) => {
      expect(commandFor(compatibilities)).toMatchObject({ command: ["CMD", "ztunnel", "healthcheck"] });
    },
  );

  it.each([[["CMD-SHELL", "true"]], [["CMD", "true"]]])("is the configuration's %j everywhere", (command) => {
    expect(commandFor(["EC2"], command)).toMatchObject({ command });
    expect(commandFor(["FARGATE"], command)).toMatchObject({ command });
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
