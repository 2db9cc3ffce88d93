import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DescribeTaskDefinitionCommand, ECSClient, TagResourceCommand } from "@aws-sdk/client-ecs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import autopilotConfig from "../../autopilot.config.ts";
import { runCommand } from "../../cli/run.ts";
import { demoFleet, EU, shellDefinition, US } from "../../lab/fleet/demo.ts";
import { type LabServer, startLabServer } from "../../lab/server/lab-server.ts";
import { parseConfig } from "../../shared/config/config.ts";
import { operatorStatements } from "../../shared/config/operator-policy.ts";
import { awsClients } from "../../shared/gateways/aws/aws-clients.ts";
import { dynamoDbLedger } from "../../shared/gateways/ledger/ledger-dynamodb.ts";
import { newClaim } from "../../shared/model/claim.ts";
import type { Ledgers } from "../../shared/ports/ledger.ts";
import { type TestContext, testContext } from "../support/cli-contexts.ts";
import { rollout, service } from "../support/rollout-views.ts";

// One canary, so that other waves follow.
const config = parseConfig({ ...autopilotConfig, policy: { rollout: { canaryCount: 1 } } });
const arn = (name: string) => `arn:aws:ecs:${US.region}:${US.account}:service/ecs-demo/${name}`;
const CHECKOUT = `arn:aws:ecs:${EU.region}:${EU.account}:service/shop/checkout`;
const LEGACY = `arn:aws:ecs:${EU.region}:${EU.account}:service/shop/legacy-reports`;

let server: LabServer;
let ledger: Ledgers;
let directory: string;

/** Starts a lab with a fleet, in which three services are enrolled and one is refused. */
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "cli-"));
  server = await startLabServer({ config, port: 0, speed: 1, fleet: demoFleet });
  const credentials = { accessKeyId: US.account, secretAccessKey: "lab" };
  const clients = awsClients({ config, endpoint: server.endpoint, credentials });
  ledger = dynamoDbLedger(clients.home, { tableName: server.tableName });
  await advance(120);
  await enroll(arn("shell-task"), US);
  await enroll(arn("echo-service"), US, { "ztunnel-autopilot/wave": "canary" });
  const identity = { "ecs.solo.io/namespace": "ecs-shop", "ecs.solo.io/service-account": "checkout" };
  await enroll(CHECKOUT, EU, identity);
  await enroll(LEGACY, EU);
  for (let tries = 0; tries < 60; tries += 1) {
    await advance(10);
    const states = await Promise.all(
      [arn("shell-task"), arn("echo-service"), CHECKOUT].map((one) => ledger.getService(one)),
    );
    if (states.every((state) => state?.lastOutcome?.outcome === "succeeded")) return;
  }
  throw new Error("the services are not enrolled after ten minutes of lab time");
}, 180_000);

afterEach(async () => {
  await post("/_lab/faults", []);
});

