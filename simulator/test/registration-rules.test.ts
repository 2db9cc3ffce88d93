import { describe, expect, it } from "vitest";
import { without } from "../../shared/data-plane/ztunnel/task-definition/fields.ts";
import { fixture, withContainer } from "../../test/support/task-definitions.ts";
import { registrationProblems } from "../aws/ecs/registration-rules.ts";
import type { JsonObject } from "../json.ts";

const echo = fixture("echo");
const multi = fixture("multi");
const ec2 = fixture("ec2");
const task = (change: JsonObject, base = echo) => ({ ...base, ...change });
const app = (change: JsonObject) => withContainer(echo, "echo", change);
const web = (change: JsonObject) => withContainer(multi, "web", change);
const secret = { name: "A", valueFrom: "arn:aws:ssm:us-east-1:123456789012:parameter/a" };
const logs = { logDriver: "awslogs", options: { "awslogs-group": "g", "awslogs-region": "r" } };
const containers = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `c${index}`, image: "web:1" }));

describe("registrationProblems", () => {
  it.each(["shell", "echo", "multi", "firelens", "ec2", "istioctl", "by-hand"] as const)("takes %s", (name) => {
    expect(registrationProblems(fixture(name))).toEqual([]);
  });

  it.each<[string, JsonObject, string]>([
    ["no family", without(echo, "family"), "Family should not be null or empty."],
    ["a bad family", task({ family: "a b" }), "Family contains invalid characters."],
    ["no containers", task({ containerDefinitions: [] }), "Container list cannot be empty."],
    ["eleven containers", task({ containerDefinitions: containers(11) }), "Too many containers."],
    ["a bad name", app({ name: "a b" }), "Container name 'a b' contains invalid characters."],
    ["a name twice", web({ name: "cache" }), "Container names should be unique: 'cache' is used more than once."],
    ["no image", app({ image: null }), "Container.image should not be null or empty."],
    ["none essential", app({ essential: false }), "Task definition must have at least one essential container."],
    ["no task CPU", without(echo, "cpu"), "Fargate requires that 'cpu' be defined at the task level."],
    ["no task memory", without(echo, "memory"), "Fargate requires that 'memory' be defined at the task level."],
    ["an odd size", task({ cpu: "256", memory: "4096" }), "No Fargate configuration exists for given values."],
    [
      "too much CPU",
      app({ cpu: 257 }),
      "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
    ],
    [
      "too much memory",
      app({ memory: 513 }),
      "The 'memory' setting for container 'echo' is greater than for the task.",
    ],
    [
      "reservations over the task",
      withContainer(web({ memory: 1500 }), "cache", { memoryReservation: 600 }),
      "The sum of all container memory reservations cannot be greater than the value of the task 'memory'.",
    ],
    [
      "no memory on EC2",
      withContainer(ec2, "reports", { memory: null, memoryReservation: null }),
      "Invalid setting for container 'reports'. At least one of 'memory' or 'memoryReservation' must be specified.",
    ],
    [
      "a reservation over the limit",
      withContainer(ec2, "reports", { memory: 100 }),
      "Invalid setting for container 'reports'. 'memory' must be greater than or equal to 'memoryReservation'.",
    ],
    ["5 MiB", app({ memory: 5 }), "Invalid setting for container 'echo'. Memory must be at least 6 MiB."],
    ["bridge on Fargate", task({ networkMode: "bridge" }), "Fargate only supports network mode 'awsvpc'."],
    [
      "another host port",
      app({ portMappings: [{ containerPort: 80, hostPort: 81 }] }),
      "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
    ],
    ["a hostname", app({ hostname: "a" }), "hostname is not supported on container when networkMode=awsvpc."],
    [
      "an unknown dependency",
      app({ dependsOn: [{ containerName: "x", condition: "START" }] }),
      "Cannot depend on container x because it does not exist.",
    ],
    [
      "HEALTHY without a health check",
      web({ dependsOn: [{ containerName: "migrate", condition: "HEALTHY" }] }),
      "A dependency container with HEALTHY condition must have health check configured.",
    ],
    [
      "SUCCESS of an essential container",
      web({ dependsOn: [{ containerName: "cache", condition: "SUCCESS" }] }),
      "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container.",
    ],
    [
      "a cycle",
      withContainer(multi, "cache", { dependsOn: [{ containerName: "web", condition: "START" }] }),
      "Container dependencies should not have a cycle: web → cache → web.",
    ],
    [
      "a cycle of links",
      task({ networkMode: "bridge", containerDefinitions: [{ name: "a", image: "a", memory: 6, links: ["a"] }] }, ec2),
      "Container links should not have a cycle.",
    ],
    [
      "a long start timeout",
      app({ startTimeout: 121 }),
      "Invalid 'startTimeout' for container 'echo': Fargate takes 2 to 120 seconds.",
    ],
    [
      "an empty health check",
      app({ healthCheck: { command: [] } }),
      "The health check of container 'echo' has no command.",
    ],
    [
      "an interval out of range",
      app({ healthCheck: { command: ["a"], interval: 4 } }),
      "Invalid 'interval' in the health check of container 'echo': it takes 5 to 300.",
    ],
    [
      "secrets without a role",
      without(app({ secrets: [secret] }), "executionRoleArn"),
      "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
    ],
    [
      "awslogs without a role",
      without(app({ logConfiguration: logs }), "executionRoleArn"),
      "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
    ],
    [
      "a variable twice",
      app({ secrets: [secret], environment: [{ name: "A", value: "1" }] }),
      "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as 'A'.",
    ],
    [
      "awslogs without a group",
      app({ logConfiguration: { logDriver: "awslogs" } }),
      "Log driver awslogs requires options: awslogs-region, awslogs-group.",
    ],
    ["privileged", app({ privileged: true }), "Fargate compatible task definitions do not support privileged."],
    ["links on Fargate", app({ links: ["echo"] }), "Links are not supported when networkMode=awsvpc."],
    [
      "constraints",
      task({ placementConstraints: [{ type: "memberOf" }] }),
      "Fargate compatible task definitions do not support constraints.",
    ],
    ["an IPC mode", task({ ipcMode: "task" }), "Tasks using the Fargate launch type do not support ipcMode."],
    [
      "NET_ADMIN",
      app({ linuxParameters: { capabilities: { add: ["NET_ADMIN"] } } }),
      "Fargate only supports adding the capability SYS_PTRACE, not NET_ADMIN.",
    ],
    [
      "another proxy",
      task({ proxyConfiguration: { type: "ENVOY", containerName: "echo" } }),
      "Proxy type must be APPMESH.",
    ],
    ["an unknown volume", app({ mountPoints: [{ sourceVolume: "x" }] }), "Unknown volume 'x'."],
    ["AWS's tags", task({ tags: [{ key: "AWS:x", value: "" }] }), "Tag keys that start with aws: are reserved."],
    [
      "51 tags",
      task({ tags: Array.from({ length: 51 }, (_, index) => ({ key: `${index}`, value: "" })) }),
      "Too many tags: a resource has at most 50.",
    ],
    [
      "65 KB",
      app({ command: ["x".repeat(65_536)] }),
      "Actual length of the task definition exceeds the maximum of 65536 bytes.",
    ],
  ])("refuses %s", (_what, definition, message) => {
    expect(registrationProblems(definition)).toContain(message);
  });

  it.each([
    ["1 vCPU", "3GB"],
    ["1 vcpu", "3 GB"],
    [".25 vCPU", "0.5 GB"],
    ["16384", "122880"],
    ["32768", "249856"],
    ["8192", "61440"],
  ])("takes the Fargate size %s with %s", (cpu, memory) => {
    expect(registrationProblems(withContainer(task({ cpu, memory }), "echo", { cpu: 0, memory: null }))).toEqual([]);
  });
});
