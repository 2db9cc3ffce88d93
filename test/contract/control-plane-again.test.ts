import {
  inProcessFetch,
  Kubernetes,
  Simulator,
  type SimulatorRequest,
  VirtualClock,
} from "@ztunnel-autopilot/simulator";
import { beforeEach, describe, expect, it } from "vitest";
import type { ClusterConnection } from "../../shared/gateways/kubernetes/cluster-connection.ts";
import { controlPlane } from "../../shared/gateways/kubernetes/control-plane.ts";
import { eksConnection } from "../../shared/gateways/kubernetes/control-plane-connection.ts";
import { boundRole } from "../support/bindings.ts";
import { homePlace, wire } from "../support/wire.ts";

const SERVER = "http://lab/kubernetes/main";
const TOKEN = "kubeconfig-token";
const ENTRIES = 1001;

describe("what the control plane asks again", () => {
  let simulator: Simulator;
  let kubernetes: Kubernetes;
  let requests: SimulatorRequest[];
  let connects: number;

  beforeEach(() => {
    requests = [];
    connects = 0;
    simulator = new Simulator({ clock: new VirtualClock(0) });
    kubernetes = simulator.add(
      (context) =>
        new Kubernetes(context, {
          controlPlane: "main",
          kubeconfigToken: TOKEN,
          network: "eks",
          rootCaPem: "PEM",
          eastWestHostname: "eastwest.example.com",
          istiodVersion: "1.28.0",
        }),
    );
  });

  const plane = (
    connection: () => Promise<ClusterConnection>,
    answers = (request: SimulatorRequest) => handle(request),
  ) =>
    controlPlane({
      name: "main",
      now: () => 0,
      connect: () => {
        connects += 1;
        return connection();
      },
      fetch: inProcessFetch((request) => {
        requests.push(request);
        return answers(request);
      }),
    });
  const handle = (request: SimulatorRequest) => kubernetes.handle(request);
  const withToken = (token: () => string, server = SERVER) =>
    plane(async () => ({ server, user: { bearerToken: async () => token() } }));

  describe("a list whose rest has expired", () => {
    beforeEach(() => {
      for (let number = 0; number < ENTRIES; number++)
        kubernetes.put({
          apiVersion: "networking.istio.io/v1",
          kind: "WorkloadEntry",
          metadata: { name: `e${number}`, namespace: "web" },
          spec: { address: `10.0.${number >> 8}.${number & 255}` },
        });
    });

    it("is read from its beginning", async () => {
      simulator.faults.replace([{ kind: "continue-expired", match: {}, count: 1 }]);
      expect((await withToken(() => TOKEN).listWorkloadEntries({ namespace: "web" })).length).toBe(ENTRIES);
      expect(requests).toHaveLength(2 + 3);
    });

    it("can be tried again later if it expires every time", async () => {
      simulator.faults.replace([{ kind: "continue-expired", match: {} }]);
      await expect(withToken(() => TOKEN).listWorkloadEntries({ namespace: "web" })).rejects.toMatchObject({
        code: "control-plane-busy",
        retryable: true,
        detail: expect.stringMatching(/WorkloadEntries of web: HTTP 410: The provided continue parameter is too old/),
      });
      expect(requests).toHaveLength(3 * 2);
    });
  });

  describe("a list of service accounts whose rest has expired", () => {
    const ACCOUNTS = 1100;

    beforeEach(() => {
      for (let number = 0; number < ACCOUNTS; number += 1) {
        kubernetes.put({
          apiVersion: "v1",
          kind: "ServiceAccount",
          metadata: { name: `a${number}`, namespace: "web", annotations: { "ecs.solo.io/role-arn": `role/${number}` } },
        });
      }
    });

    it("is read from its beginning, and nothing of the first pages is kept", async () => {
      simulator.faults.replace([{ kind: "continue-expired", match: {}, count: 1, skip: 1 }]);
      const reading = withToken(() => {
        // Gone by the time at which the list is read again.
        if (requests.length === 2)
          kubernetes.delete({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "a0", namespace: "web" } });
        return TOKEN;
      });
      const bindings = await reading.listBindings("web");
      expect([bindings.size, bindings.has("a0")]).toEqual([ACCOUNTS - 1, false]);
    });

    it("is not read over all namespaces where that takes more calls than its caller has", async () => {
      expect((await withToken(() => TOKEN).listAllBindings(3))?.get("web")?.size).toBe(ACCOUNTS);
      expect(requests).toHaveLength(3);
      expect(await withToken(() => TOKEN).listAllBindings(2)).toBeUndefined();
      expect(requests, "the first page says how many there are").toHaveLength(4);
    });

    it("can be tried again later if it expires every time", async () => {
      simulator.faults.replace([{ kind: "continue-expired", match: {} }]);
      await expect(withToken(() => TOKEN).listBindings("web")).rejects.toMatchObject({
        code: "control-plane-busy",
        retryable: true,
      });
      expect(requests).toHaveLength(3 * 2);
    });
  });

  it("renews a token that is refused, with one connection for calls at the same time", async () => {
    let token = "old";
    const fetching = plane(async () => {
      const bearer = token;
      token = TOKEN;
      return { server: SERVER, user: { bearerToken: async () => bearer } };
    });
    expect((await fetching.readMeshFacts()).network).toBe("eks");
    expect(connects).toBe(2);
  });

  it.each([
    ["that does not answer", undefined],
    ["that refuses the token", 401],
    ["that refuses the call", 403],
  ])("takes nothing that it knows of a server %s", async (_, status) => {
    const fresh: boolean[] = [];
    let isWrong = true;
    const calling = controlPlane({
      name: "main",
      now: () => 0,
      connect: async (options) => {
        fresh.push(options?.fresh ?? false);
        return { server: SERVER, user: { bearerToken: async () => TOKEN } };
      },
      fetch: inProcessFetch(async (request) => {
        if (isWrong && status === undefined) throw new Error("no route");
        return isWrong && status ? { status, body: "{}", headers: {} } : handle(request);
      }),
    });
    await expect(calling.readNamespace("web")).rejects.toThrow();
    isWrong = false;
    await calling.readNamespace("web");
    await calling.readNamespace("web");
    expect(fresh).toEqual({ "": [false, true], 401: [false, true, true], 403: [false] }[String(status ?? "")]);
  });

  it("reports a token that is refused twice", async () => {
    await expect(
      boundRole(
        withToken(() => "wrong"),
        "web",
        "web",
      ),
    ).rejects.toMatchObject({
      code: "control-plane-refused",
      detail: expect.stringContaining("HTTP 401"),
    });
    expect(requests).toHaveLength(2);
  });

  it("does not repeat what is forbidden", async () => {
    const forbidding = plane(
      async () => ({ server: SERVER, user: { bearerToken: async () => TOKEN } }),
      async () => ({ status: 403, headers: {}, body: JSON.stringify({ message: "forbidden" }) }),
    );
    await expect(forbidding.ensureNamespace("web")).rejects.toMatchObject({ code: "control-plane-refused" });
    expect(requests).toHaveLength(1);
  });

  it("signs a new EKS token after a refusal", async () => {
    let key = 0;
    const aws = wire(() => ({ body: { cluster: { endpoint: SERVER, certificateAuthority: { data: "Q0E=" } } } }));
    const credentials = async () => ({ accessKeyId: `AKID${++key}`, secretAccessKey: "s" });
    const connection = eksConnection({
      clients: aws.clients.at(homePlace),
      cluster: "main",
      region: "us-east-1",
      credentials,
      now: () => 0,
    });
    const expiring = plane(connection, async (request) =>
      requests.length === 1
        ? { status: 401, headers: {}, body: JSON.stringify({ message: "Unauthorized" }) }
        : handle(request),
    );
    expect(await boundRole(expiring, "istio-system", "web")).toBeUndefined();
    const [first, second] = requests.map(({ headers }) => headers.authorization);
    expect(first).not.toBe(second);
  });

  it.each([`${SERVER}/`, `${SERVER}//`])("reaches the same paths below %s", async (server) => {
    await withToken(() => TOKEN, server).ensureNamespace("web");
    expect(requests.map(({ path }) => path)).toEqual([
      "/kubernetes/main/api/v1/namespaces/web",
      "/kubernetes/main/api/v1/namespaces",
      "/kubernetes/main/api/v1/namespaces/web",
    ]);
  });
});
