import { rootCaPem } from "@ztunnel-autopilot/simulator";
import { serviceRef } from "../shared/base/arn.ts";
import type { JsonObject } from "../shared/base/json.ts";
import { DEFAULT_ENROLL_TAG, DISCOVERY_TAG, tagKeys } from "../shared/base/vocabulary.ts";
import { parseConfig } from "../shared/config/config.ts";
import type { DecisionInput } from "../shared/enrollment/decide.ts";

const account = "123456789012";
const region = "us-east-1";
const revisionArn = `arn:aws:ecs:${region}:${account}:task-definition/storefront:41`;
const role = (name: string) => `arn:aws:iam::${account}:role/storefront-${name}`;

/** An application container as teams write them: ports, environment, secrets, logs, health check, limits, mounts. */
function application(index: number): JsonObject {
  const name = `app-${index}`;
  return {
    name,
    image: `${account}.dkr.ecr.${region}.amazonaws.com/storefront/${name}:2026.11.21-${index}`,
    cpu: 192,
    memoryReservation: 256,
    essential: true,
    portMappings: [{ containerPort: 8080 + index, hostPort: 8080 + index, protocol: "tcp", name: `http-${index}` }],
    environment: Array.from({ length: 12 }, (_, n) => ({ name: `SETTING_${n}`, value: `value-${n}-of-${name}` })),
    secrets: Array.from({ length: 3 }, (_, n) => ({
      name: `SECRET_${n}`,
      valueFrom: `arn:aws:secretsmanager:${region}:${account}:secret:storefront/${name}/${n}-AbCdEf`,
    })),
    mountPoints: [{ sourceVolume: "scratch", containerPath: "/scratch", readOnly: false }],
    volumesFrom: [],
    systemControls: [],
    ulimits: [{ name: "nofile", softLimit: 65_536, hardLimit: 65_536 }],
    dependsOn: index === 0 ? [] : [{ containerName: "app-0", condition: "START" }],
    dockerLabels: { team: "storefront", component: name },
    healthCheck: {
      command: ["CMD-SHELL", `curl -f http://localhost:${8080 + index}/healthz || exit 1`],
      interval: 10,
      timeout: 5,
      retries: 3,
      startPeriod: 30,
    },
    logConfiguration: {
      logDriver: "awslogs",
      options: {
        "awslogs-group": "/ecs/storefront",
        "awslogs-region": region,
        "awslogs-stream-prefix": name,
        mode: "non-blocking",
      },
    },
  };
}

const raw: JsonObject = {
  taskDefinitionArn: revisionArn,
  family: "storefront",
  revision: 41,
  status: "ACTIVE",
  networkMode: "awsvpc",
  requiresCompatibilities: ["FARGATE"],
  compatibilities: ["EC2", "FARGATE"],
  requiresAttributes: [{ name: "com.amazonaws.ecs.capability.docker-remote-api.1.29" }],
  cpu: "2048",
  memory: "4096",
  taskRoleArn: role("task"),
  executionRoleArn: role("execution"),
  runtimePlatform: { cpuArchitecture: "ARM64", operatingSystemFamily: "LINUX" },
  volumes: [{ name: "scratch" }],
  placementConstraints: [],
  registeredAt: 1_795_230_000.123,
  registeredBy: `arn:aws:sts::${account}:assumed-role/pipeline/deploy`,
  containerDefinitions: Array.from({ length: 9 }, (_, index) => application(index)),
};

/** A tagged service of nine containers that is not enrolled yet. With ztunnel it has ten, the most that ECS allows. */
export const nineContainers: DecisionInput = {
  service: {
    ref: serviceRef(`arn:aws:ecs:${region}:${account}:service/shop/storefront`),
    status: "ACTIVE",
    createdAtMs: undefined,
    taskDefinitionArn: revisionArn,
    deploymentController: "ECS",
    deploymentStrategy: "ROLLING",
    hasPauseHook: false,
    strategyMinutes: 0,
    schedulingStrategy: "REPLICA",
    deploymentPercents: { minimumHealthy: 100, maximum: 200 },
    placementExpressions: [],
    resourceManagement: "CUSTOMER",
    usesServiceConnect: false,
    launchType: "FARGATE",
    platformVersion: "LATEST",
    desiredCount: 4,
    propagateTags: "SERVICE",
    deployments: [],
    tags: {
      [DEFAULT_ENROLL_TAG]: "true",
      [tagKeys.namespace]: "ecs-shop",
      [tagKeys.serviceAccount]: "storefront",
      [tagKeys.ports]: "http:80:8080",
    },
  },
  clusterTags: { [DISCOVERY_TAG]: "true" },
  definition: { taskDefinitionArn: revisionArn, raw, tags: [{ key: "team", value: "storefront" }] },
  facts: {
    controlPlane: "mesh",
    istiodUrl: "https://eastwest.example.com:15012",
    rootCaPem,
    network: "mesh",
    istiodVersion: "1.28.1",
    readAt: "2026-11-21T00:00:00.000Z",
  },
  config: parseConfig({
    homeRegion: region,
    homeAccount: account,
    accounts: [{ role: `arn:aws:iam::${account}:role/istiod`, domain: "ecs.internal", regions: [region] }],
    controlPlanes: [
      { name: "mesh", eks: { cluster: "mesh", region, account }, serves: [{ account, regions: [region] }] },
    ],
    ztunnel: { image: "us-docker.pkg.dev/soloio-img/istio/ztunnel:1.28.1-solo-distroless" },
    allowedNamespaces: ["ecs-*"],
    slack: { secretName: "slack", channel: "#mesh-ops" },
  }),
  older: [],
  fleet: {},
  state: undefined,
};
