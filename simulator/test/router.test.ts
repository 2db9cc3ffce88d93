import { beforeEach, describe, expect, it } from "vitest";
import { stepFunctionsRate } from "../aws/step-functions/rates.ts";
import { AwsError } from "../base/aws-error.ts";
import type { Faults } from "../base/faults.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";
import type { AnsweredCall, AwsRouter } from "../core/router.ts";
import type { AwsService, HttpService } from "../core/service.ts";
import { Simulator } from "../core/simulator.ts";
import { inProcessFetch } from "../http/in-process.ts";
import { jsonResponse, type SimulatorRequest } from "../http/message.ts";
import { startServer } from "../http/server.ts";

const ecs: AwsService = {
  name: "ecs",
  protocol: { kind: "awsJson1_1", target: "AmazonEC2ContainerServiceV20141113" },
  rateOf: (operation) =>
    operation === "RegisterTaskDefinition" ? { bucket: "register", burst: 20, perSecond: 1 } : undefined,
  operations: {
    DescribeServices: (input, context) => ({ input, ...context }),
    RegisterTaskDefinition: () => ({}),
    UpdateService: () => {
      throw new AwsError("ServiceNotFoundException", "Service not found.");
    },
    ListServices: () => {
      throw new TypeError("a defect");
    },
  },
};
const sts: AwsService = {
  name: "sts",
  protocol: { kind: "awsQuery", version: "2011-06-15", namespace: "https://sts.amazonaws.com/doc/2011-06-15/" },
  operations: { GetCallerIdentity: (_input, { account }) => ({ Account: account, Arn: "arn:<root>&", List: ["a"] }) },
};
const eks: AwsService = {
  name: "eks",
  protocol: {
    kind: "restJson1",
    callOf: ({ path }) => {
      const [, name] = /^\/clusters\/(.+)$/.exec(path) ?? [];
      return name === undefined
        ? undefined
        : { operation: "DescribeCluster", input: { name: decodeURIComponent(name) } };
    },
  },
  operations: { DescribeCluster: (input) => ({ cluster: input }) },
};
const states: AwsService = {
  name: "states",
  protocol: { kind: "awsJson1_0", target: "AWSStepFunctions" },
  rateOf: stepFunctionsRate,
  operations: { StartExecution: () => ({}) },
};
const chat: HttpService = {
  name: "chat",
  path: "/chat/",
  handle: async ({ path }) => jsonResponse(200, { path }),
};

