import { VirtualClock } from "@ztunnel-autopilot/simulator";
import fc from "fast-check";
import autopilotConfig from "../../../autopilot.config.ts";
import { autopilotCommand } from "../../../cli/program.ts";
import { runCommand } from "../../../cli/run.ts";
import { allCommands, pathOf } from "../../../cli/runtime/command-tree.ts";
import { exitCodes } from "../../../cli/runtime/exit-codes.ts";
import { Lab } from "../../../lab/autopilot/lab.ts";
import { demoFleet } from "../../../lab/fleet/demo.ts";
import type { LedgerItems } from "../../../lab/ledger/ledger-memory.ts";
import { startLabServer } from "../../../lab/server/lab-server.ts";
import { failureCodeOf } from "../../../shared/base/errors.ts";
import { parseConfig } from "../../../shared/config/config.ts";
import { targets } from "../../engines/botocore/tour.ts";
import { testContext } from "../../support/cli-contexts.ts";
import { newLab } from "../../support/labs.ts";
import { released } from "../../support/released.ts";
import { altered, changes, withChanges } from "./altered.ts";
import { hold, openedSubject, type Subject, subject } from "./subject.ts";

const HOME = "123456789012";
const SERVICE = `arn:aws:ecs:us-east-1:${HOME}:service/ecs-demo/shell-task`;

const payloads = Object.values(
  Object.groupBy(released().at(-1)?.payloads ?? [], ({ functionName }) => functionName),
).flatMap((some = []) => some.slice(0, 6));

/** Inputs of a state machine's steps: all who may start an execution write them. */
const stepInputs = openedSubject({
  name: "step inputs",
  cost: 10,
  inputs: fc
    .constantFrom(...payloads)
    .chain(({ functionName, input }) => altered(input).map((changed) => ({ functionName, input: changed }))),
  open: async () => {
    const items: LedgerItems = new Map();
    const { lab, clock } = newLab(items);
    await clock.run(lab.prepare());
    return {
      answer: async ({ functionName, input }) => {
        items.clear();
        lab.logs.splice(0);
        return answerOf(() => clock.run(lab.lambda.invoke(functionName, input)));
      },
      close: async () => undefined,
    };
  },
});

/** The code by which a function ends. Throws when it is none. */
async function answerOf(invoke: () => Promise<unknown>): Promise<string> {
  try {
    await invoke();
    return "taken";
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const code = failureCodeOf(message);
    hold(`the refusal has a name: ${message.slice(0, 300)}`, code !== undefined && code !== "unexpected-error");
    return code ?? "";
  }
}

/** A function that asks AWS and Kubernetes. One of their answers is odd. */
const remoteAnswers = subject({
  name: "AWS's and Kubernetes' answers",
  cost: 200,
  inputs: fc.record({
    functionName: fc.constantFrom("sweep-services", "sweep-services", "watch-root-ca", "reconcile-service"),
    position: fc.nat(40),
    with: changes,
  }),
  answer: async ({ functionName, position, with: all }) => {
    const clock = new VirtualClock(Date.UTC(2026, 10, 21));
    const lab = new Lab({ clock, config: parseConfig(autopilotConfig), schedules: false });
    await clock.run(lab.prepare(demoFleet));
    const tag = { resourceArn: SERVICE, tags: [{ key: "ztunnel-autopilot/enroll", value: "true" }] };
    await clock.run(lab.call({ account: HOME, region: "us-east-1" }, "TagResource", tag));
    await clock.advance(3 * 60_000);
    lab.logs.splice(0);
    const { handle } = lab.simulator;
    let answers = 0;
    const odd: typeof handle = async (...request) => {
      const answer = await handle(...request);
      answers += 1;
      if (answers !== position + 1 || answer.status >= 300) return answer;
      return { ...answer, body: JSON.stringify(withChanges(JSON.parse(answer.body || "null"), all)) };
    };
    Object.assign(lab.simulator, { handle: odd });
    const event = { source: "ztunnel-autopilot", "detail-type": "Service Enrolled", detail: { serviceArn: SERVICE } };
    const place = { account: HOME, region: "us-east-1" };
    const word = await answerOf(() => clock.run(lab.lambda.invoke(functionName, { ...event, ...place })));
    const unnamed = lab.logs.find(({ line }) => line.includes('"code":"unexpected-error"'));
    hold(`a logged failure has a name: ${unnamed?.line.slice(0, 600)}`, unnamed === undefined);
    return word;
  },
});

