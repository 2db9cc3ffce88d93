import { DescribeClusterCommand, EKSClient, ListClustersCommand } from "@aws-sdk/client-eks";
import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  ListStateMachinesCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import {
  DeleteParameterCommand,
  DescribeParametersCommand,
  GetParameterCommand,
  GetParametersCommand,
  PutParameterCommand,
  SSMClient,
} from "@aws-sdk/client-ssm";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { beforeEach, describe, expect, it } from "vitest";
import { Eks } from "../../aws/eks/eks.ts";
import { Ssm } from "../../aws/ssm/ssm.ts";
import { StepFunctions } from "../../aws/step-functions/step-functions.ts";
import { Sts } from "../../aws/sts/sts.ts";
import { isJsonObject } from "../../base/json.ts";
import { VirtualClock } from "../../clock/virtual-clock.ts";
import type { AwsEvent } from "../../core/event.ts";
import { Simulator } from "../../core/simulator.ts";
import { inProcessRequestHandler } from "../../http/in-process.ts";
import { rootCaPem } from "../../kubernetes/root-ca.ts";

const ACCOUNT = "123456789012";
const ROLE = "arn:aws:iam::222222222222:role/member";
const MACHINE = `arn:aws:states:us-east-1:${ACCOUNT}:stateMachine:Wait`;
const definition = {
  QueryLanguage: "JSONata",
  StartAt: "Work",
  States: {
    Work: {
      Type: "Task",
      Resource: "arn:aws:states:::lambda:invoke.waitForTaskToken",
      Arguments: { FunctionName: "work", Payload: { token: "{% $states.context.Task.Token %}" } },
      Output: "{% $states.result %}",
      End: true,
    },
  },
};

let clock: VirtualClock;
let emitted: AwsEvent[];
let tokens: string[];
let configFor: (accessKeyId?: string) => ReturnType<typeof clientConfig>;

beforeEach(() => {
  clock = new VirtualClock(Date.UTC(2026, 10, 21));
  emitted = [];
  tokens = [];
  const simulator = new Simulator({ clock, throttling: false });
  simulator.context.events.subscribe((event) => emitted.push(event));
  simulator.context.functions.provide({
    invoke: async (_name, payload) => {
      if (isJsonObject(payload)) tokens.push(String(payload.token));
      return null;
    },
    invokeAsync: () => undefined,
  });
  const cluster = { name: "mesh", account: ACCOUNT, region: "us-east-1", endpoint: "http://simulator/kubernetes/mesh" };
  simulator.add((context) => new Ssm(context));
  simulator.add((context) => new Sts(context, { roleArns: [ROLE] }));
  simulator.add(() => new Eks({ clusters: [{ ...cluster, certificateAuthorityPem: rootCaPem }] }));
  simulator.add((context) => new StepFunctions(context)).createStateMachine(MACHINE, definition);
  configFor = (accessKeyId = ACCOUNT) => clientConfig(simulator, accessKeyId);
});

function clientConfig({ handle }: Simulator, accessKeyId: string) {
  return {
    region: "us-east-1",
    endpoint: "http://simulator",
    credentials: { accessKeyId, secretAccessKey: "secret" },
    requestHandler: inProcessRequestHandler(handle),
    maxAttempts: 1,
  };
}