function authorization(accessKey: string, region = "eu-west-1"): Record<string, string> {
  return {
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKey}/20261121/${region}/ecs/aws4_request, SignedHeaders=host`,
  };
}

function ecsRequest(operation: string, body = "{}", headers: Record<string, string> = {}): SimulatorRequest {
  const target = `AmazonEC2ContainerServiceV20141113.${operation}`;
  const contentType = "application/x-amz-json-1.1";
  return {
    method: "POST",
    path: "/",
    query: {},
    headers: { "x-amz-target": target, "content-type": contentType, ...headers },
    body,
  };
}

describe("the router", () => {
  let clock: VirtualClock;
  let faults: Faults;
  let router: AwsRouter;
  let simulator: Simulator;
  beforeEach(() => {
    clock = new VirtualClock();
    simulator = new Simulator({ clock });
    ({ faults, router } = simulator);
    for (const service of [states, eks, chat, sts, ecs]) simulator.add(() => service);
  });
  async function send(request: SimulatorRequest) {
    const response = await simulator.handle(request);
    return { ...response, json: response.body.startsWith("{") ? JSON.parse(response.body) : undefined };
  }

  it("reads the account from a 12-digit access key and the region from the signature", async () => {
    const { json, headers } = await send(
      ecsRequest("DescribeServices", '{"services":["a"]}', authorization("210987654321")),
    );
    expect(json).toEqual({ input: { services: ["a"] }, account: "210987654321", region: "eu-west-1" });
    expect(headers["content-type"]).toBe("application/x-amz-json-1.1");
    expect(headers["x-amzn-requestid"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("takes any other access key for account 123456789012, and what the caller says where nothing is signed", async () => {
    expect((await send(ecsRequest("DescribeServices", "{}", authorization("AKIAEXAMPLE")))).json.account).toBe(
      "123456789012",
    );
    const from = { account: "111111111111", region: "eu-central-1", invocation: "roll/apply" };
    const response = await router.handle(ecsRequest("DescribeServices"), from);
    expect(JSON.parse(response.body)).toEqual({ input: {}, ...from });
  });

  it("answers errors as AWS's JSON protocol does", async () => {
    const response = await send(ecsRequest("UpdateService"));
    expect(response).toMatchObject({
      status: 400,
      headers: { "x-amzn-errortype": "ServiceNotFoundException" },
      json: { __type: "ServiceNotFoundException", message: "Service not found." },
    });
  });

  it("names what it supports when an operation or a service is unknown", async () => {
    const operation = await send(ecsRequest("CreateCapacityProvider"));
    expect(operation).toMatchObject({ status: 400, json: { __type: "UnknownOperationException" } });
    expect(operation.json.message).toContain("DescribeServices");
    const service = await send({ ...ecsRequest("X"), headers: { "x-amz-target": "AmazonSQS.SendMessage" } });
    expect(service).toMatchObject({ status: 400, json: { __type: "UnknownOperationException" } });
    const path = await send({ method: "GET", path: "/nothing", query: {}, headers: {}, body: "" });
    expect(path).toMatchObject({ status: 404, json: { __type: "UnknownOperationException" } });
    expect((await send(ecsRequest("toString"))).json.__type).toBe("UnknownOperationException");
  });

  it.each(["{", "[1]", "null"])("refuses the body %s as no JSON object", async (body) => {
    expect(await send(ecsRequest("DescribeServices", body))).toMatchObject({
      status: 400,
      json: { __type: "SerializationException" },
    });
  });

  it("answers STS in XML", async () => {
    const headers = {
      "content-type": "application/x-www-form-urlencoded; charset=utf-8",
      ...authorization("210987654321"),
    };
    const body = "Action=GetCallerIdentity&Version=2011-06-15";
    const response = await send({ method: "POST", path: "/", query: {}, headers, body });
    expect(response.headers["content-type"]).toBe("text/xml");
    expect(response.body).toContain(
      "<GetCallerIdentityResult><Account>210987654321</Account><Arn>arn:&lt;root&gt;&amp;</Arn>",
    );
    expect(response.body).toContain("<List><member>a</member></List>");
    const refused = await send({ method: "POST", path: "/", query: {}, headers, body: "Action=AssumeRoot" });
    expect(refused.status).toBe(400);
    expect(refused.body).toContain("<Code>UnknownOperationException</Code>");
  });

  it("takes a query API's request by the version that it carries", async () => {
    const query = { Action: "GetCallerIdentity", Version: "2010-05-08" };
    const response = await send({ method: "GET", path: "/", query, headers: {}, body: "" });
    expect(response).toMatchObject({ status: 400, json: { __type: "UnknownOperationException" } });
  });

  it("takes a request below a service's path to that service, regardless of its headers", async () => {
    const request = { ...ecsRequest("DescribeServices"), path: "/chat/post" };
    expect((await send(request)).json).toEqual({ path: "/chat/post" });
    expect(router.calls()).toEqual({});
    expect(simulator.callName(request)).toBe("chat.POST");
    expect(simulator.callName(ecsRequest("UpdateService"))).toBe("ecs.UpdateService");
    expect((await send({ ...request, path: "/chat" })).json).toMatchObject({ input: {} });
  });

  it("has one service of a name", () => {
    expect(() => simulator.add(() => ecs)).toThrow("there is a service ecs already");
  });

  it("reads presigned STS requests", async () => {
    const query = {
      Action: "GetCallerIdentity",
      "X-Amz-Credential": "210987654321/20261121/us-east-1/sts/aws4_request",
    };
    const response = await send({ method: "GET", path: "/", query, headers: {}, body: "" });
    expect(response.body).toContain("<Account>210987654321</Account>");
  });

  it("takes an EKS cluster's name from the path", async () => {
    const response = await send({ method: "GET", path: "/clusters/mesh%201", query: {}, headers: {}, body: "" });
    expect(response.json).toEqual({ cluster: { name: "mesh 1" } });
  });

  it("throttles each account and region separately, and refills as the clock advances", async () => {
    const register = (headers: Record<string, string>) => send(ecsRequest("RegisterTaskDefinition", "{}", headers));
    const one = authorization("111111111111");
    for (let index = 0; index < 20; index++) expect((await register(one)).status).toBe(200);
    expect((await register(one)).json).toEqual({ __type: "ThrottlingException", message: "Rate exceeded" });
    expect((await register(authorization("111111111111", "us-east-1"))).status).toBe(200);
    expect((await register(authorization("222222222222"))).status).toBe(200);
    await clock.advance(2_500);
    expect([await register(one), await register(one), await register(one)].map(({ status }) => status)).toEqual([
      200, 200, 400,
    ]);
  });

  it("has larger buckets for Step Functions in its three large regions", async () => {
    const start = async (region: string) => {
      const headers = { "x-amz-target": "AWSStepFunctions.StartExecution", ...authorization("111111111111", region) };
      let passed = 0;
      while ((await send({ method: "POST", path: "/", query: {}, headers, body: "{}" })).status === 200) passed += 1;
      return passed;
    };
    expect(await start("us-east-1")).toBe(1_300);
    expect(await start("eu-central-1")).toBe(800);
  });

  it("injects the faults throttle and api-error where they match", async () => {
    faults.add({ kind: "throttle", match: { call: "ecs.*", service: "web" }, count: 1 });
    faults.add({
      kind: "api-error",
      match: { call: "ecs.DescribeServices", region: "eu-west-1" },
      error: "ServerException",
    });
    const describeWeb = (headers: Record<string, string>) =>
      send(ecsRequest("DescribeServices", '{"services":["other","web"]}', headers));
    const here = authorization("1", "us-east-1");
    expect((await describeWeb(here)).json.__type).toBe("ThrottlingException");
    expect((await describeWeb(here)).status).toBe(200);
    expect(await describeWeb(authorization("1"))).toMatchObject({ status: 500, json: { __type: "ServerException" } });
  });

  it("answers 503 for an account and region that is down, or for the calls there that the rule names", async () => {
    const start = (region: string) => {
      const headers = { "x-amz-target": "AWSStepFunctions.StartExecution", ...authorization("111111111111", region) };
      return send({ method: "POST", path: "/", query: {}, headers, body: "{}" });
    };
    const describe = (account: string) => send(ecsRequest("DescribeServices", "{}", authorization(account)));
    const down = { status: 503, json: { __type: "ServiceUnavailable" } };
    faults.replace([{ kind: "region-down", match: { account: "111111111111", region: "eu-west-1" }, untilMs: 60_000 }]);
    expect(await start("eu-west-1")).toMatchObject(down);
    expect(await describe("111111111111")).toMatchObject(down);
    expect((await describe("222222222222")).status).toBe(200);
    expect((await start("us-east-1")).status).toBe(200);
    await clock.advance(60_000);
    expect((await start("eu-west-1")).status).toBe(200);
    faults.replace([{ kind: "region-down", match: { region: "eu-west-1", call: "ecs.*" } }]);
    expect(await describe("222222222222")).toMatchObject(down);
    expect((await start("eu-west-1")).status).toBe(200);
  });

  it("counts and reports every call, with its answer or its error", async () => {
    const calls: AnsweredCall[] = [];
    const end = router.onCall((call) => calls.push(call));
    await router.handle(ecsRequest("UpdateService", '{"service":"web"}'), { invocation: "roll/apply#1" });
    const { json } = await send(ecsRequest("RegisterTaskDefinition"));
    end();
    await send(ecsRequest("DescribeServices"));
    expect(router.calls()).toEqual({
      "ecs.DescribeServices": 1,
      "ecs.RegisterTaskDefinition": 1,
      "ecs.UpdateService": 1,
    });
    expect(calls).toEqual([
      {
        service: "ecs",
        operation: "UpdateService",
        account: "123456789012",
        region: "us-east-1",
        invocation: "roll/apply#1",
        input: { service: "web" },
        error: "ServiceNotFoundException",
        status: 400,
      },
      expect.objectContaining({ operation: "RegisterTaskDefinition", output: json }),
    ]);
  });

  it("names every operation that it has", () => {
    expect(router.operations()).toEqual([
      "ecs.DescribeServices",
      "ecs.ListServices",
      "ecs.RegisterTaskDefinition",
      "ecs.UpdateService",
      "eks.DescribeCluster",
      "states.StartExecution",
      "sts.GetCallerIdentity",
    ]);
  });

  it("says so when the simulator itself is at fault", async () => {
    const response = await send(ecsRequest("ListServices"));
    expect(response).toMatchObject({ status: 500, json: { __type: "InternalFailure" } });
    expect(response.json.message).toContain("a defect");
  });

  it("serves routes, raw requests and AWS requests on one port", async () => {
    const server = await startServer({
      port: 0,
      handle: (request) => router.handle(request),
      routes: {
        "/_lab/": async ({ path, query }) => jsonResponse(200, { path, query }),
        "/_lab/broken": () => Promise.reject(new Error("broken")),
      },
      raw: (request, response) => {
        if (request.url !== "/raw") return false;
        response.end("raw");
        return true;
      },
    });
    try {
      const base = `http://127.0.0.1:${server.port}`;
      expect(await (await fetch(`${base}/_lab/state?a=b`)).json()).toEqual({ path: "/_lab/state", query: { a: "b" } });
      expect((await fetch(`${base}/_lab/broken`)).status).toBe(500);
      expect(await (await fetch(`${base}/raw`)).text()).toBe("raw");
      for (const path of ["//", "//other.example.com/x", "/%"])
        expect((await fetch(base + path)).status).toBeLessThan(500);
      expect(await (await fetch(`${base}/clusters/mesh`)).json()).toEqual({ cluster: { name: "mesh" } });
    } finally {
      await server.close();
    }
  });

  it("can be fetched from without a socket", async () => {
    const fetchSimulated = inProcessFetch((request) => router.handle(request));
    const response = await fetchSimulated("http://simulator/clusters/mesh");
    expect([response.status, await response.json()]).toEqual([200, { cluster: { name: "mesh" } }]);
  });
});
