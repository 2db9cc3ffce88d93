import { readFileSync } from "node:fs";
import type { JsonObject } from "../../shared/base/json.ts";
import { type Config, parseConfig } from "../../shared/config/config.ts";
import type { DecisionInput } from "../../shared/enrollment/decide.ts";
import type { TagRequest } from "../../shared/enrollment/decision.ts";
import type { MeshFacts } from "../../shared/model/mesh.ts";
import type { ObservedService, Tags } from "../../shared/model/service.ts";
import { ACCOUNT, OBSERVED, OTHER_ACCOUNT, web } from "./arns.ts";

export const TASK_ROLE = `arn:aws:iam::${ACCOUNT}:role/web-task`;
export const EXECUTION_ROLE = `arn:aws:iam::${ACCOUNT}:role/web-execution`;

export const rootPem = (name: "a" | "b" | "c" | "d" | "d-renewed"): string =>
  readFileSync(new URL(`../fixtures/trust/root-${name}.pem`, import.meta.url), "utf8");

export const enrolled: Tags = {
  "ztunnel-autopilot/enroll": "true",
  "ecs.solo.io/namespace": "shop",
  "ecs.solo.io/service-account": "web",
  "ecs.solo.io/ports": "http:80:8080",
};

export function config(changes: Partial<Parameters<typeof parseConfig>[0] & object> = {}): Config {
  return parseConfig({
    homeRegion: "us-east-1",
    homeAccount: ACCOUNT,
    accounts: [{ role: `arn:aws:iam::${ACCOUNT}:role/istiod`, domain: "ecs.local", regions: ["us-east-1"] }],
    controlPlanes: [
      {
        name: "main",
        eks: { cluster: "mesh", region: "us-east-1", account: ACCOUNT },
        serves: [{ account: ACCOUNT, regions: ["us-east-1"] }],
      },
    ],
    ztunnel: { image: "registry.example.com/ztunnel:1.28.1" },
    allowedNamespaces: ["*"],
    slack: { secretName: "slack", channel: "#ops" },
    ...changes,
  });
}

/** The configuration of two accounts that one control plane serves. */
export function configOfTwoAccounts(changes: Parameters<typeof config>[0] = {}): Config {
  const both = [ACCOUNT, OTHER_ACCOUNT];
  const regions = ["us-east-1"];
  return config({
    accounts: both.map((account) => ({ role: `arn:aws:iam::${account}:role/istiod`, domain: "ecs.local", regions })),
    controlPlanes: [
      {
        name: "main",
        eks: { cluster: "mesh", region: "us-east-1", account: OTHER_ACCOUNT },
        serves: both.map((account) => ({ account, regions })),
      },
    ],
    ...changes,
  });
}

/** What the tags `enrolled` ask for. */
export const request: TagRequest = {
  namespace: "shop",
  serviceAccount: "web",
  hostname: "",
  ports: "",
  platform: "ecs",
  external: true,
  proxyEnv: false,
  image: undefined,
  canary: false,
};

export const facts: MeshFacts = {
  controlPlane: "main",
  istiodUrl: "https://istiod.example.com:15012",
  rootCaPem: rootPem("a"),
  network: "mesh-network",
  istiodVersion: "1.28.0",
  readAt: "2026-11-20T00:00:00.000Z",
};

export function service(changes: Partial<ObservedService> = {}): ObservedService {
  return {
    ref: web,
    status: "ACTIVE",
    createdAtMs: Date.parse("2026-01-02T03:04:05Z"),
    taskDefinitionArn: OBSERVED,
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
    desiredCount: 2,
    propagateTags: "SERVICE",
    deployments: [],
    tags: enrolled,
    ...changes,
  };
}

export const application: JsonObject = {
  name: "web",
  image: "nginx:1",
  essential: true,
  cpu: 0,
  memory: 512,
  logConfiguration: {
    logDriver: "awslogs",
    options: { "awslogs-group": "/ecs/web", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web" },
  },
  portMappings: [{ containerPort: 8080, hostPort: 8080, protocol: "tcp" }],
};

export function taskDefinition(changes: JsonObject = {}): JsonObject {
  return {
    family: "web",
    taskDefinitionArn: OBSERVED,
    revision: 7,
    status: "ACTIVE",
    networkMode: "awsvpc",
    requiresCompatibilities: ["FARGATE"],
    cpu: "1024",
    memory: "2048",
    taskRoleArn: TASK_ROLE,
    executionRoleArn: EXECUTION_ROLE,
    containerDefinitions: [application],
    ...changes,
  };
}

/** A healthy service with the tag, not yet enrolled, and what a test changes of it. */
export function observed(
  changes: Partial<Omit<DecisionInput, "definition">> & { readonly raw?: JsonObject } = {},
): DecisionInput {
  const { raw, ...others } = changes;
  return {
    service: service(),
    clusterTags: { "ecs.solo.io/discovery-enabled": "true" },
    definition: { taskDefinitionArn: OBSERVED, raw: raw ?? taskDefinition(), tags: [] },
    facts,
    older: [],
    fleet: {},
    config: config(),
    state: undefined,
    ...others,
  };
}
