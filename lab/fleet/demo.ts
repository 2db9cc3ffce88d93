import type * as z from "zod";
import type { JsonObject } from "../../shared/base/json.ts";
import { DEFAULT_ENROLL_TAG, tagKeys } from "../../shared/base/vocabulary.ts";
import { applicationLogs } from "./application-logs.ts";
import { type Fleet, type FleetService, fleetSchema } from "./fleet.ts";

export const US = { account: "123456789012", region: "us-east-1" } as const;
export const CENTRAL = { account: "210987654321", region: "eu-central-1" } as const;
export const EU = { account: "210987654321", region: "eu-west-1" } as const;

/** The role of Solo's guide: task role and execution role in one, below the path `/ecs/ambient/`. */
const guideRole = "arn:aws:iam::123456789012:role/ecs/ambient/eks-ecs-task-role";
const guideTask = {
  networkMode: "awsvpc",
  requiresCompatibilities: ["FARGATE"],
  cpu: "256",
  memory: "512",
  taskRoleArn: guideRole,
  executionRoleArn: guideRole,
} as const;

/** `shell-task-definition` of Solo's guide. */
export const shellDefinition: JsonObject = {
  family: "shell-task-definition",
  ...guideTask,
  containerDefinitions: [
    {
      name: "shell",
      image: "curlimages/curl:latest",
      cpu: 256,
      memory: 512,
      essential: true,
      command: ["sleep", "infinity"],
      environment: [{ name: "ALL_PROXY", value: "socks5h://127.0.0.1:15080" }],
    },
  ],
};

/** `echo-service-definition` of Solo's guide. */
export const echoDefinition: JsonObject = {
  family: "echo-service-definition",
  ...guideTask,
  containerDefinitions: [
    {
      name: "echo",
      image: "gcr.io/istio-testing/app",
      cpu: 256,
      memory: 512,
      essential: true,
      portMappings: [{ containerPort: 8080, protocol: "tcp" }],
    },
  ],
};

const roles = (name: string, account: string = EU.account) => ({
  taskRoleArn: `arn:aws:iam::${account}:role/${name}-task`,
  executionRoleArn: `arn:aws:iam::${account}:role/${name}-execution`,
});

/** Several containers, logs through a FireLens router, a migration that runs first. */
const checkoutDefinition: JsonObject = {
  family: "checkout",
  networkMode: "awsvpc",
  requiresCompatibilities: ["FARGATE"],
  cpu: "1024",
  memory: "2048",
  ...roles("checkout"),
  containerDefinitions: [
    {
      name: "log-router",
      image: "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable",
      essential: true,
      memoryReservation: 64,
      firelensConfiguration: { type: "fluentbit" },
    },
    {
      name: "migrate",
      image: "shop/checkout-migrate:41",
      essential: false,
      command: ["migrate", "up"],
      logConfiguration: { logDriver: "awsfirelens", options: { Name: "cloudwatch_logs" } },
    },
    {
      name: "checkout",
      image: "shop/checkout:41",
      essential: true,
      portMappings: [{ containerPort: 8443, protocol: "tcp" }],
      dependsOn: [{ containerName: "migrate", condition: "SUCCESS" }],
      logConfiguration: { logDriver: "awsfirelens", options: { Name: "cloudwatch_logs" } },
    },
  ],
};

/** On EC2, awsvpc, without task-level memory. */
const searchDefinition: JsonObject = {
  family: "search",
  networkMode: "awsvpc",
  requiresCompatibilities: ["EC2"],
  ...roles("search"),
  containerDefinitions: [
    {
      name: "search",
      image: "shop/search:12",
      essential: true,
      memory: 1024,
      portMappings: [{ containerPort: 9200 }],
      logConfiguration: applicationLogs("search", EU.region),
    },
  ],
};

/** Bridge networking: ztunnel can't serve it. */
const legacyDefinition: JsonObject = {
  family: "legacy-reports",
  networkMode: "bridge",
  requiresCompatibilities: ["EC2"],
  ...roles("legacy-reports"),
  containerDefinitions: [{ name: "reports", image: "shop/reports:3", essential: true, memory: 512 }],
};

const webDefinition = (name: string, image: string, account: string = EU.account): JsonObject => ({
  family: name,
  networkMode: "awsvpc",
  requiresCompatibilities: ["FARGATE"],
  cpu: "512",
  memory: "1024",
  ...roles(name, account),
  containerDefinitions: [
    {
      name,
      image,
      essential: true,
      portMappings: [{ containerPort: 8080 }],
      logConfiguration: applicationLogs(name, EU.region),
    },
  ],
});

const shop = (service: Omit<z.input<typeof fleetSchema>["services"][number], "account" | "region" | "cluster">) => ({
  ...EU,
  cluster: "shop",
  ...service,
});

/**
 * The fleet of `npm start`, and the default of `npm run lab`: Solo's guide, and a shop in a second account.
 */
export const demoFleet: Fleet = fleetSchema.parse({
  clusters: [
    { ...US, name: "ecs-demo" },
    { ...EU, name: "shop" },
  ],
  services: [
    { ...US, cluster: "ecs-demo", name: "shell-task", taskDefinition: shellDefinition },
    { ...US, cluster: "ecs-demo", name: "echo-service", taskDefinition: echoDefinition, desiredCount: 2 },
    shop({ name: "checkout", taskDefinition: checkoutDefinition, desiredCount: 3, circuitBreaker: true }),
    shop({ name: "search", taskDefinition: searchDefinition, launchType: "EC2", desiredCount: 2 }),
    shop({ name: "legacy-reports", taskDefinition: legacyDefinition, launchType: "EC2" }),
    shop({
      name: "billing",
      taskDefinition: webDefinition("billing", "shop/billing:8"),
      deploymentController: "CODE_DEPLOY",
    }),
  ],
});

/** A service that somebody creates with the enroll tag on it. */
export const catalogService: FleetService = fleetSchema.shape.services.element.parse(
  shop({
    name: "catalog",
    taskDefinition: webDefinition("catalog", "shop/catalog:5"),
    desiredCount: 2,
    tags: {
      [DEFAULT_ENROLL_TAG]: "true",
      [tagKeys.namespace]: "ecs-shop",
      [tagKeys.serviceAccount]: "catalog",
    },
  }),
);

const grown = (at: { readonly account: string; readonly region: string }, cluster: string, name: string) => ({
  ...at,
  cluster,
  name,
  taskDefinition: webDefinition(name, `shop/${name}:1`, at.account),
  desiredCount: 2,
  tags: {
    [DEFAULT_ENROLL_TAG]: "true",
    [tagKeys.namespace]: "ecs-shop",
    [tagKeys.serviceAccount]: name,
  },
});

/** What comes later, in a third region too: every service with the enroll tag on it. */
export const growth: Fleet = fleetSchema.parse({
  clusters: [{ ...CENTRAL, name: "shop-central" }],
  services: [
    ...["cart", "orders"].map((name) => grown(US, "ecs-demo", name)),
    ...["prices", "stock"].map((name) => grown(EU, "shop", name)),
    ...["invoices", "returns", "ratings"].map((name) => grown(CENTRAL, "shop-central", name)),
  ],
});
