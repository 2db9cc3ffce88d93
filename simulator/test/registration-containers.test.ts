import { describe, expect, it } from "vitest";
import { registrationProblems } from "../aws/ecs/registration/rules.ts";
import type { JsonObject } from "../base/json.ts";
import {
  app,
  awslogs,
  noRole,
  reports,
  secret,
  shop,
  shopApp,
  withContainer,
  withTask,
} from "./registration-definitions.ts";

describe("registrationProblems", () => {
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
        withTask({ networkMode: "none" }, withContainer(reports, "reports", { links: [] })),
        "Port mappings are not supported when networkMode=none.",
      ],
      ["a hostname", app({ hostname: "a" }), "hostname is not supported on container when networkMode=awsvpc."],
      ["links in awsvpc", app({ links: ["web"] }), "Links are not supported when networkMode=awsvpc."],
      [
        "extra hosts in awsvpc",
        withTask({ networkMode: "awsvpc" }, withContainer(reports, "files", { extraHosts: [{ hostname: "a" }] })),
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
      ["bridge", withTask({ networkMode: "bridge" }), "Fargate only supports network mode 'awsvpc'."],
      ["no network mode", withTask({ networkMode: null }), "Fargate only supports network mode 'awsvpc'."],
      ["an IPC mode", withTask({ ipcMode: "task" }), "Tasks using the Fargate launch type do not support ipcMode."],
      ["the host's processes", withTask({ pidMode: "host" }), not("pidMode host")],
      ["constraints", withTask({ placementConstraints: [{ type: "memberOf" }] }), not("constraints")],
      ["the host's directories", withTask({ volumes: [{ name: "v", host: { sourcePath: "/" } }] }), not("sourcePath")],
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
      ["much storage", withTask({ ephemeralStorage: { sizeInGiB: 201 } }), "Ephemeral storage takes 21 to 200 GiB."],
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
});
