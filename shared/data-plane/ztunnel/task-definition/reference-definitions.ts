import type { JsonObject } from "../../../base/json.ts";
import { digestOf } from "./claims.ts";

const executionRoleArn = "arn:aws:iam::123456789012:role/reference";
const TOKEN = "BOOTSTRAP_TOKEN";
const SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:";
const awslogs = (options: JsonObject): JsonObject => ({
  logDriver: "awslogs",
  options: { "awslogs-group": "/ecs/web", "awslogs-region": "us-east-1", ...options },
});
const firelens = { logDriver: "awsfirelens", options: { Name: "http" } };
const waits = (containerName: string, condition: string): JsonObject => ({ containerName, condition });

/** Fargate alone with awslogs, an init container, and variables that the application has already. */
const fargate: JsonObject = {
  executionRoleArn,
  requiresCompatibilities: ["FARGATE"],
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

/** Logs go through a log router. */
const logRouter: JsonObject = {
  executionRoleArn,
  memory: "1024",
  containerDefinitions: [
    { ...router, logConfiguration: awslogs({}) },
    { name: "web", image: "web:1", logConfiguration: firelens },
  ],
};

/** The log router waits for a container, so that ztunnel can't log through it. */
const waitingRouter: JsonObject = {
  executionRoleArn,
  memory: "1024",
  containerDefinitions: [
    { name: "init", image: "init:1", essential: false },
    { ...router, dependsOn: [waits("init", "SUCCESS")], logConfiguration: awslogs({}) },
    { name: "web", image: "web:1", logConfiguration: firelens },
  ],
};

const splunk: JsonObject = {
  logDriver: "splunk",
  options: { "splunk-url": "https://splunk:8088" },
  secretOptions: [{ name: "splunk-token", valueFrom: "/splunk" }],
};

/** Another driver, in a full task of a size. */
const otherDriver: JsonObject = {
  executionRoleArn,
  cpu: "256",
  memory: "512",
  containerDefinitions: [{ name: "web", image: "web:1", cpu: 256, memory: 512, logConfiguration: splunk }],
};

/** Without any log. */
const unlogged: JsonObject = {
  executionRoleArn,
  memory: "1024",
  containerDefinitions: [{ name: "web", image: "web:1", logConfiguration: { logDriver: "none" } }],
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

/** Adopted beside a log router that waits for it, and for another: it keeps a log of its own. */
const adopted: JsonObject = {
  executionRoleArn,
  memory: "1024",
  containerDefinitions: [
    { name: "init", image: "init:1", essential: false },
    { ...router, dependsOn: [waits("init", "SUCCESS"), waits("ztunnel", "HEALTHY")] },
    {
      name: "ztunnel",
      image: "ztunnel:0",
      secrets: [token("team/token"), { name: "RUST_LOG", valueFrom: "/level" }],
      logConfiguration: { logDriver: "json-file" },
      dockerLabels: { "ztunnel-autopilot/set": "no JSON" },
    },
    { name: "web", image: "web:1" },
  ],
};

/** Lists of the application's own: with what was put behind one, changed since, and one that excludes all. */
const ownLists: JsonObject = {
  executionRoleArn,
  memory: "1024",
  containerDefinitions: [
    {
      name: "ztunnel",
      image: "ztunnel:0",
      secrets: [token("ztunnel-autopilot/a/b/c")],
      dockerLabels: {
        "ztunnel-autopilot/set": JSON.stringify({
          "no-proxy.web.NO_PROXY": ",localhost",
          "no-proxy.job.NO_PROXY": ",localhost",
        }),
      },
    },
    { name: "web", ...proxied(["NO_PROXY", "a,localhost"], ["no_proxy", ""]) },
    { name: "job", ...proxied(["NO_PROXY", "b"]) },
    { name: "api", ...proxied(["NO_PROXY", NO_PROXY[1]]) },
    { name: "closed", ...proxied(["NO_PROXY", "*"]) },
  ],
};

/** Ours, with more memory than it needs and labels that claim nothing, beside a log of another driver. */
const relabelled = (label: string, claims: string, logConfiguration: JsonObject | null): JsonObject => ({
  executionRoleArn,
  containerDefinitions: [
    {
      name: "ztunnel",
      image: "ztunnel:0",
      memoryReservation: 65_536,
      secrets: [token("ztunnel-autopilot/a/b/c")],
      logConfiguration,
      dockerLabels: labels(label, { "ztunnel-autopilot/set": claims }),
    },
    { name: "web", ...proxied(), logConfiguration: splunk },
  ],
});

/** Ours, with settings that an earlier configuration may have set, in a task that has no log any more. */
const configured = (claims: JsonObject, logConfiguration: JsonObject): JsonObject => ({
  executionRoleArn,
  memory: "1024",
  containerDefinitions: [
    {
      name: "ztunnel",
      image: "ztunnel:0",
      cpu: 64,
      memory: 256,
      memoryReservation: 128,
      user: "1000",
      environment: [{ name: "RUST_LOG", value: "debug" }],
      secrets: [token("ztunnel-autopilot/a/b/c")],
      logConfiguration,
      dockerLabels: { "ztunnel-autopilot/set": JSON.stringify(claims), team: "web" },
    },
    { name: "web", image: "web:1" },
  ],
});

const formerly = configured(
  {
    cpu: digestOf(64),
    memory: digestOf(256),
    memoryReservation: digestOf(128),
    user: digestOf("1000"),
    "environment.RUST_LOG": digestOf({ name: "RUST_LOG", value: "debug" }),
    logConfiguration: "splunk",
  },
  splunk,
);

/** Somebody has changed all of it since. */
const changedSince = configured(
  { cpu: "other", memory: "other", memoryReservation: "other", user: "other", logConfiguration: "theirs" },
  awslogs({ "awslogs-stream-prefix": "ztunnel" }),
);

/**
 * Task definitions that stand for all that a sidecar is built into or corrected in: between them they take every branch
 * of the builder, which a test holds them to. They are data: what they are changes the sidecar settings' hash, and with
 * it starts a rollout.
 */
export const referenceDefinitions = {
  fargate,
  ec2,
  logRouter,
  waitingRouter,
  otherDriver,
  unlogged,
  formerly,
  changedSince,
  adopted,
  ownLists,
  byIstioctl,
  byHand,
  ours,
  noJson: relabelled("no JSON", '{"cpu":1}', splunk),
  noLabel: relabelled("{}", "{}", null),
} as const satisfies Readonly<Record<string, JsonObject>>;
