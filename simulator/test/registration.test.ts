import { describe, expect, it } from "vitest";
import { registrationProblems } from "../aws/ecs/registration/rules.ts";
import type { JsonObject } from "../json.ts";

const ROLE = "arn:aws:iam::123456789012:role/execution";
const secret = { name: "A", valueFrom: "arn:aws:ssm:us-east-1:123456789012:parameter/a" };
const awslogs = (options: JsonObject = {}) => ({
  logDriver: "awslogs",
  options: { "awslogs-group": "g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web", ...options },
});

/** One container on Fargate. */
const web: JsonObject = {
  family: "web",
  networkMode: "awsvpc",
  requiresCompatibilities: ["FARGATE"],
  cpu: "256",
  memory: "512",
  executionRoleArn: ROLE,
  containerDefinitions: [{ name: "web", image: "web:1", portMappings: [{ containerPort: 80, name: "http" }] }],
};

/** A job, then a cache that gets healthy, then the application. */
const shop: JsonObject = {
  ...web,
  family: "shop",
  cpu: "1 vCPU",
  memory: "2GB",
  containerDefinitions: [
    { name: "migrate", image: "shop:1", essential: false, logConfiguration: awslogs() },
    { name: "cache", image: "cache:1", memoryReservation: 512, healthCheck: { command: ["CMD", "ping"] } },
    {
      name: "shop",
      image: "shop:1",
      memory: 1024,
      secrets: [secret],
      dependsOn: [
        { containerName: "migrate", condition: "SUCCESS" },
        { containerName: "cache", condition: "HEALTHY" },
      ],
    },
  ],
};

/** On EC2, without sizes of the task. */
const reports: JsonObject = {
  family: "reports",
  containerDefinitions: [
    { name: "reports", image: "reports:1", cpu: 128, memory: 1024, memoryReservation: 256, links: ["files:f"] },
    {
      name: "files",
      image: "files:1",
      memory: 64,
      essential: false,
      portMappings: [{ containerPort: 80, hostPort: 0 }],
    },
  ],
};

/** A definition with one container changed. */
function withContainer(definition: JsonObject, name: string, change: JsonObject): JsonObject {
  const containers = Array.isArray(definition.containerDefinitions) ? definition.containerDefinitions : [];
  return {
    ...definition,
    containerDefinitions: containers.map((one) => (one.name === name ? { ...one, ...change } : one)),
  };
}

const task = (change: JsonObject, base = web) => ({ ...base, ...change });
const app = (change: JsonObject) => withContainer(web, "web", change);
const shopApp = (change: JsonObject) => withContainer(shop, "shop", change);
const noRole = (definition: JsonObject): JsonObject => ({ ...definition, executionRoleArn: null });
const containers = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `c${index}`, image: "web:1" }));

