import type { JsonObject } from "../base/json.ts";

const ROLE = "arn:aws:iam::123456789012:role/execution";
export const secret = { name: "A", valueFrom: "arn:aws:ssm:us-east-1:123456789012:parameter/a" };
export const awslogs = (options: JsonObject = {}) => ({
  logDriver: "awslogs",
  options: { "awslogs-group": "g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web", ...options },
});

/** One container on Fargate. */
export const web: JsonObject = {
  family: "web",
  networkMode: "awsvpc",
  requiresCompatibilities: ["FARGATE"],
  cpu: "256",
  memory: "512",
  executionRoleArn: ROLE,
  containerDefinitions: [{ name: "web", image: "web:1", portMappings: [{ containerPort: 80, name: "http" }] }],
};

/** A job, then a cache that gets healthy, then the application. */
export const shop: JsonObject = {
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
export const reports: JsonObject = {
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
export function withContainer(definition: JsonObject, name: string, change: JsonObject): JsonObject {
  const containers = Array.isArray(definition.containerDefinitions) ? definition.containerDefinitions : [];
  return {
    ...definition,
    containerDefinitions: containers.map((one) => (one.name === name ? { ...one, ...change } : one)),
  };
}

export const withTask = (change: JsonObject, base = web) => ({ ...base, ...change });
export const app = (change: JsonObject) => withContainer(web, "web", change);
export const shopApp = (change: JsonObject) => withContainer(shop, "shop", change);
export const noRole = (definition: JsonObject): JsonObject => ({ ...definition, executionRoleArn: null });
export const containers = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `c${index}`, image: "web:1" }));
