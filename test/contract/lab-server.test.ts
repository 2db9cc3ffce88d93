import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  PutMetricAlarmCommand,
  SetAlarmStateCommand,
} from "@aws-sdk/client-cloudwatch";
import { DescribeTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import {
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  ECSClient,
  ListServicesCommand,
  paginateListServices,
  TagResourceCommand,
  waitUntilServicesStable,
} from "@aws-sdk/client-ecs";
import { paginateGetExecutionHistory, paginateListExecutions, SFNClient } from "@aws-sdk/client-sfn";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import autopilotConfig from "../../autopilot.config.ts";
import { LAB_SLACK_TOKEN } from "../../lab/autopilot/lab.ts";
import { demoFleet, EU, US } from "../../lab/fleet/demo.ts";
import { readFleetFile } from "../../lab/server/fleet-file.ts";
import { type LabServer, startLabServer } from "../../lab/server/lab-server.ts";
import { parseConfig } from "../../shared/config/config.ts";

const SHELL_ARN = `arn:aws:ecs:${US.region}:${US.account}:service/ecs-demo/shell-task`;
const config = parseConfig(autopilotConfig);

let server: LabServer;

/** Starts a lab with a fleet, tags a service, and waits for the message about it. */
beforeAll(async () => {
  server = await startLabServer({ config, port: 0, speed: 20, fleet: demoFleet });
  await advance(120);
  const enroll = { key: "ztunnel-autopilot/enroll", value: "true" };
  await new ECSClient(settings(US)).send(new TagResourceCommand({ resourceArn: SHELL_ARN, tags: [enroll] }));
  await until(() => hasMessage("ecs-demo/shell-task is in the mesh"));
});

afterEach(async () => {
  await post("/_lab/faults", []);
});

afterAll(async () => {
  await server.close();
});

const settings = ({ account, region }: { readonly account: string; readonly region: string }) => ({
  endpoint: server.endpoint,
  region,
  credentials: { accessKeyId: account, secretAccessKey: "lab" },
});

async function route(path: string, init?: RequestInit): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(`${server.endpoint}${path}`, init);
  return { status: response.status, body: await response.json() };
}

function post(path: string, body: unknown) {
  return route(path, { method: "POST", body: JSON.stringify(body) });
}

async function advance(seconds: number): Promise<void> {
  const { status } = await post("/_lab/clock", { advanceSeconds: seconds });
  expect(status).toBe(200);
}

const stateSchema = z.looseObject({
  rolls: z.array(z.looseObject({ service: z.string(), outcome: z.string().optional() })),
  ledger: z.array(z.looseObject({ serviceArn: z.string(), enrolled: z.boolean() })),
  slack: z.array(z.looseObject({ text: z.string() })),
  alarms: z.array(z.looseObject({ AlarmName: z.string() })),
});

async function state() {
  return stateSchema.parse((await route("/_lab/state")).body);
}