afterAll(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

async function enroll(
  resourceArn: string,
  { account, region }: typeof US | typeof EU,
  more: Record<string, string> = {},
) {
  const tags = { "ztunnel-autopilot/enroll": "true", ...more };
  const client = new ECSClient({
    endpoint: server.endpoint,
    region,
    credentials: { accessKeyId: account, secretAccessKey: "lab" },
  });
  await client.send(
    new TagResourceCommand({ resourceArn, tags: Object.entries(tags).map(([key, value]) => ({ key, value })) }),
  );
}

async function post(path: string, body: unknown): Promise<void> {
  const response = await fetch(`${server.endpoint}${path}`, { method: "POST", body: JSON.stringify(body) });
  expect(response.status).toBe(200);
}

const advance = (advanceSeconds: number) => post("/_lab/clock", { advanceSeconds });

/** An operator's terminal in the home account. While a command waits, ten times as much lab time passes. */
function terminal(options: Parameters<typeof testContext>[0] = {}): TestContext {
  const clock = testContext();
  return testContext({
    aws: { endpoint: server.endpoint, credentials: { accessKeyId: US.account, secretAccessKey: "lab" } },
    now: clock.now,
    pause: async (ms) => {
      await advance(ms / 100);
      await clock.pause(ms);
    },
    ...options,
  });
}

async function run(args: readonly string[], context = terminal()) {
  const code = await runCommand(args, context);
  const { out, err } = context.written;
  return { code, out, err };
}

const idSchema = z.looseObject({ id: z.string(), status: z.string() });

describe("autopilot status", () => {
  it("lists every service by account and region, with its root, its revision and its drift", async () => {
    const { code, out } = await run(["status"]);
    expect(code).toBe(0);
    expect(out).toContain("istiod: mesh-us 1.28.1-solo, mesh-eu 1.28.1-solo");
    expect(out).toMatch(
      /ecs-demo\/shell-task +yes +1\.28\.1-solo-distroless +[0-9a-f]{8} +shell-task-definition:2 +as desired +succeeded/,
    );
    expect(out).toMatch(/shop\/search +no +- +- +search:1 +not enrolled/);
    expect(out).toMatch(/shop\/legacy-reports +yes +- +- +legacy-reports:1 +refused: network-mode/);
    expect(out).toContain("6 services, 4 enrolled, 3 with ztunnel, 1 refused.");
    expect(out).toContain("have their outbound traffic past the mesh, without the tag proxy-env.");
  });

  it("lists only the services that the options select, and prints them as JSON", async () => {
    const { code, out } = await run(["status", "--json", "--region", "us-*", "--service", "shell*"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      services: [
        {
          serviceArn: arn("shell-task"),
          enrolled: true,
          sidecar: true,
          root: { newest: true, fingerprints: [expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)] },
          lastOutcome: { outcome: "succeeded" },
          verdict: "as-desired",
        },
      ],
      unread: [],
    });
  });

  it("marks the token of an older root, and a service that waits for a rollout", async () => {
    const before = await ledger.getMesh("mesh-us");
    const newest = before?.generations.at(-1);
    if (!newest) throw new Error("the lab has mesh facts");
    const facts = { ...newest.facts, network: newest.facts.network, istiodUrl: "https://elsewhere.example.com:15012" };
    await ledger.changeMesh("mesh-us", (mesh) => ({
      next: mesh && { ...mesh, releasedId: newest.id, generations: [newest, { id: "another", facts }] },
    }));
    const { out } = await run(["status", "--account", US.account]);
    await ledger.changeMesh("mesh-us", (mesh) => ({ next: mesh && { ...mesh, generations: [newest] } }));
    expect(out).toMatch(/shell-task +yes +1\.28\.1-solo-distroless +[0-9a-f]{8} \(old\) .* awaits rollout/);
    expect(out).toContain("2 awaiting a rollout, 2 with an old root");
  });

  it("prints problems of what services share, and orphans, until there are none", async () => {
    const subject = "service-account mesh-us ecs-shop nobody";
    const roleArn = `arn:aws:iam::${US.account}:role/nobody`;
    const problem = { code: "identity-conflict", detail: "ecs-shop/nobody is bound twice.", sinceMs: 0 } as const;
    const holders = { [roleArn]: { services: [], unneededSinceMs: 0 } };
    await ledger.changeClaim(subject, () => ({ next: { ...newClaim(subject), holders, problem } }));
    const { out } = await run(["status"]);
    const { out: json } = await run(["status", "--json"]);
    await ledger.changeClaim(subject, () => ({ next: newClaim(subject) }));
    expect(out).toContain("mesh-us  identity-conflict since 1970-01-01 00:00: ecs-shop/nobody is bound twice.");
    expect(out).toContain(`mesh-us  ecs-shop/nobody of ${roleArn}: no service since 1970-01-01 00:00`);
    expect(JSON.parse(json)).toMatchObject({
      orphans: { identities: [{ namespace: "ecs-shop", serviceAccount: "nobody" }], secrets: [], services: [] },
      problems: [{ controlPlane: "mesh-us", code: "identity-conflict" }],
    });
    expect((await run(["status"])).out).not.toContain("Orphans");
  });

  it("shows the other regions and exits with code 3 when a region can't be read", async () => {
    await post("/_lab/faults", [
      { kind: "api-error", match: { region: EU.region, call: "ecs.ListClusters" }, error: "AccessDeniedException" },
    ]);
    const { code, out } = await run(["status"]);
    expect(code).toBe(3);
    expect(out).toContain("ecs-demo/shell-task");
    expect(out).toContain(`${EU.account}  ${EU.region}  not read: access-denied`);
  });

  it("reads other accounts with the read-only role, and explains how to get access to it", async () => {
    await post("/_lab/faults", [{ kind: "api-error", match: { call: "sts.AssumeRole" }, error: "AccessDenied" }]);
    const { code, out, err } = await run(["status"]);
    expect(code).toBe(3);
    expect(out).toContain("ecs-demo/shell-task");
    expect(out).toContain(`AssumeRole arn:aws:iam::${EU.account}:role/ztunnel-autopilot-member-read`);
    expect(err).toContain("operatorRoles lets them into other accounts");
  });
});

