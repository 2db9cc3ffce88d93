import { describe, expect, it } from "vitest";
import { registrationProblems } from "../aws/ecs/registration/rules.ts";
import type { JsonObject } from "../base/json.ts";
import { app, containers, reports, shop, shopApp, web, withContainer, withTask } from "./registration-definitions.ts";

const firelens: JsonObject = { logConfiguration: { logDriver: "awsfirelens", options: { Name: "http" } } };
const router: JsonObject = { firelensConfiguration: { type: "fluentbit" } };

describe("registrationProblems", () => {
  it.each<[string, JsonObject]>([
    ["one container on Fargate", web],
    ["a start order", shop],
    ["EC2 without sizes of the task", reports],
    [
      "members that the API has not, or that are null",
      { ...app({ future: 1, links: null }), future: {}, volumes: null },
    ],
    ["ten containers", withTask({ containerDefinitions: containers(10) })],
    ["a log router", withContainer(shopApp(firelens), "cache", router)],
    ["a memory limit that is the reservation", withContainer(reports, "reports", { memory: 256 })],
    ["sums that are the task's size", app({ cpu: 256, memory: 512 })],
    ["the host port that is the container's", app({ portMappings: [{ containerPort: 80, hostPort: 80 }] })],
    ["a range of ports", app({ portMappings: [{ containerPortRange: "8000-8010" }] })],
    ["a health check without CMD", app({ healthCheck: { command: ["curl", "localhost"] } })],
    ["SYS_PTRACE", app({ linuxParameters: { capabilities: { add: ["SYS_PTRACE"], drop: ["ALL"] } } })],
    ["volumes that are there", withTask({ volumes: [{ name: "v" }] }, app({ mountPoints: [{ sourceVolume: "v" }] }))],
    ["50 tags", withTask({ tags: Array.from({ length: 50 }, (_, index) => ({ key: `${index}`, value: "" })) })],
  ])("takes %s", (_what, definition) => {
    expect(registrationProblems(definition)).toEqual([]);
  });

  it.each<[string, JsonObject, string]>([
    ["a member of another type", app({ cpu: "1" }), "Invalid type for parameter 'containerDefinitions.0.cpu'."],
    ["no family", withTask({ family: null }), "Family should not be null or empty."],
    ["a bad family", withTask({ family: "a b" }), "Family contains invalid characters."],
    ["no containers", withTask({ containerDefinitions: [] }), "Container list cannot be empty."],
    ["eleven containers", withTask({ containerDefinitions: containers(11) }), "Too many containers."],
    ["no name", app({ name: "" }), "Container.name should not be null or empty."],
    ["a bad name", app({ name: "a b" }), "Container name 'a b' contains invalid characters."],
    ["a name twice", shopApp({ name: "cache" }), "Container names should be unique: 'cache' is used more than once."],
    ["no image", app({ image: null }), "Container.image should not be null or empty."],
    ["none essential", app({ essential: false }), "Task definition must have at least one essential container."],
    ["an unknown network mode", withTask({ networkMode: "nat" }, reports), "Invalid network mode 'nat'."],
    ["an unknown launch type", withTask({ requiresCompatibilities: ["EKS"] }, reports), "Invalid compatibility 'EKS'."],
    [
      "another proxy",
      withTask({ proxyConfiguration: { type: "ENVOY", containerName: "web" } }),
      "Proxy type must be APPMESH.",
    ],
    [
      "eleven constraints",
      withTask({ placementConstraints: containers(11) }, reports),
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
      expect(registrationProblems(withTask({ cpu, memory }))).toEqual([]);
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
      expect(registrationProblems(withTask({ cpu, memory }))).toContain(
        "No Fargate configuration exists for given values.",
      );
    });

    it.each<[string, JsonObject, string]>([
      ["no task CPU", withTask({ cpu: null }), "Fargate requires that 'cpu' be defined at the task level."],
      ["no task memory", withTask({ memory: null }), "Fargate requires that 'memory' be defined at the task level."],
      ["a task CPU below EC2's", withTask({ cpu: "127" }, reports), "Invalid 'cpu' setting for task."],
      ["a task CPU above EC2's", withTask({ cpu: "193 vCPU" }, reports), "Invalid 'cpu' setting for task."],
      ["an invalid task memory", withTask({ memory: "much" }, reports), "Invalid 'memory' setting for task."],
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
      [
        "logs through FireLens without a log router",
        shopApp(firelens),
        "When awsfirelens log driver is specified in log configuration, a firelens configuration object must be configured in one of the containers.",
      ],
      [
        "a log router that nothing logs through",
        withContainer(shopApp({}), "cache", router),
        "When a firelensConfiguration object is specified, at least one container has to be configured with the awsfirelens log driver.",
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
      expect(registrationProblems(withTask({ tags }))).toContain(message);
    });
  });
});