/** Lets lab time pass until the condition is true, for at most ten minutes of lab time. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 60; tries += 1) {
    if (await holds()) return;
    await advance(10);
  }
  throw new Error("the condition is not true after ten minutes of lab time");
}

const hasMessage = async (words: string) => (await state()).slack.some(({ text }) => text.includes(words));

describe("a lab server", () => {
  it("has enrolled the service that an operator tagged with the SDK", async () => {
    const ecs = new ECSClient(settings(US));
    const named = { cluster: "ecs-demo", services: ["shell-task"] };
    const waited = await waitUntilServicesStable({ client: ecs, minDelay: 1, maxWaitTime: 20 }, named);
    expect(waited.state).toBe("SUCCESS");
    const { services = [] } = await ecs.send(new DescribeServicesCommand(named));
    const taskDefinition = services[0]?.taskDefinition ?? "";
    const described = await ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition }));
    const names = described.taskDefinition?.containerDefinitions?.map(({ name }) => name);
    expect(names).toEqual(["shell", "ztunnel"]);

    const { rolls, ledger } = await state();
    expect(rolls).toMatchObject([{ service: SHELL_ARN, outcome: "succeeded" }]);
    expect(ledger).toMatchObject([{ serviceArn: SHELL_ARN, enrolled: true }]);
  });

  it("shows the roll's execution and its history page by page", async () => {
    const client = new SFNClient(settings(US));
    const stateMachineArn = server.lab.rollServiceArn;
    const executions = [];
    for await (const page of paginateListExecutions({ client }, { stateMachineArn }))
      executions.push(...(page.executions ?? []));
    expect(executions.map(({ status }) => status)).toEqual(["SUCCEEDED"]);

    const { executionArn } = executions[0] ?? {};
    const types = [];
    for await (const page of paginateGetExecutionHistory({ client, pageSize: 5 }, { executionArn }))
      types.push(...(page.events ?? []).map(({ type }) => type));
    expect(types.length).toBeGreaterThan(20);
    expect([types.at(0), types.at(-1)]).toEqual(["ExecutionStarted", "ExecutionSucceeded"]);
  });

  it("has CloudWatch alarms, whose state an operator sets and the lab's state shows", async () => {
    const client = new CloudWatchClient(settings(EU));
    const alarm = { AlarmName: "errors", EvaluationPeriods: 1, ComparisonOperator: "GreaterThanThreshold" } as const;
    await client.send(new PutMetricAlarmCommand(alarm));
    const set = { AlarmName: "errors", StateValue: "ALARM", StateReason: "too many" } as const;
    await client.send(new SetAlarmStateCommand(set));
    const { MetricAlarms } = await client.send(new DescribeAlarmsCommand({ AlarmNames: ["errors", "nope"] }));
    expect(MetricAlarms).toMatchObject([set]);
    const { alarms } = await state();
    // Beside those of the heartbeats, one for each place.
    const silence = expect.stringMatching(/^ztunnel-autopilot-events-not-forwarded-/);
    expect(alarms).toEqual(expect.arrayContaining([expect.objectContaining(set)]));
    expect(alarms).toEqual(expect.arrayContaining([expect.objectContaining({ AlarmName: silence })]));
  });

  it("separates accounts and regions on one port", async () => {
    expect(await new STSClient(settings(EU)).send(new GetCallerIdentityCommand())).toMatchObject({
      Account: EU.account,
    });
    const arns = [];
    for await (const page of paginateListServices(
      { client: new ECSClient(settings(EU)), pageSize: 1 },
      { cluster: "shop" },
    ))
      arns.push(...(page.serviceArns ?? []));
    expect(arns.map((arn) => arn.split("/").at(-1))).toEqual(["checkout", "search", "legacy-reports", "billing"]);
    const here = new ECSClient(settings(US)).send(new ListServicesCommand({ cluster: "shop" }));
    await expect(here).rejects.toMatchObject({ name: "ClusterNotFoundException" });
  });

  it("has its ledger in the home account's DynamoDB on the same port", async () => {
    const table = new DescribeTableCommand({ TableName: server.tableName });
    const { Table } = await new DynamoDBClient(settings(US)).send(table);
    expect(Table?.TableStatus).toBe("ACTIVE");
    await expect(new DynamoDBClient(settings(EU)).send(table)).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
    const { body } = await route("/_lab/calls");
    expect(body).toMatchObject({
      "dynamodb.UpdateItem": expect.any(Number),
      "ecs.RegisterTaskDefinition": expect.any(Number),
    });
  });

  it("deletes what has expired in the ledger, in the lab's time", async () => {
    const client = new DynamoDBClient(settings(US));
    const key = { pk: { S: "probe" }, sk: { S: "probe" } };
    const put = (expiresMs: number, sk: string) =>
      client.send(
        new PutItemCommand({
          TableName: server.tableName,
          Item: { ...key, sk: { S: sk }, expiresAt: { N: String(Math.floor(expiresMs / 1000)) } },
        }),
      );
    const has = async (sk: string) =>
      (await client.send(new GetItemCommand({ TableName: server.tableName, Key: { ...key, sk: { S: sk } } }))).Item;
    const nowMs = server.lab.clock.now();
    await put(nowMs - 3 * 24 * 3_600_000, "expired");
    await put(nowMs + 24 * 3_600_000, "not yet");
    await advance(11 * 60);
    expect(await has("expired")).toBeUndefined();
    expect(await has("not yet")).toBeDefined();
  });

  it("answers mistakes with AWS's errors", async () => {
    const ecs = new ECSClient(settings(US));
    // @ts-expect-error ECS has no such launch type.
    const wrongType = new ListServicesCommand({ cluster: "ecs-demo", launchType: "NOPE" });
    await expect(ecs.send(wrongType)).rejects.toMatchObject({ name: "InvalidParameterException" });
    const unknown = new DescribeTaskDefinitionCommand({ taskDefinition: "nope" });
    await expect(ecs.send(unknown)).rejects.toMatchObject({ name: "ClientException" });
  });
});

describe("the lab's own routes", () => {
  it("show everything except secrets", async () => {
    const { body } = await route("/_lab/state");
    expect(Object.keys(z.looseObject({}).parse(body))).toEqual(
      [
        "clock",
        "ecs",
        "secrets",
        "eventBridge",
        "alarms",
        "executions",
        "rolls",
        "ledger",
        "kubernetes",
        "slack",
        "deadLetters",
      ].concat(["faults", "calls"]),
    );
    const text = JSON.stringify(body);
    expect(text).toContain("ztunnel-autopilot/mesh-us/istio-system/default");
    expect(text).not.toMatch(/SecretString|taskToken/);
    expect(text).not.toContain(LAB_SLACK_TOKEN);
  });

  it("replace the fault rules, which take effect", async () => {
    const rule = { kind: "api-error", match: { call: "ecs.ListServices" }, error: "ClientException", count: 1 };
    expect((await post("/_lab/faults", [rule])).status).toBe(200);
    const list = () => new ECSClient(settings(US)).send(new ListServicesCommand({ cluster: "ecs-demo" }));
    await expect(list()).rejects.toMatchObject({ name: "ClientException" });
    expect((await list()).serviceArns).toHaveLength(2);
    expect((await route("/_lab/faults")).body).toMatchObject([{ ...rule, struck: 1 }]);
  });

  it.each([
    ["an unknown kind", '[{"kind":"nope"}]', "[0].kind"],
    ["an unknown member", '[{"kind":"throttle"},{"kind":"throttle","match":{"color":"red"}}]', "[1].match"],
    ["an object instead of a list", "{}", "expected array"],
    ["invalid JSON", "[", "not JSON"],
  ])("refuse fault rules with %s, and keep the current ones", async (_what, body, why) => {
    await post("/_lab/faults", [{ kind: "slack-down" }]);
    const refused = await route("/_lab/faults", { method: "POST", body });
    expect(refused).toMatchObject({ status: 400, body: { message: expect.stringContaining(why) } });
    expect((await route("/_lab/faults")).body).toMatchObject([{ kind: "slack-down" }]);
  });

  it("advance the clock, and never turn it back", async () => {
    const nowSchema = z.object({ now: z.iso.datetime() }).transform(({ now }) => Date.parse(now));
    const before = nowSchema.parse((await route("/_lab/clock")).body);
    const after = nowSchema.parse((await post("/_lab/clock", { advanceSeconds: 90 })).body);
    expect(after - before).toBeGreaterThanOrEqual(90_000);
    for (const advanceSeconds of [0, -5, 1e9, "90"])
      expect((await post("/_lab/clock", { advanceSeconds })).status).toBe(400);
  });

  it("are listed in the answer for an unknown route", async () => {
    for (const path of ["/_lab", "/_lab/nope"])
      expect(await route(path)).toMatchObject({
        status: 404,
        body: { routes: expect.arrayContaining(["GET /_lab/state", "POST /_lab/faults", "POST /_lab/clock"]) },
      });
  });

  it("exist beside those of the control planes and Slack", async () => {
    const plane = await route("/kubernetes/mesh-eu/api/v1/namespaces/istio-system");
    expect(plane).toMatchObject({ status: 401, body: { kind: "Status" } });
    expect(await post("/slack/api/auth.test", {})).toMatchObject({ body: { ok: false, error: "not_authed" } });
  });
});

// Each test starts a process of its own.
describe.concurrent("npm run lab", () => {
  const command = ["lab/main.ts"];

  it("prints commands to paste into a shell, and stops at a signal", async () => {
    const lab = spawn(process.execPath, [...command, "--port", "0", "--empty"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    const ended = new Promise<number | null>((resolve) => lab.once("close", resolve));
    for await (const chunk of lab.stdout) {
      output += String(chunk);
      if (output.includes("_lab/slack") && !lab.killed) lab.kill("SIGTERM");
    }
    expect(await ended).toBe(0);
    expect(output).toMatch(/^lab ready at http:\/\/127\.0\.0\.1:\d+/);
    for (const account of [US.account, EU.account])
      expect(output).toMatch(
        new RegExp(`export AWS_ENDPOINT_URL=http://127\\.0\\.0\\.1:\\d+ AWS_ACCESS_KEY_ID=${account} `),
      );
    expect(output).toContain("SIGTERM: lab closed");
  });

  it.each([
    ["a port that is taken", () => ["--empty", "--port", String(server.port)], 1, /Port \d+ is taken/],
    ["an invalid speed", () => ["--speed", "fast"], 2, /--speed: must be a number/],
    ["a missing fleet file", () => ["--fleet", "no/fleet.json"], 2, /--fleet no\/fleet\.json: ENOENT/],
  ])("exits with a sentence about %s", async (_what, args, code, sentence) => {
    const run = promisify(execFile)(process.execPath, [...command, ...args()]);
    await expect(run).rejects.toMatchObject({ code, stderr: expect.stringMatching(sentence) });
  });
});

describe("a fleet file", () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "fleet-"));
  });

  afterAll(async () => {
    await rm(directory, { recursive: true });
  });

  const file = async (text: string) => {
    const path = join(directory, "fleet.json");
    await writeFile(path, text);
    return path;
  };

  it("is read without changes", async () => {
    expect(await readFleetFile(await file(JSON.stringify(demoFleet)))).toEqual(demoFleet);
  });

  it("is refused with the file's name and the wrong members", async () => {
    const [cluster] = demoFleet.clusters;
    const wrong = { clusters: [{ ...cluster, region: undefined }], services: [{ ...demoFleet.services[0], size: 3 }] };
    const why = await readFleetFile(await file(JSON.stringify(wrong))).catch(String);
    for (const part of ["fleet.json is not a fleet", "clusters[0].region", "services[0]", '"size"'])
      expect(why).toContain(part);
    await expect(readFleetFile(await file("{"))).rejects.toThrow(/fleet\.json is not JSON/);
  });

  it("is refused with a service that ECS would refuse", async () => {
    const [service] = demoFleet.services;
    if (!service) throw new Error("the demo fleet has services");
    const wrong = {
      ...demoFleet,
      services: [{ ...service, taskDefinition: { ...service.taskDefinition, cpu: "300" } }],
    };
    const starting = startLabServer({ config, port: 0, speed: 100, fleet: wrong });
    await expect(starting).rejects.toThrow("services[0] (shell-task): ClientException");
  });
});