const requests = [
  { cluster: "ecs-demo", service: "shell-task", services: [SERVICE], taskDefinition: "shell:1", desiredCount: 1 },
  { resourceArn: SERVICE, tags: [{ key: "a", value: "b" }], tagKeys: ["a"], include: ["TAGS"], maxResults: 1 },
  { family: "f", containerDefinitions: [{ name: "a", image: "b", memory: 5 }], networkMode: "awsvpc", tags: [] },
  { SecretId: "s", Name: "s", SecretString: "x", Filters: [{ Key: "name", Values: ["a"] }], ResourcePolicy: "{}" },
  { Entries: [{ Source: "a", DetailType: "b", Detail: "{}", EventBusName: "default" }], Name: "n", EventPattern: "{}" },
  { stateMachineArn: `arn:aws:states:us-east-1:${HOME}:stateMachine:x`, name: "n", input: "{}", taskToken: "t" },
  { TableName: "ztunnel-autopilot-ledger", Key: { pk: { S: "a" }, sk: { S: "b" } }, Item: { pk: { S: "a" } } },
  { AlarmNames: ["a"], MetricData: [{ MetricName: "m", Value: 1 }], Namespace: "n", Value: "v", Type: "String" },
  [{ kind: "throttle", match: { service: "a*" }, count: 1 }],
  { advanceSeconds: 0.5 },
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "x", labels: { a: "b" } } },
  { channel: "#x", text: "t", blocks: [{ type: "section", text: { type: "mrkdwn", text: "x" } }] },
];

const operations = [
  ...["DescribeServices", "UpdateService", "RegisterTaskDefinition", "TagResource", "ListServices", "ListTasks"],
  ...["GetSecretValue", "PutSecretValue", "CreateSecret", "PutEvents", "PutRule", "StartExecution", "SendTaskSuccess"],
  ...["GetParameter", "PutParameter", "DescribeAlarms", "PutMetricData", "GetItem", "PutItem", "Query", "toString", ""],
];
const targetNames = [...Object.values(targets), "DynamoDB_20120810", "__proto__", "x"];
const paths = [
  ...["/", "/", "/", "/", "/_lab/faults", "/_lab/clock", "/_lab/state", "/_lab/nothing", "/slack/api/chat.postMessage"],
  ...["/kubernetes/mesh-us/api/v1/namespaces", "/kubernetes/mesh-us/api/v1/namespaces/x?fieldManager=a&force=true"],
  ...[
    "/kubernetes/nowhere/api",
    "/kubernetes/mesh-us/apis/networking.istio.io/v1/workloadentries",
    "/%zz",
    "/?a=b&a=c",
  ],
];
const header = fc.string({ maxLength: 40 }).map((text) => text.replace(/[^\x20-\x7e]/g, "?"));