describe("autopilot rollout", () => {
  it("requests an upgrade, watches it until it has completed, and rolls it back", async () => {
    const image = "us-docker.pkg.dev/soloio-img/istio/ztunnel:1.28.2-solo-distroless";
    const request = ["rollout", "request", "upgrade", "--image", image, "--why", "A fix.", "--region", US.region];
    const upgraded = await run([...request, "--bake", "0", "--watch", "--json"]);
    expect(upgraded.err).toBe("");
    expect(upgraded.code).toBe(0);
    const printed = upgraded.out
      .trim()
      .split("\n")
      .map((line) => idSchema.parse(JSON.parse(line)));
    expect(printed.at(-1)).toMatchObject({
      status: "completed",
      kind: "upgrade",
      why: "A fix.",
      requestedBy: `arn:aws:iam::${US.account}:root`,
      scope: { regions: [US.region] },
      overrides: { bakeMinutes: 0 },
      progress: { total: 2, counts: { succeeded: 2 } },
    });
    const id = printed.at(-1)?.id ?? "";
    expect(id).toMatch(/^upgrade-[0-9a-f]{10}$/);
    expect((await run(["status", "--region", US.region])).out).toMatch(/shell-task +yes +1\.28\.2-solo-distroless/);

    const status = await run(["rollout", "status", id, "--services"]);
    expect(status.out).toMatch(/ecs-demo\/shell-task +succeeded +shell-task-definition:2 +shell-task-definition:3/);
    expect((await run(["rollout", "list"])).out).toContain(`${id}  upgrade  completed`);

    const tooLate = await run(["rollout", "pause", id]);
    expect(tooLate.code).toBe(2);
    expect(tooLate.err).toContain("The rollout is not in a phase in which this can be done");

    const back = await run(["rollout", "rollback", id]);
    expect(back).toMatchObject({ code: 0, err: "" });
    const watched = await run(["rollout", "status", id, "--watch"]);
    expect(watched.code).toBe(1);
    expect(watched.out).toContain("rolled-back. 2 services: 0 done, 0 failed, 2 rolled back.");
    expect((await run(["status", "--region", US.region])).out).toMatch(/shell-task +yes +1\.28\.1-solo-distroless/);
  }, 180_000);

  it("waits for approval after the canary, then is aborted", async () => {
    const requested = await run([
      "rollout",
      "request",
      "reconfigure",
      "--approve-after-canary",
      "--bake",
      "0",
      "--json",
    ]);
    expect(requested).toMatchObject({ code: 0, err: "" });
    const { id } = idSchema.parse(JSON.parse(requested.out));
    for (let tries = 0; tries < 30 && (await ledger.getRollout(id))?.status !== "awaiting-approval"; tries += 1)
      await advance(20);
    expect((await run(["rollout", "status", id])).out).toContain(`rollout approve ${id}`);
    expect((await run(["rollout", "resume", id])).code).toBe(2);
    const aborted = await run(["rollout", "abort", id, "--json"]);
    expect(aborted).toMatchObject({ code: 0, err: "" });
    for (let tries = 0; tries < 30 && (await ledger.getRollout(id))?.status !== "aborted"; tries += 1)
      await advance(20);
    expect((await run(["rollout", "status", id, "--watch"])).code).toBe(1);
  }, 180_000);

  it("prints why a rollout was refused, and exits with code 2", async () => {
    const { code, err } = await run(["rollout", "request", "rotate", "--service", "no-such-*"]);
    expect(code).toBe(2);
    expect(err).toContain("No enrolled service is in the rollout's scope");
  });

  it("shows a rollout's record in the ledger, without its task token", async () => {
    const record = rollout({ id: "rotate-seeded0001", status: "paused", holdToken: "AQC-token" });
    await ledger.createRollout(record);
    await ledger.putRolloutServices([0, 1, 2].map((at) => service(at, { rolloutId: record.id, status: "succeeded" })));
    const { code, out } = await run(["rollout", "status", record.id, "--json", "--services"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      id: record.id,
      status: "paused",
      progress: { waves: [{ succeeded: 2 }, { succeeded: 1, waiting: 2 }] },
      outcomes: [{ ordinal: 0 }, { ordinal: 1 }, { ordinal: 2 }],
    });
    expect(out).not.toContain("AQC-token");
  });

  it("refuses unknown ids, wrong options and frozen requests without sending anything", async () => {
    const frozen = join(directory, "frozen.config.ts");
    const window = { cron: "0 6 * * *", durationMinutes: 720, timeZone: "UTC" };
    await writeFile(
      frozen,
      `export default ${JSON.stringify({ ...autopilotConfig, policy: { rollout: { freezeWindows: [window] } } })};`,
    );
    const before = server.lab.eventBridge.log().length;
    for (const [args, message] of [
      [["rollout", "status", "rotate-0000000000"], "There is no rollout of this id: rotate-0000000000"],
      [["rollout", "abort", "No Id"], "There is no rollout of this id: No Id"],
      [["rollout", "request", "rotate", "--control-plane", "mesh-uss"], "Did you mean mesh-us?"],
      [["rollout", "request", "rotate", "--account", "999999999999"], "999999999999"],
      [["rollout", "request", "rotate", "--config", frozen], "A freeze window is open: It ends at"],
      [["unenroll", "--all"], "Nobody is there to confirm it."],
      [["status", "--stage", "prod"], "There is no table ztunnel-autopilot-prod-ledger"],
    ] as const) {
      const { code, err } = await run(args);
      expect(err).toContain(message);
      expect(code).toBe(2);
    }
    const foreign = { endpoint: server.endpoint, credentials: { accessKeyId: EU.account, secretAccessKey: "lab" } };
    const wrong = await run(["rollout", "list"], terminal({ aws: foreign }));
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining("home account is 123456789012") });
    const requests = server.lab.eventBridge
      .log()
      .slice(before)
      .filter(({ event }) => event.source.endsWith(".operator"));
    expect(requests).toEqual([]);
  });

  it("asks for confirmation before it takes the whole fleet out of the mesh", async () => {
    let question = "";
    const no = async (text: string) => {
      question = text;
      return "no";
    };
    expect(await run(["unenroll", "--all"], terminal({ ask: no }))).toMatchObject({
      code: 2,
      err: expect.stringContaining("not confirmed"),
    });
    expect(question).toContain("all enrolled services (3)");
  });

  it("releases orphaned services, once that was confirmed", async () => {
    const arn = `arn:aws:ecs:us-east-1:999999999999:service/left/old-web`;
    await server.lab.ledger.patchService(arn, { enrolled: true, controlPlane: "mesh-us" });
    expect((await run(["status"])).out).toContain(`${arn}: orphaned, in the mesh of mesh-us: its account is not in`);
    expect(await run(["release", "web"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("No orphaned service"),
    });
    expect(await run(["release", "old-*"])).toMatchObject({
      code: 2,
      out: expect.stringContaining(arn),
      err: expect.stringContaining("Nobody is there to confirm it."),
    });
    expect(await run(["release", "old-*", "--yes"])).toMatchObject({
      code: 0,
      out: expect.stringContaining("released: 1"),
    });
    expect((await run(["status"])).out).not.toContain(arn);
  });

  it("reports that a request was not handled", async () => {
    await post("/_lab/faults", [{ kind: "lose-event", match: { detailType: "Rollout Requested" } }]);
    const { code, err } = await run(["rollout", "request", "rotate"]);
    expect(code).toBe(2);
    expect(err).toContain("does not show within 30 s that it was taken");
  });
});

