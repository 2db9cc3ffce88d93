import type { JsonObject } from "../../../shared/base/json.ts";

/** A task definition that ECS accepts, with one container without and one with a health check. */
export const webDefinition: JsonObject = {
  family: "web",
  networkMode: "awsvpc",
  requiresCompatibilities: ["FARGATE"],
  cpu: "256",
  memory: "512",
  containerDefinitions: [
    { name: "web", image: "web:1", portMappings: [{ containerPort: 8080 }] },
    {
      name: "ztunnel",
      image: "ztunnel:1",
      healthCheck: { command: ["ztunnel", "healthcheck"], interval: 5, timeout: 5, retries: 3, startPeriod: 10 },
    },
  ],
  tags: [{ key: "team", value: "mesh" }],
};
