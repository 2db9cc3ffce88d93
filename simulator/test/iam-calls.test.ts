import { beforeEach, describe, expect, it } from "vitest";
import { CloudWatch } from "../aws/cloudwatch/cloudwatch.ts";
import { Ecs } from "../aws/ecs/ecs.ts";
import { Eks } from "../aws/eks/eks.ts";
import { EventBridge } from "../aws/event-bridge/event-bridge.ts";
import { Iam } from "../aws/iam/iam.ts";
import { SecretsManager } from "../aws/secrets-manager/secrets-manager.ts";
import { Ssm } from "../aws/ssm/ssm.ts";
import { StepFunctions } from "../aws/step-functions/step-functions.ts";
import { Sts } from "../aws/sts/sts.ts";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";
import { Simulator } from "../core/simulator.ts";
import { allows, trusting, trustOf } from "./policies.ts";

const HOME = "111111111111";
const AWAY = "222222222222";
const FUNCTION = `arn:aws:iam::${HOME}:role/function`;
const MEMBER = `arn:aws:iam::${AWAY}:role/mesh/member`;
const MACHINE = `arn:aws:states:eu-west-1:${HOME}:stateMachine:roll`;
const externalId = { Condition: { StringEquals: { "sts:ExternalId": "mesh" } } };
const lambdaArn = (name: string) => `arn:aws:lambda:eu-west-1:${HOME}:function:${name}`;
const targets: Readonly<Record<string, string>> = {
  ecs: "AmazonEC2ContainerServiceV20141113",
  secretsmanager: "secretsmanager",
  events: "AWSEvents",
  states: "AWSStepFunctions",
  ssm: "AmazonSSM",
};

let clock: VirtualClock;
let simulator: Simulator;
let iam: Iam;
let stepFunctions: StepFunctions;
let eventBridge: EventBridge;
let invoked: string[];

beforeEach(() => {
  clock = new VirtualClock(Date.parse("2026-01-05T12:00:00Z"));
  simulator = new Simulator({ clock, throttling: false });
  iam = new Iam(simulator.context);
  for (const Service of [Ecs, SecretsManager, Ssm, Sts, CloudWatch]) simulator.add((context) => new Service(context));
  stepFunctions = simulator.add((context) => new StepFunctions(context));
  eventBridge = simulator.add((context) => new EventBridge(context));
  invoked = [];
  simulator.context.functions.provide({
    invoke: async (name) => name,
    invokeAsync: (name) => invoked.push(name),
    arnOf: lambdaArn,
  });
});

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** A call with an access key: an account's administrator, or a session. */
async function call(accessKey: string, name: string, input: JsonObject): Promise<Answer> {
  const [service = "", operation = ""] = name.split(".");
  const headers = {
    "x-amz-target": `${targets[service] ?? service}.${operation}`,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKey}/20260105/eu-west-1/${service}/aws4_request`,
  };
  return simulator.handle({ method: "POST", path: "/", query: {}, headers, body: JSON.stringify(input) });
}

async function query(accessKey: string, form: Readonly<Record<string, string>>): Promise<Answer> {
  const headers = {
    "content-type": "application/x-www-form-urlencoded",
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKey}/20260105/eu-west-1/sts/aws4_request`,
  };
  const body = new URLSearchParams({ Version: "2011-06-15", ...form }).toString();
  return simulator.handle({ method: "POST", path: "/", query: {}, headers, body });
}

/** The access key of a session of the function's role with these policies. */
function functionWith(...policies: readonly object[]): string {
  iam.putRole({ roleArn: FUNCTION, trust: trustOf("lambda.amazonaws.com"), policies });
  return iam.openSession(FUNCTION, "web", 3600).accessKeyId;
}

const messageOf = ({ body }: Answer): string => {
  const json: unknown = JSON.parse(body);
  return isJsonObject(json) ? `${String(json.__type)}: ${String(json.message)}` : "";
};