describe("registrationProblems", () => {
  it.each<[string, JsonObject]>([
    ["one container on Fargate", web],
    ["a start order", shop],
    ["EC2 without sizes of the task", reports],
    [
      "members that the API has not, or that are null",
      { ...app({ future: 1, links: null }), future: {}, volumes: null },
    ],
    ["ten containers", task({ containerDefinitions: containers(10) })],
    ["a log router", shopApp({ logConfiguration: { logDriver: "awsfirelens", options: { Name: "http" } } })],
    ["a memory limit that is the reservation", withContainer(reports, "reports", { memory: 256 })],
    ["sums that are the task's size", app({ cpu: 256, memory: 512 })],
    ["the host port that is the container's", app({ portMappings: [{ containerPort: 80, hostPort: 80 }] })],
    ["a range of ports", app({ portMappings: [{ containerPortRange: "8000-8010" }] })],
    ["a health check without CMD", app({ healthCheck: { command: ["curl", "localhost"] } })],
    ["SYS_PTRACE", app({ linuxParameters: { capabilities: { add: ["SYS_PTRACE"], drop: ["ALL"] } } })],
    ["volumes that are there", task({ volumes: [{ name: "v" }] }, app({ mountPoints: [{ sourceVolume: "v" }] }))],
    ["50 tags", task({ tags: Array.from({ length: 50 }, (_, index) => ({ key: `${index}`, value: "" })) })],
  ])("takes %s", (_what, definition) => {
    expect(registrationProblems(definition)).toEqual([]);
  });

  it.each<[string, JsonObject, string]>([
    ["a member of another type", app({ cpu: "1" }), "Invalid type for parameter 'containerDefinitions.0.cpu'."],
    ["no family", task({ family: null }), "Family should not be null or empty."],
    ["a bad family", task({ family: "a b" }), "Family contains invalid characters."],
    ["no containers", task({ containerDefinitions: [] }), "Container list cannot be empty."],
    ["eleven containers", task({ containerDefinitions: containers(11) }), "Too many containers."],
    ["no name", app({ name: "" }), "Container.name should not be null or empty."],
    ["a bad name", app({ name: "a b" }), "Container name 'a b' contains invalid characters."],
    ["a name twice", shopApp({ name: "cache" }), "Container names should be unique: 'cache' is used more than once."],
    ["no image", app({ image: null }), "Container.image should not be null or empty."],
    ["none essential", app({ essential: false }), "Task definition must have at least one essential container."],
    ["an unknown network mode", task({ networkMode: "nat" }, reports), "Invalid network mode 'nat'."],
    ["an unknown launch type", task({ requiresCompatibilities: ["EKS"] }, reports), "Invalid compatibility 'EKS'."],
    [
      "another proxy",
      task({ proxyConfiguration: { type: "ENVOY", containerName: "web" } }),
      "Proxy type must be APPMESH.",
    ],
    [
      "eleven constraints",
      task({ placementConstraints: containers(11) }, reports),
      "Too many placement constraints: a task has at most 10.",
    ],
  ])("refuses %s", (_what, definition, message) => {
    expect(registrationProblems(definition)).toContain(message);
  });

  describe("of sizes", () => {
    it.each([
      ["256", "512"],
      ["1 vCPU", "3GB"],
      ["1 vcpu", "3 GB"],
      [".25 vCPU", "0.5 GB"],
      ["512", "4096"],
      ["2048", "16384"],
      ["4096", "30720"],
      ["8192", "61440"],
      ["16384", "122880"],
      ["32768", "249856"],
    ])("takes Fargate's %s with %s", (cpu, memory) => {
      expect(registrationProblems(task({ cpu, memory }))).toEqual([]);
    });

    it.each([
      ["256", "4096"],
      ["257", "512"],
      ["256", "513"],
      ["2 vCPU", "3GB"],
      ["2048", "17408"],
      ["4096", "31744"],
      ["8192", "17408"],
      ["16384", "36864"],
      ["32768", "65536"],
      ["64 vCPU", "120GB"],
      ["1 CPU", "2GB"],
      ["0.25", "512"],
    ])("refuses %s with %s on Fargate", (cpu, memory) => {
      expect(registrationProblems(task({ cpu, memory }))).toContain(
        "No Fargate configuration exists for given values.",
      );
    });

    it.each<[string, JsonObject, string]>([
      ["no task CPU", task({ cpu: null }), "Fargate requires that 'cpu' be defined at the task level."],
      ["no task memory", task({ memory: null }), "Fargate requires that 'memory' be defined at the task level."],
      ["a task CPU below EC2's", task({ cpu: "127" }, reports), "Invalid 'cpu' setting for task."],
      ["a task CPU above EC2's", task({ cpu: "193 vCPU" }, reports), "Invalid 'cpu' setting for task."],
      ["a task memory that is none", task({ memory: "much" }, reports), "Invalid 'memory' setting for task."],
      [
        "too much CPU",
        app({ cpu: 257 }),
        "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
      ],
      [
        "too much memory",
        app({ memory: 513 }),
        "The 'memory' setting for container 'web' is greater than for the task.",
      ],
      [
        "limits and reservations over the task's",
        withContainer(shopApp({ memory: 1500 }), "cache", { memoryReservation: 600 }),
        "The sum of all container 'memoryReservation' values cannot be greater than the value of the task 'memory'.",
      ],
      [
        "no memory on EC2",
        withContainer(reports, "reports", { memory: null, memoryReservation: 0 }),
        "Invalid setting for container 'reports'. At least one of 'memory' or 'memoryReservation' must be specified.",
      ],
      [
        "a reservation over the limit",
        withContainer(reports, "reports", { memory: 100 }),
        "Invalid setting for container 'reports'. 'memory' must be greater than or equal to 'memoryReservation'.",
      ],
      ["5 MiB", app({ memory: 5 }), "Invalid setting for container 'web'. Memory must be at least 6 MiB."],
      [
        "65 KiB",
        app({ command: ["x".repeat(65_536)] }),
        `Actual length: '${65_536 + JSON.stringify(app({ command: [""] })).length}'. Max allowed length is '65536' bytes.`,
      ],
    ])("refuses %s", (_what, definition, message) => {
      expect(registrationProblems(definition)).toContain(message);
    });
  });

  describe("of containers", () => {
    it.each<[string, JsonObject, string]>([
      [
        "another host port",
        app({ portMappings: [{ containerPort: 80, hostPort: 81 }] }),
        "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
      ],
      ["no port", app({ portMappings: [{}] }), "Invalid 'containerPort' setting for container 'web'."],
      ["port 0", app({ portMappings: [{ containerPort: 0 }] }), "Invalid 'containerPort' setting for container 'web'."],
      [
        "a range that falls",
        app({ portMappings: [{ containerPortRange: "90-80" }] }),
        "Invalid 'containerPortRange' setting for container 'web'.",
      ],
      [
        "a port name in capitals",
        app({ portMappings: [{ containerPort: 80, name: "HTTP" }] }),
        "Invalid port mapping name 'HTTP'.",
      ],
      [
        "ports without a network",
        task({ networkMode: "none" }, withContainer(reports, "reports", { links: [] })),
        "Port mappings are not supported when networkMode=none.",
      ],
      ["a hostname", app({ hostname: "a" }), "hostname is not supported on container when networkMode=awsvpc."],
      ["links in awsvpc", app({ links: ["web"] }), "Links are not supported when networkMode=awsvpc."],
      [
        "extra hosts in awsvpc",
        task({ networkMode: "awsvpc" }, withContainer(reports, "files", { extraHosts: [{ hostname: "a" }] })),
        "Extra hosts are not supported when networkMode=awsvpc.",
      ],
      [
        "a variable and a secret of one name",
        app({ secrets: [secret], environment: [{ name: "A", value: "1" }] }),
        "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as 'A'.",
      ],
      ["a secret from nowhere", app({ secrets: [{ name: "A" }] }), "The secret 'A' needs a 'valueFrom'."],
      [
        "an empty health check",
        app({ healthCheck: { command: [] } }),
        "The health check of container 'web' has no command.",
      ],
      [
        "an interval out of range",
        app({ healthCheck: { command: ["CMD", "a"], interval: 4 } }),
        "Invalid 'interval' in the health check of container 'web': it takes 5 to 300.",
      ],
      [
        "a timeout out of range",
        app({ healthCheck: { command: ["CMD", "a"], timeout: 61 } }),
        "Invalid 'timeout' in the health check of container 'web': it takes 2 to 60.",
      ],
      [
        "awslogs without a group",
        app({ logConfiguration: { logDriver: "awslogs" } }),
        "Log driver awslogs requires options: awslogs-region, awslogs-group.",
      ],
      ["an unknown volume", app({ mountPoints: [{ sourceVolume: "x" }] }), "Unknown volume 'x'."],
      [
        "a restart every minute but one second",
        app({ restartPolicy: { enabled: true, restartAttemptPeriod: 59 } }),
        "Invalid 'restartAttemptPeriod' for container 'web': it takes 60 to 1800 seconds.",
      ],
    ])("refuses %s", (_what, definition, message) => {
      expect(registrationProblems(definition)).toContain(message);
    });
  });

  describe("of the start order", () => {
    const dependency = (containerName: string, condition: string) => [{ containerName, condition }];
    it.each<[string, JsonObject, string]>([
      [
        "an unknown container",
        app({ dependsOn: dependency("x", "START") }),
        "Cannot depend on container + 'x' because it does not exist",
      ],
      [
        "an unknown condition",
        shopApp({ dependsOn: dependency("cache", "READY") }),
        "Invalid container dependency condition 'READY'.",
      ],
      [
        "HEALTHY without a health check",
        shopApp({ dependsOn: dependency("migrate", "HEALTHY") }),
        "A dependency container with HEALTHY condition must have health check configured",
      ],
      [
        "SUCCESS of an essential container",
        shopApp({ dependsOn: dependency("cache", "SUCCESS") }),
        "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
      ],
      [
        "a cycle, but not those beside it",
        withContainer(shop, "cache", { dependsOn: dependency("shop", "START") }),
        "Container dependencies should not have a cycle: cache, shop.",
      ],
      [
        "a container that waits for itself",
        shopApp({ dependsOn: dependency("shop", "START") }),
        "Container dependencies should not have a cycle: shop.",
      ],
      [
        "a cycle over volumes",
        withContainer(shop, "cache", { volumesFrom: [{ sourceContainer: "shop" }] }),
        "Container dependencies should not have a cycle: cache, shop.",
      ],
      [
        "a cycle of links",
        withContainer(reports, "files", { links: ["reports"] }),
        "Container links should not have a cycle",
      ],
      [
        "a link to nobody",
        withContainer(reports, "files", { links: ["x"] }),
        "Unknown container 'x' in 'links' of 'files'.",
      ],
      [
        "volumes from nobody",
        app({ volumesFrom: [{ sourceContainer: "x" }] }),
        "Unknown container 'x' in 'volumesFrom' of 'web'.",
      ],
    ])("refuses %s", (_what, definition, message) => {
      expect(registrationProblems(definition)).toContain(message);
    });
  });

  describe("of Fargate", () => {
    const not = (field: string) => `Fargate compatible task definitions do not support ${field}.`;
    it.each<[string, JsonObject, string]>([
      ["bridge", task({ networkMode: "bridge" }), "Fargate only supports network mode 'awsvpc'."],
      ["no network mode", task({ networkMode: null }), "Fargate only supports network mode 'awsvpc'."],
      ["an IPC mode", task({ ipcMode: "task" }), "Tasks using the Fargate launch type do not support ipcMode."],
      ["the host's processes", task({ pidMode: "host" }), not("pidMode host")],
      ["constraints", task({ placementConstraints: [{ type: "memberOf" }] }), not("constraints")],
      ["the host's directories", task({ volumes: [{ name: "v", host: { sourcePath: "/" } }] }), not("sourcePath")],
      ["privileged", app({ privileged: true }), not("privileged")],
      ["links", app({ links: ["web"] }), not("links")],
      ["devices", app({ linuxParameters: { devices: [{ hostPath: "/dev/x" }] } }), not("devices")],
      ["swap", app({ linuxParameters: { maxSwap: 0 } }), not("maxSwap")],
      ["GPUs", app({ resourceRequirements: [{ type: "GPU", value: "1" }] }), not("GPU")],
      ["journald", app({ logConfiguration: { logDriver: "journald" } }), not("log driver journald")],
      [
        "NET_ADMIN",
        app({ linuxParameters: { capabilities: { add: ["NET_ADMIN"] } } }),
        "Fargate only supports adding the capability SYS_PTRACE, not NET_ADMIN.",
      ],
      [
        "a long start timeout",
        app({ startTimeout: 121 }),
        "Invalid 'startTimeout' for container 'web': Fargate takes 2 to 120 seconds.",
      ],
      ["much storage", task({ ephemeralStorage: { sizeInGiB: 201 } }), "Ephemeral storage takes 21 to 200 GiB."],
      [
        "awslogs without a stream prefix",
        app({ logConfiguration: { logDriver: "awslogs", options: { "awslogs-group": "g", "awslogs-region": "r" } } }),
        "Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs.",
      ],
      [
        "awslogs without a role",
        noRole(app({ logConfiguration: awslogs() })),
        "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
      ],
      [
        "secrets without a role",
        noRole(app({ secrets: [secret] })),
        "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
      ],
    ])("refuses %s", (_what, definition, message) => {
      expect(registrationProblems(definition)).toContain(message);
    });
  });

  describe("of tags", () => {
    it.each<[string, JsonObject[], string]>([
      ["an empty list", [], "Tags can not be empty."],
      ["AWS's own", [{ key: "AWS:x", value: "" }], "Tag keys that start with aws: are reserved."],
      ["a key twice", [{ key: "a" }, { key: "a" }], "Tag keys should be unique."],
      ["a long key", [{ key: "a".repeat(129) }], "A tag key has 1 to 128 characters."],
      ["a long value", [{ key: "a", value: "a".repeat(257) }], "A tag value has at most 256 characters."],
      [
        "51 of them",
        Array.from({ length: 51 }, (_, index) => ({ key: `${index}`, value: "" })),
        "Too many tags: a resource has at most 50.",
      ],
    ])("refuses %s", (_what, tags, message) => {
      expect(registrationProblems(task({ tags }))).toContain(message);
    });
  });
});