describe("autopilot inject", () => {
  const containerWith = (members: string) => `{"containerDefinitions":[{"name":"a",${members}}]}`;
  const definitionFile = async (name: string, definition: unknown) => {
    const path = join(directory, name);
    await writeFile(path, JSON.stringify(definition));
    return path;
  };

  it("writes the same definition that the autopilot registered for the service", async () => {
    const file = await definitionFile("shell.json", shellDefinition);
    const target = join(directory, "injected.json");
    const { code, err } = await run(["inject", "--definition", file, "--service", arn("shell-task"), "--out", target]);
    expect(code).toBe(0);
    expect(err).toMatch(/^Warning: .*CPU units under load.*\nWarning: ztunnel logs nowhere/);
    const injected = z
      .looseObject({ containerDefinitions: z.array(z.looseObject({ name: z.string() })) })
      .parse(JSON.parse(await readFile(target, "utf8")));
    const client = new ECSClient({
      endpoint: server.endpoint,
      region: US.region,
      credentials: { accessKeyId: US.account, secretAccessKey: "lab" },
    });
    const { taskDefinition } = await client.send(
      new DescribeTaskDefinitionCommand({ taskDefinition: "shell-task-definition:2" }),
    );
    const registered = new Map(taskDefinition?.containerDefinitions?.map((container) => [container.name, container]));
    for (const container of injected.containerDefinitions)
      expect(registered.get(container.name)).toMatchObject(container);
    expect(injected.containerDefinitions.map(({ name }) => name)).toEqual(["shell", "ztunnel"]);

    const again = await run(["inject", "--definition", target, "--service", arn("shell-task")]);
    expect(JSON.parse(again.out)).toEqual(injected);
    expect(again.err).toContain("nothing to change");
  });

  const injectedFrom = async (text: string) => {
    const path = join(directory, "asked.json");
    await writeFile(path, text);
    const { code, out, err } = await run(["inject", "--definition", path, "--service", arn("shell-task")]);
    expect({ code, err: err.replace(/^(Warning|The task definition's execution role).*\n/gm, "") }).toEqual({
      code: 0,
      err: "",
    });
    return out;
  };

  it.each<[string, (definition: string) => string]>([
    [
      "in the definition",
      (text) => text.replace(/}$/, ',"tags":[{"key":"aws:x","value":"y"},{"key":"team","value":"a"}]}'),
    ],
    [
      "beside the definition, as it is described",
      (text) => `{"taskDefinition":${text},"tags":[{"key":"AWS:x","value":"y"},{"key":"team","value":"a"}]}`,
    ],
  ])("keeps tags %s, without AWS's own", async (_where, from) => {
    expect(JSON.parse(await injectedFrom(from(JSON.stringify(shellDefinition)))).tags).toEqual([
      { key: "team", value: "a" },
    ]);
  });

  it("reads a byte order mark, and leaves out an empty list of tags", async () => {
    const out = await injectedFrom(`\uFEFF${JSON.stringify({ ...shellDefinition, tags: [] })}`);
    expect(JSON.parse(out)).not.toHaveProperty("tags");
  });

  it("leaves out members that are null, which AWS reads as absent", async () => {
    const text = JSON.stringify({ ...shellDefinition, pidMode: null });
    const out = await injectedFrom(text.replace('"name":"shell"', '"name":"shell","healthCheck":null'));
    expect(JSON.parse(out)).not.toHaveProperty("pidMode");
    expect(out).not.toMatch(/:\s*null/);
  });

  it("writes sizes as text, and numbers that JavaScript would change as they are", async () => {
    const text = JSON.stringify({ ...shellDefinition, cpu: 256, memory: 512 });
    const out = await injectedFrom(text.replace('"name":"shell"', '"name":"shell","future":9007199254740993'));
    expect(JSON.parse(out)).toMatchObject({ cpu: "256", memory: "512" });
    expect(out).toContain('"future": 9007199254740993');
  });

  it("reports that the identity has no secret version yet, and writes a placeholder on a dry run", async () => {
    const file = await definitionFile("shell.json", shellDefinition);
    const args = ["inject", "--definition", file, "--account", US.account, "--region", US.region];
    const identity = ["--tags", "ecs.solo.io/namespace=ecs-new"];
    const missing = await run([...args, ...identity]);
    expect(missing).toMatchObject({ code: 2, out: "" });
    expect(missing.err).toContain("ztunnel-autopilot/mesh-us/ecs-new/default");
    const dry = await run([...args, ...identity, "--dry-run"]);
    expect(dry.code).toBe(0);
    expect(dry.out).toContain("ecs-new/default-PLACEHOLDER");
    expect(dry.err).toContain("can't be registered");
  });

  it("refuses a definition that the autopilot would refuse, with the reason", async () => {
    const legacy = demoFleet.services.find(({ name }) => name === "legacy-reports")?.taskDefinition;
    const file = await definitionFile("legacy.json", legacy);
    const { code, err, out } = await run(["inject", "--definition", file, "--service", LEGACY]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain("network mode is not awsvpc");
  });

  it.each([
    ["not JSON", "{", "is not valid JSON|JSON"],
    ["not a task definition", "[]", "has no containerDefinitions"],
    ["CloudFormation's", '{"Family":"web","ContainerDefinitions":[]}', "members are CloudFormation's"],
  ])("refuses a file that is %s", async (_what, text, message) => {
    const path = join(directory, "wrong.json");
    await writeFile(path, text);
    const { code, err } = await run(["inject", "--definition", path, "--service", LEGACY]);
    expect(code).toBe(2);
    expect(err).toMatch(new RegExp(message));
  });

  it.each([
    ["that nests without end", `${'{"a":'.repeat(9000)}1${"}".repeat(9000)}`, "nests more than 100 times"],
    [
      "that nests deep in a container",
      containerWith(`"x":${'{"a":'.repeat(200)}1${"}".repeat(200)}`),
      "nests more than 100",
    ],
    ["without a container", '{"containerDefinitions":[]}', "at containerDefinitions\\n"],
    ["with a null among its containers", '{"containerDefinitions":[null]}', "at containerDefinitions\\[0\\]"],
    ["with a container without a name", '{"containerDefinitions":[{"image":"a"}]}', "containerDefinitions\\[0\\].name"],
    ["with a name used twice", '{"containerDefinitions":[{"name":"a"},{"name":"a"}]}', "have the same name"],
    ["with a map as environment", containerWith('"environment":{"A":"1"}'), "containerDefinitions\\[0\\].environment"],
    ["with an object as dependsOn", containerWith('"dependsOn":{"containerName":"x"}'), "\\[0\\].dependsOn"],
  ])("refuses a definition %s", async (_what, text, message) => {
    const path = join(directory, "odd.json");
    await writeFile(path, text);
    const { code, err, out } = await run(["inject", "--definition", path, "--service", LEGACY]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(new RegExp(message));
  });
});

describe("autopilot policy", () => {
  it("prints the policy of a stage's operators as an IAM policy document", async () => {
    const { code, out, err } = await run(["policy", "--stage", "prod"]);
    expect(code).toBe(0);
    const names = { tableName: "ztunnel-autopilot-prod-ledger", busName: "ztunnel-autopilot-prod" };
    expect(JSON.parse(out)).toEqual({ Version: "2012-10-17", Statement: operatorStatements(config, names) });
    expect(err).toContain("operatorRoles names nobody");
  });

  it("names the table and the bus of the environment, and needs a stage", async () => {
    const environment = { AUTOPILOT_STAGE: "prod", AUTOPILOT_TABLE: "t", AUTOPILOT_BUS: "b" };
    const { out } = await run(["policy"], terminal({ environment }));
    expect(out).toContain('"arn:aws:dynamodb:us-east-1:123456789012:table/t"');
    expect(out).toContain('"arn:aws:events:us-east-1:123456789012:event-bus/b"');
    const stageless = await run(["policy"]);
    expect(stageless).toMatchObject({ code: 2, out: "" });
    expect(stageless.err).toContain("policy needs --stage");
  });
});

describe("autopilot rbac", () => {
  it("prints the manifest, with each control plane's commands as comments", async () => {
    const { code, out } = await run(["rbac", "--stage", "prod"]);
    expect(code).toBe(0);
    expect(out).toContain("# aws eks create-access-entry --region us-east-1 --cluster-name ambient-us");
    expect(out).toContain("role/ztunnel-autopilot-prod-roll-apply");
    expect(out).toContain("role/ztunnel-autopilot-member");
    const only = await run(["rbac", "--stage", "prod", "--control-plane", "mesh-eu"]);
    expect(only.out).not.toContain("ambient-us");
    expect((await run(["rbac", "--control-plane", "mesh-x"])).code).toBe(2);
  });

  it("lets the watch alone read the CA secret of a control plane that grants it", async () => {
    const granting = join(directory, "granting.mjs");
    const controlPlanes = autopilotConfig.controlPlanes.map((plane, index) => ({
      ...plane,
      readCaSecret: index === 0,
    }));
    await writeFile(granting, `export default ${JSON.stringify({ ...autopilotConfig, controlPlanes })};`);
    const both = await run(["rbac", "--stage", "prod", "--config", granting]);
    expect(both.out).not.toContain('resources: ["secrets"]');
    expect(both.out).toContain("# The manifest lacks readCaSecret of mesh-us: print theirs with --control-plane.");
    const { out } = await run(["rbac", "--stage", "prod", "--control-plane", "mesh-us", "--config", granting]);
    expect(out).toContain('resources: ["secrets"]');
    expect(out).toMatch(/watch-root-ca \\\n# {3}--kubernetes-groups ztunnel-autopilot ztunnel-autopilot-ca --type/);
    expect(out).toMatch(/roll-apply \\\n# {3}--kubernetes-groups ztunnel-autopilot --type/);
  });
});
