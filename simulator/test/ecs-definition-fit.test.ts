import { beforeEach, describe, expect, it } from "vitest";
import type { JsonObject } from "../base/json.ts";
import { ecsHarness, webContainer, webDefinition, webService } from "./ecs-harness.ts";

const loadBalancer = { targetGroupArn: "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/1" };
const connect = { enabled: true, namespace: "shop", services: [{ portName: "http", clientAliases: [{ port: 80 }] }] };
const ebs = { name: "data", managedEBSVolume: { roleArn: "arn:aws:iam::123456789012:role/ebs", sizeInGiB: 20 } };

const namedPort = { ...webContainer, portMappings: [{ name: "http", containerPort: 8080 }] };
const wholeDefinition = {
  ...webDefinition,
  containerDefinitions: [namedPort],
  volumes: [{ name: "data", configuredAtLaunch: true }],
};
const wholeService = {
  ...webService,
  loadBalancers: [{ ...loadBalancer, containerName: "web", containerPort: 8080 }],
  serviceConnectConfiguration: connect,
  volumeConfigurations: [ebs],
};

describe("what of a service has to be in its task definition", () => {
  let harness: ReturnType<typeof ecsHarness>;
  beforeEach(async () => {
    harness = ecsHarness();
    await harness.call("CreateCluster");
    await harness.call("RegisterTaskDefinition", wholeDefinition);
  });

  const cases: readonly { what: string; definition: JsonObject; message: string }[] = [
    {
      what: "the container of a load balancer",
      definition: { ...wholeDefinition, containerDefinitions: [{ ...namedPort, name: "app" }] },
      message: "The container web does not exist in the task definition.",
    },
    {
      what: "the port of a load balancer",
      definition: {
        ...wholeDefinition,
        containerDefinitions: [{ ...webContainer, portMappings: [{ name: "http", containerPort: 80 }] }],
      },
      message: "The container web did not have a container port 8080 defined.",
    },
    {
      what: "the port name of Service Connect",
      definition: {
        ...wholeDefinition,
        containerDefinitions: [{ ...webContainer, portMappings: [{ name: "web", containerPort: 8080 }] }],
      },
      message: "portName(http) does not refer to any named PortMapping in the container definitions",
    },
    {
      what: "the volume that is configured at launch",
      definition: { ...wholeDefinition, volumes: [] },
      message: "Volume configuration provided but no matching configuredAtLaunch volume found in task definition.",
    },
    {
      what: "no other volume that is configured at launch",
      definition: {
        ...wholeDefinition,
        volumes: [...wholeDefinition.volumes, { name: "more", configuredAtLaunch: true }],
      },
      message: "Task definition has configuredAtLaunch volume but no volume configuration provided at runtime.",
    },
    {
      what: "the network mode of its network configuration",
      definition: { ...wholeDefinition, networkMode: "bridge", requiresCompatibilities: ["EC2"] },
      message: "Network Configuration is not valid for the given networkMode of this task definition.",
    },
  ];

  it.each(cases)(
    "CreateService and UpdateService refuse a definition without $what",
    async ({ definition, message }) => {
      const refusal = { name: "InvalidParameterException", message };
      await harness.call("CreateService", wholeService);
      await harness.call("RegisterTaskDefinition", definition);
      await expect(harness.call("UpdateService", { service: "web", taskDefinition: "web" })).rejects.toMatchObject(
        refusal,
      );
      await expect(harness.call("CreateService", { ...wholeService, serviceName: "new" })).rejects.toMatchObject(
        refusal,
      );
      expect(await harness.call("DescribeServices", { services: ["web"] })).toMatchObject({
        services: [{ taskDefinition: expect.stringMatching(/:1$/), deployments: [{ status: "PRIMARY" }] }],
      });
    },
  );

  it("Fargate takes no definition without a task size, by launch type or by capacity provider", async () => {
    const { cpu: _cpu, memory: _memory, ...sizeless } = webDefinition;
    await harness.call("RegisterTaskDefinition", { ...sizeless, requiresCompatibilities: ["EC2"] });
    const message = "Task definition does not support launch_type FARGATE.";
    await expect(harness.call("CreateService", webService)).rejects.toMatchObject({ message });
    const { launchType: _launchType, ...onProviders } = webService;
    const capacityProviderStrategy = [{ capacityProvider: "FARGATE_SPOT", weight: 1 }];
    const creating = harness.call("CreateService", { ...onProviders, capacityProviderStrategy });
    await expect(creating).rejects.toMatchObject({ message });
  });

  it("Service Connect that is not enabled names no port", async () => {
    const serviceConnectConfiguration = { ...connect, enabled: false, services: [{ portName: "other" }] };
    const created = harness.call("CreateService", { ...wholeService, serviceConnectConfiguration });
    await expect(created).resolves.toMatchObject({ service: { status: "ACTIVE" } });
  });
});