describe("a call", () => {
  it("of a role is refused with AWS's error when no policy allows it, and has no effect", async () => {
    const key = functionWith(allows("secretsmanager:GetSecretValue", "*"));
    const refused = await call(key, "secretsmanager.CreateSecret", { Name: "mesh/web", SecretString: "s" });
    expect(refused.status).toBe(400);
    expect(messageOf(refused)).toBe(
      `AccessDeniedException: User: arn:aws:sts::${HOME}:assumed-role/function/web is not authorized to perform: secretsmanager:CreateSecret on resource: arn:aws:secretsmanager:eu-west-1:${HOME}:secret:mesh/web because no identity-based policy allows the secretsmanager:CreateSecret action`,
    );
    expect((await call(HOME, "secretsmanager.DescribeSecret", { SecretId: "mesh/web" })).status).toBe(400);
  });

  it("of an account's administrator is allowed in the account", async () => {
    const created = await call(HOME, "secretsmanager.CreateSecret", { Name: "mesh/web", SecretString: "s" });
    expect(created.status).toBe(200);
  });

  it("needs every resource that it names", async () => {
    const service = (name: string) => `arn:aws:ecs:eu-west-1:${HOME}:service/shop/${name}`;
    const key = functionWith(allows("ecs:DescribeServices", service("web")));
    await call(HOME, "ecs.CreateCluster", { clusterName: "shop" });
    const describe = (...services: string[]) => call(key, "ecs.DescribeServices", { cluster: "shop", services });
    expect((await describe("web")).status).toBe(200);
    expect(messageOf(await describe("web", "api"))).toContain(`on resource: ${service("api")}`);
  });

  it("that registers a revision needs to pass its roles, and to tag what it creates", async () => {
    const roleArn = `arn:aws:iam::${HOME}:role/task`;
    const register = allows("ecs:RegisterTaskDefinition", `arn:aws:ecs:*:${HOME}:task-definition/web:*`);
    const passes = (service: string) =>
      allows("iam:PassRole", roleArn, { Condition: { StringEquals: { "iam:PassedToService": service } } });
    const tags = allows("ecs:TagResource", "*", {
      Condition: { StringEquals: { "ecs:CreateAction": "RegisterTaskDefinition" } },
    });
    const input = {
      family: "web",
      taskRoleArn: roleArn,
      containerDefinitions: [{ name: "web", image: "web:1", memory: 64 }],
      tags: [{ key: "team", value: "mesh" }],
    };
    const answer = async (...policies: object[]) => {
      const response = await call(functionWith(...policies), "ecs.RegisterTaskDefinition", input);
      return response.status === 200 ? "registered" : messageOf(response);
    };
    expect(await answer(register)).toContain(`iam:PassRole on resource: ${roleArn}`);
    expect(await answer(register, passes("ec2.amazonaws.com"))).toContain("iam:PassRole");
    expect(await answer(register, passes("ecs-tasks.amazonaws.com"))).toContain("ecs:TagResource");
    expect(await answer(register, passes("ecs-tasks.amazonaws.com"), tags)).toBe("registered");
  });

  it("by an unknown or an expired session's key is refused", async () => {
    const key = functionWith(allows("ecs:ListClusters", "*"));
    expect((await call(key, "ecs.ListClusters", {})).status).toBe(200);
    await clock.advance(3600_000);
    expect(messageOf(await call(key, "ecs.ListClusters", {}))).toContain("ExpiredTokenException");
    expect(messageOf(await call("ASIA9999999999999999", "ecs.ListClusters", {}))).toContain(
      "UnrecognizedClientException",
    );
  });

  it("needs something that is known, for every operation of every service", () => {
    const eks = new Eks({ clusters: [] });
    const services = [Ecs, SecretsManager, Ssm, Sts, CloudWatch, StepFunctions, EventBridge];
    for (const { name, operations, needs } of [...services.map((Service) => new Service(simulator.context)), eks]) {
      expect(Object.keys(needs).sort(), name).toEqual(Object.keys(operations).sort());
    }
  });
});

describe("AssumeRole", () => {
  const assume = (key: string, more: Readonly<Record<string, string>> = { ExternalId: "mesh" }) =>
    query(key, { Action: "AssumeRole", RoleArn: MEMBER, RoleSessionName: "autopilot", ...more });
  const memberTrust = (principal: string) =>
    iam.putRole({
      roleArn: MEMBER,
      trust: trusting({ AWS: principal }, externalId),
      policies: [allows("ecs:ListClusters", "*")],
    });

  it("gives a session that has the role's rights in the role's account, until it ends", async () => {
    memberTrust(FUNCTION);
    const { body } = await assume(functionWith(allows("sts:AssumeRole", MEMBER)));
    const [, key = ""] = /<AccessKeyId>(\w+)</.exec(body) ?? [];
    expect((await query(key, { Action: "GetCallerIdentity" })).body).toContain(
      `<Arn>arn:aws:sts::${AWAY}:assumed-role/member/autopilot</Arn>`,
    );
    expect((await call(key, "ecs.ListClusters", {})).status).toBe(200);
    expect(messageOf(await call(key, "ecs.ListTaskDefinitions", {}))).toContain(
      `arn:aws:sts::${AWAY}:assumed-role/member`,
    );
    await clock.advance(3600_000);
    expect(messageOf(await call(key, "ecs.ListClusters", {}))).toContain("ExpiredTokenException");
  });

  it.each([
    ["the caller's own policies don't allow it", FUNCTION, [], { ExternalId: "mesh" }],
    ["the role trusts another one", `${FUNCTION}-2`, [allows("sts:AssumeRole", "*")], { ExternalId: "mesh" }],
    ["the external id is another one", FUNCTION, [allows("sts:AssumeRole", "*")], { ExternalId: "other" }],
    ["there is no external id", FUNCTION, [allows("sts:AssumeRole", "*")], {}],
  ])("is refused when %s", async (_what, trusted, policies, more) => {
    memberTrust(trusted);
    const { status, body } = await assume(functionWith(...policies), more);
    expect(status).toBe(403);
    expect(body).toContain("<Code>AccessDenied</Code>");
    expect(body).toContain(
      `User: arn:aws:sts::${HOME}:assumed-role/function/web is not authorized to perform: sts:AssumeRole on resource: ${MEMBER}<`,
    );
  });

  it("is refused for a role that there is not, also to an administrator", async () => {
    expect((await assume(HOME)).status).toBe(403);
  });
});