describe("Simulated Parameter Store, as AWS documents it", () => {
  it("keeps parameters by version, and emits an event for every change", async () => {
    const ssm = new SSMClient(configFor());
    const Name = "/shop/image";
    const put = (Value: string, Overwrite?: boolean) =>
      ssm.send(new PutParameterCommand({ Name, Value, Type: "String", Overwrite }));
    expect((await put("a:1")).Version).toBe(1);
    await expect(put("a:2")).rejects.toMatchObject({ name: "ParameterAlreadyExists" });
    expect((await put("a:2", true)).Version).toBe(2);
    const arn = `arn:aws:ssm:us-east-1:${ACCOUNT}:parameter/shop/image`;
    expect((await ssm.send(new GetParameterCommand({ Name }))).Parameter).toMatchObject({ Value: "a:2", ARN: arn });
    const many = await ssm.send(new GetParametersCommand({ Names: [Name, "gone"] }));
    expect(many).toMatchObject({ Parameters: [{ Name }], InvalidParameters: ["gone"] });
    const described = await ssm.send(new DescribeParametersCommand({}));
    expect(described.Parameters).toMatchObject([{ Name, Version: 2 }]);
    expect(described.Parameters?.[0]).not.toHaveProperty("Value");
    await ssm.send(new DeleteParameterCommand({ Name }));
    await expect(ssm.send(new GetParameterCommand({ Name }))).rejects.toMatchObject({ name: "ParameterNotFound" });
    expect(emitted.map(({ detail, resources }) => [detail.operation, detail.name, resources])).toEqual(
      ["Create", "Update", "Delete"].map((operation) => [operation, Name, [arn]]),
    );
  });

  /** https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html */
  it("gives an earlier version to who names it, and keeps the last hundred", async () => {
    const ssm = new SSMClient(configFor());
    const Name = "/shop/image";
    const put = (Value: string) => ssm.send(new PutParameterCommand({ Name, Value, Type: "String", Overwrite: true }));
    const get = async (name: string) => (await ssm.send(new GetParameterCommand({ Name: name }))).Parameter;
    await put("a:1");
    await put("a:2");
    expect(await get(`${Name}:1`)).toMatchObject({ Name, Value: "a:1", Version: 1, Selector: ":1" });
    expect(await get(`arn:aws:ssm:us-east-1:${ACCOUNT}:parameter/shop/image:2`)).toMatchObject({ Value: "a:2" });
    expect(await get(Name)).not.toHaveProperty("Selector");
    await expect(get(`${Name}:3`)).rejects.toMatchObject({ name: "ParameterVersionNotFound" });
    await expect(get("/gone:1")).rejects.toMatchObject({ name: "ParameterNotFound" });
    const many = await ssm.send(new GetParametersCommand({ Names: [`${Name}:1`, `${Name}:3`] }));
    expect(many).toMatchObject({ Parameters: [{ Value: "a:1" }], InvalidParameters: [`${Name}:3`] });
    for (let version = 3; version <= 101; version += 1) await put(`a:${version}`);
    await expect(get(`${Name}:1`)).rejects.toMatchObject({ name: "ParameterVersionNotFound" });
    expect(await get(`${Name}:2`)).toMatchObject({ Value: "a:2" });
  });

  it("wants a type for a new parameter", async () => {
    const ssm = new SSMClient(configFor());
    await expect(ssm.send(new PutParameterCommand({ Name: "n", Value: "v" }))).rejects.toMatchObject({
      name: "ValidationException",
    });
  });
});

describe("Simulated STS", () => {
  it("gives a role's credentials, with which calls go to the role's account until they end", async () => {
    const assume = new AssumeRoleCommand({ RoleArn: ROLE, RoleSessionName: "session", DurationSeconds: 900 });
    const { Credentials, AssumedRoleUser } = await new STSClient(configFor()).send(assume);
    expect(Credentials?.Expiration?.getTime()).toBe(clock.now() + 900_000);
    expect(AssumedRoleUser?.Arn).toBe("arn:aws:sts::222222222222:assumed-role/member/session");
    expect(Credentials?.AccessKeyId).toMatch(/^ASIA\w{12,}$/);
    const there = new STSClient(configFor(Credentials?.AccessKeyId));
    expect((await there.send(new GetCallerIdentityCommand({}))).Account).toBe("222222222222");
  });

  it("denies a role that cannot be assumed, and refuses an ARN that does not name a role", async () => {
    const sts = new STSClient(configFor());
    const assume = (RoleArn: string) => sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "session" }));
    await expect(assume(`${ROLE}-2`)).rejects.toMatchObject({ name: "AccessDenied" });
    await expect(assume("role")).rejects.toMatchObject({ name: "ValidationError" });
  });
});

describe("Simulated EKS", () => {
  it("describes a cluster with its endpoint and certificate authority", async () => {
    const eks = new EKSClient(configFor());
    const { cluster } = await eks.send(new DescribeClusterCommand({ name: "mesh" }));
    expect(cluster).toMatchObject({ endpoint: "http://simulator/kubernetes/mesh", status: "ACTIVE" });
    expect(Buffer.from(cluster?.certificateAuthority?.data ?? "", "base64").toString()).toBe(rootCaPem);
    expect((await eks.send(new ListClustersCommand({}))).clusters).toEqual(["mesh"]);
    await expect(eks.send(new DescribeClusterCommand({ name: "gone" }))).rejects.toMatchObject({
      name: "ResourceNotFoundException",
      $metadata: { httpStatusCode: 404 },
    });
  });
});

