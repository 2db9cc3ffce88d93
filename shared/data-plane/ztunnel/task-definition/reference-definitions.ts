import type { JsonObject } from "../../../base/json.ts";

const executionRoleArn = "arn:aws:iam::123456789012:role/reference";
const TOKEN = "BOOTSTRAP_TOKEN";
const SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:";
const awslogs = (options: JsonObject): JsonObject => ({
  logDriver: "awslogs",
  options: { "awslogs-group": "/ecs/web", "awslogs-region": "us-east-1", ...options },
});
const firelens = { logDriver: "awsfirelens", options: { Name: "http" } };
const waits = (containerName: string, condition: string): JsonObject => ({ containerName, condition });

/** Fargate with awslogs, an init container, and variables that the application has already. */
const fargate: JsonObject = {
  executionRoleArn,
  memory: "1024",
  containerDefinitions: [
    { name: "init", image: "init:1", essential: false, dependsOn: null, environment: null },
    {
      name: "web",
      image: "web:1",
      dependsOn: [waits("init", "SUCCESS")],
      environment: [{ name: "all_proxy", value: "http://proxy:3128" }],
      logConfiguration: awslogs({
        "awslogs-stream-prefix": "web",
        "awslogs-datetime-format": "%Y",
        "awslogs-multiline-pattern": "^x",
        mode: "non-blocking",
      }),
    },
    { name: "cache", image: "cache:1", dependsOn: [], secrets: [{ name: "NO_PROXY", valueFrom: "/no-proxy" }] },
  ],
};

/** EC2 without a memory size of the task, and without logs. */
const ec2: JsonObject = {
  executionRoleArn,
  containerDefinitions: [{ name: "web", image: "web:1", memory: 128, environment: [] }],
};

const router = { name: "router", image: "fluent-bit:1", firelensConfiguration: { type: "fluentbit" } };

/** The only awslogs are the log router's own. */
const logRouter: JsonObject = {
  executionRoleArn,
  memory: "1024",
  containerDefinitions: [
    { ...router, logConfiguration: awslogs({}) },
    { name: "web", image: "web:1", logConfiguration: firelens },
  ],
};

const token = (name: string): JsonObject => ({ name: TOKEN, valueFrom: `${SECRET}${name}-AbCdEf` });
const labels = (added: string, others: JsonObject = {}): JsonObject => ({
  "ztunnel-autopilot/added": added,
  ...others,
});

/** As `istioctl ecs add-service` leaves it, with a log driver of its own, in a task that logs to CloudWatch. */
const byIstioctl: JsonObject = {
  executionRoleArn,
  memory: "1024",
  containerDefinitions: [
    {
      name: "ztunnel",
      image: "ztunnel:1",
      cpu: 256,
      environment: [
        { name: TOKEN, value: "" },
        { name: "RUST_LOG", value: "info" },
      ],
      logConfiguration: { logDriver: "json-file" },
      dockerLabels: labels('[{"container":"web","env":["ALL_PROXY"]}]'),
    },
    { name: "web", image: "web:1", dependsOn: [waits("ztunnel", "START")], logConfiguration: awslogs({}) },
  ],
};

/** Made by hand: it may stop, has a limit, waits for a container, and a log router waits for it. */
const byHand: JsonObject = {
  executionRoleArn,
  containerDefinitions: [
    { name: "init", image: "init:1", memory: 64, essential: false },
    {
      name: "ztunnel",
      image: "ztunnel:0",
      memory: 64,
      essential: false,
      secrets: [
        { name: "OTHER", valueFrom: "/other" },
        { ...token("team/token"), futureField: 1 },
      ],
      dependsOn: [waits("init", "SUCCESS")],
      healthCheck: { command: ["true"], timeout: 2, futureField: 1 },
      logConfiguration: { ...awslogs({ "awslogs-group": "/ecs/ztunnel" }), secretOptions: [] },
      dockerLabels: labels('[{"container":"web","env":["NO_PROXY"]}]', { team: "web" }),
    },
    { ...router, memory: 64, dependsOn: [waits("ztunnel", "HEALTHY")] },
    {
      name: "web",
      image: "web:1",
      memory: 64,
      dependsOn: [waits("ztunnel", "HEALTHY"), waits("ztunnel", "START"), waits("init", "SUCCESS")],
      logConfiguration: awslogs({}),
    },
  ],
};

const proxied = (...variables: readonly (readonly [string, string])[]): JsonObject => ({
  image: "web:1",
  memory: 64,
  dependsOn: [waits("ztunnel", "HEALTHY")],
  environment: variables.map(([name, value]) => ({ name, value })),
});
const ALL_PROXY = ["ALL_PROXY", "socks5h://127.0.0.1:15080"] as const;
const NO_PROXY = ["NO_PROXY", "169.254.170.2,169.254.169.254,localhost,127.0.0.1"] as const;

/** Ours, with what others did to it since: a token twice, a variable changed; and with claims of what was added. */
const ours: JsonObject = {
  executionRoleArn,
  containerDefinitions: [
    {
      name: "ztunnel",
      image: "ztunnel:0",
      secrets: [token("ztunnel-autopilot/a/b/c"), token("ztunnel-autopilot/a/b/c")],
      dockerLabels: labels(
        JSON.stringify([
          { container: "web", env: ["ALL_PROXY", "NO_PROXY"], environment: "absent" },
          { container: "job", env: ["ALL_PROXY"], environment: "null", dependsOn: "null" },
          { container: "api", env: ["ALL_PROXY"], dependsOn: "empty" },
          { container: "own", env: ["ALL_PROXY"] },
        ]),
      ),
    },
    { name: "web", ...proxied(ALL_PROXY, NO_PROXY) },
    { name: "job", ...proxied(ALL_PROXY) },
    { name: "api", ...proxied(ALL_PROXY, ["HOME", "/"]) },
    { name: "own", ...proxied(["ALL_PROXY", "http://proxy:3128"]) },
  ],
};

/** Ours, with more memory than it needs and a label that claims nothing. */
const relabelled = (label: string): JsonObject => ({
  executionRoleArn,
  containerDefinitions: [
    {
      name: "ztunnel",
      image: "ztunnel:0",
      memoryReservation: 65_536,
      secrets: [token("ztunnel-autopilot/a/b/c")],
      dockerLabels: labels(label),
    },
    { name: "web", ...proxied() },
  ],
});

/**
 * Task definitions that stand for all that a sidecar is built into or corrected in: between them they take every branch
 * of the builder, which a test holds them to. They are data: what they are changes the sidecar settings' hash, and with
 * it starts a rollout.
 */
export const referenceDefinitions: Readonly<Record<string, JsonObject>> = {
  fargate,
  ec2,
  logRouter,
  byIstioctl,
  byHand,
  ours,
  noJson: relabelled("no JSON"),
  noLabel: relabelled("{}"),
};