describe("an AWS service", () => {
  const roleArn = `arn:aws:iam::${HOME}:role/machine`;
  const invoking = {
    StartAt: "Call",
    QueryLanguage: "JSONata",
    States: {
      Call: {
        Type: "Task",
        Resource: "arn:aws:states:::lambda:invoke",
        Arguments: { FunctionName: "step", Payload: {} },
        End: true,
      },
    },
  };
  const ending = async () => {
    stepFunctions.createStateMachine(MACHINE, invoking, roleArn);
    const { executionArn } = stepFunctions.startExecution({ stateMachineArn: MACHINE });
    return clock.run(stepFunctions.result(executionArn));
  };
  const states = (sourceArn: string) =>
    trustOf("states.amazonaws.com", { Condition: { ArnLike: { "aws:SourceArn": sourceArn } } });

  it("runs a state machine's tasks by the machine's role", async () => {
    iam.putRole({ roleArn, trust: states(MACHINE), policies: [allows("lambda:InvokeFunction", lambdaArn("step"))] });
    expect(await ending()).toMatchObject({ status: "SUCCEEDED" });
  });

  it.each([
    ["whose role may not invoke the function", MACHINE, "other", "lambda:InvokeFunction"],
    ["whose role does not trust it", `${MACHINE}-2`, "step", "sts:AssumeRole"],
  ])("fails a task of a state machine %s", async (_what, source, name, action) => {
    iam.putRole({ roleArn, trust: states(source), policies: [allows("lambda:InvokeFunction", lambdaArn(name))] });
    expect(await ending()).toMatchObject({
      status: "FAILED",
      error: "Lambda.AWSLambdaException",
      cause: expect.stringContaining(`is not authorized to perform: ${action}`),
    });
  });

  const put = () => call(HOME, "events.PutEvents", { Entries: [{ Source: "shop", DetailType: "sold", Detail: "{}" }] });
  const rule = { name: "sold", pattern: { source: ["shop"] } };
  const ruleArn = `arn:aws:events:eu-west-1:${HOME}:rule/sold`;
  const here = { account: HOME, region: "eu-west-1" };

  it("invokes a function for a rule that the function's own policy names", async () => {
    eventBridge.putRule(here, { ...rule, targets: ["step"] });
    await put();
    await clock.advance(5_000);
    expect(invoked).toEqual([]);
    expect(eventBridge.log().flatMap(({ notes }) => notes)).toEqual([
      expect.stringContaining(
        "NO_PERMISSIONS User: events.amazonaws.com is not authorized to perform: lambda:InvokeFunction",
      ),
    ]);
    const Condition = { ArnLike: { "aws:SourceArn": ruleArn } };
    iam.putResourcePolicy(
      lambdaArn("step"),
      allows("lambda:InvokeFunction", lambdaArn("step"), { Principal: { Service: "events.amazonaws.com" }, Condition }),
    );
    await put();
    await clock.advance(5_000);
    expect(invoked).toEqual(["step"]);
  });

  it("forwards to another account's bus by the rule's role, and what the bus's policy lets in", async () => {
    const bus = eventBridge.createBus(AWAY, "eu-west-1", "mesh");
    eventBridge.putRule({ ...here, account: AWAY, busName: "mesh" }, { ...rule, targets: [] });
    const forwarding = `arn:aws:iam::${HOME}:role/forwarding`;
    eventBridge.putRule(here, { ...rule, targets: [bus], roleArn: forwarding });
    const arrives = async () => {
      const before = eventBridge.log().filter(({ busArn }) => busArn === bus).length;
      await put();
      await clock.advance(5_000);
      return eventBridge.log().filter(({ busArn }) => busArn === bus).length > before;
    };
    expect(await arrives()).toBe(false);
    iam.putRole({
      roleArn: forwarding,
      trust: trustOf("events.amazonaws.com"),
      policies: [allows("events:PutEvents", bus)],
    });
    expect(await arrives()).toBe(false);
    const lets = (source: string) =>
      allows("events:PutEvents", bus, {
        Principal: { AWS: HOME },
        Condition: { "ForAllValues:StringEquals": { "events:source": source } },
      });
    iam.putResourcePolicy(bus, lets("bank"));
    expect(await arrives()).toBe(false);
    iam.putResourcePolicy(bus, lets("shop"));
    expect(await arrives()).toBe(true);
  });
});