/** A lab on a port, which nobody may bring to its end. */
const http = openedSubject({
  name: "HTTP of the lab",
  cost: 10,
  inputs: fc.record({
    method: fc.constantFrom("POST", "POST", "POST", "GET", "PUT", "PATCH", "DELETE", "OPTIONS"),
    path: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...paths) }, { weight: 1, arbitrary: fc.webPath() }),
    target: fc.tuple(fc.constantFrom(...targetNames), fc.constantFrom(...operations)).map((parts) => parts.join(".")),
    authorization: fc.oneof(
      fc.constant(
        `AWS4-HMAC-SHA256 Credential=${HOME}/20260101/us-east-1/x/aws4_request, SignedHeaders=x, Signature=x`,
      ),
      fc.constant("Bearer x"),
      header,
    ),
    body: fc.oneof(
      altered(...requests).map((json) => JSON.stringify(json)),
      fc.string({ unit: "binary" }),
    ),
  }),
  open: async () => {
    const server = await startLabServer({ config: parseConfig(autopilotConfig), port: 0, speed: 1 });
    const send = (path: string, init: RequestInit) =>
      fetch(`${server.endpoint}${path}`, { ...init, redirect: "manual", signal: AbortSignal.timeout(30_000) });
    return {
      answer: async ({ method, path, target, authorization, body }) => {
        const headers = { "x-amz-target": target, "content-type": "application/x-amz-json-1.1", authorization };
        const response = await send(path, { method, headers, ...(method !== "GET" && { body }) });
        const text = await response.text();
        hold(`it is not a defect: ${response.status} ${text.slice(0, 300)}`, response.status < 500);
        hold("it can be sent to other requests", (await send("/_lab/faults", { method: "POST", body: "[]" })).ok);
        return response.status < 300 ? "taken" : String(response.status);
      },
      close: () => server.close(),
    };
  },
});

const commands = allCommands(autopilotCommand(async () => undefined));
const word = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      ...[
        "-h",
        "--help",
        "--json",
        "--json=true",
        "--no-json",
        "-x",
        "--=",
        "---",
        "--__proto__=1",
        "--toString=x",
        "-",
      ],
      ...["upgrade", "rotate", "rollback", "--image", "--image=??", "--waves=10,50,100", "--waves=,", "--waves=1e400"],
      ...["--concurrency=-1", "--concurrency=1.5", "--bake=0.1", "--bake=1e5", "--account=1", "--region=*", "--region"],
      ...[`--service=${SERVICE}`, "--service=*", `--why=${"w".repeat(501)}`, "--why=\u001b[31m", "--yes", "--all"],
      ...["--stage=../..", "--stage=x", "--stage=", "--config=/dev/null", "--config=/etc", "--config=package.json"],
      ...[
        "--definition=/dev/null",
        "--definition=package.json",
        "--tags==",
        "--tags=a=b",
        "--services=1e9",
        "--dry-run",
      ],
    ),
  },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 20 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...commands.flatMap(({ options }) => options.map(({ long }) => long ?? "-"))),
  },
);

/** Arguments of the operator's command. */
const commandLine = openedSubject({
  name: "arguments",
  cost: 20,
  inputs: fc
    .tuple(fc.constantFrom(...commands.map(pathOf), ""), fc.array(word, { maxLength: 5 }))
    .map(([path, words]) => [...path.split(" ").filter((part) => part !== ""), ...words]),
  open: async () => {
    const server = await startLabServer({ config: parseConfig(autopilotConfig), port: 0, speed: 60, fleet: demoFleet });
    const aws = { endpoint: server.endpoint, credentials: { accessKeyId: HOME, secretAccessKey: "lab" } };
    return {
      answer: async (args) => {
        const stopped = AbortSignal.timeout(2000);
        const context = testContext({ aws, interruption: () => stopped });
        const code = await runCommand(args, context);
        const { out, err } = context.written;
        hold(`it does not fail by itself: ${err.slice(0, 300)}`, code !== exitCodes.failed);
        hold(
          "it is known how it ended",
          Object.values(exitCodes).some((known) => known === code),
        );
        const isSaid = code === exitCodes.ok || code === exitCodes.interrupted || `${out}${err}`.trim() !== "";
        hold("a refusal has words", isSaid);
        hold("it prints no control characters", !/(?![\t\n\r])\p{Cc}/u.test(`${out}${err}`));
        return String(code);
      },
      close: () => server.close(),
    };
  },
});

/** What is sent to functions, to a lab and to the operator's command. */
export const labSubjects: readonly Subject[] = [stepInputs, remoteAnswers, http, commandLine];