describe("Simulated Step Functions, as AWS documents it", () => {
  it("starts, describes, lists and completes an execution, and pages through its history", async () => {
    const states = new SFNClient(configFor());
    const start = new StartExecutionCommand({ stateMachineArn: MACHINE, name: "one", input: '{"a":1}' });
    const { executionArn } = await states.send(start);
    expect(executionArn).toBe(`arn:aws:states:us-east-1:${ACCOUNT}:execution:Wait:one`);
    expect((await states.send(start)).executionArn).toBe(executionArn);
    await clock.settle();
    const running = new DescribeExecutionCommand({ executionArn });
    expect(await states.send(running)).toMatchObject({ status: "RUNNING", startDate: new Date(clock.now()) });
    await states.send(new SendTaskSuccessCommand({ taskToken: tokens[0], output: '{"done":true}' }));
    await clock.settle();
    expect(await states.send(running)).toMatchObject({ status: "SUCCEEDED", output: '{"done":true}' });
    const list = new ListExecutionsCommand({ stateMachineArn: MACHINE, statusFilter: "SUCCEEDED" });
    expect((await states.send(list)).executions).toMatchObject([{ name: "one", status: "SUCCEEDED" }]);
    await expect(states.send(start)).rejects.toMatchObject({ name: "ExecutionAlreadyExists" });

    const history: (string | undefined)[] = [];
    let nextToken: string | undefined;
    do {
      const page = await states.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 2, nextToken }));
      expect(page.events?.length).toBeLessThanOrEqual(2);
      history.push(...(page.events ?? []).map(({ type }) => type));
      nextToken = page.nextToken;
    } while (nextToken);
    expect(history.at(0)).toBe("ExecutionStarted");
    expect(history.at(-1)).toBe("ExecutionSucceeded");
    const latest = await states.send(
      new GetExecutionHistoryCommand({ executionArn, maxResults: 1, reverseOrder: true, includeExecutionData: false }),
    );
    expect(latest.events?.[0]).toMatchObject({ type: "ExecutionSucceeded" });
    expect(JSON.stringify(latest.events)).not.toContain("done");
  });

  it("stops an execution", async () => {
    const states = new SFNClient(configFor());
    const { executionArn } = await states.send(new StartExecutionCommand({ stateMachineArn: MACHINE, name: "two" }));
    await clock.settle();
    await states.send(new StopExecutionCommand({ executionArn, error: "Stopped", cause: "by hand" }));
    expect(await states.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject({
      status: "ABORTED",
      error: "Stopped",
    });
  });

  it("takes a task token in its own account only", async () => {
    const states = new SFNClient(configFor());
    await states.send(new StartExecutionCommand({ stateMachineArn: MACHINE, name: "three" }));
    await clock.settle();
    const send = new SendTaskSuccessCommand({ taskToken: tokens[0], output: "{}" });
    await expect(new SFNClient(configFor("222222222222")).send(send)).rejects.toMatchObject({ name: "InvalidToken" });
    await states.send(send);
  });

  it("knows state machines and executions of the caller's account and region", async () => {
    const states = new SFNClient(configFor());
    expect((await states.send(new ListStateMachinesCommand({}))).stateMachines).toMatchObject([{ name: "Wait" }]);
    const described = await states.send(new DescribeStateMachineCommand({ stateMachineArn: MACHINE }));
    expect(JSON.parse(described.definition ?? "")).toEqual(definition);
    const other = new SFNClient(configFor("222222222222"));
    expect((await other.send(new ListStateMachinesCommand({}))).stateMachines).toEqual([]);
    const start = (stateMachineArn: string, client = states) =>
      client.send(new StartExecutionCommand({ stateMachineArn }));
    await expect(start(MACHINE, other)).rejects.toMatchObject({ name: "AccessDeniedException" });
    await expect(start(`${MACHINE}2`)).rejects.toMatchObject({ name: "StateMachineDoesNotExist" });
    await expect(start("Wait")).rejects.toMatchObject({ name: "InvalidArn" });
  });
});
