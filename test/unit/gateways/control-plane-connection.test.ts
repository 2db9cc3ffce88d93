import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import type { ClusterConnection } from "../../../shared/gateways/kubernetes/cluster-connection.ts";
import { controlPlane } from "../../../shared/gateways/kubernetes/control-plane.ts";
import { eksConnection, kubeconfigConnection } from "../../../shared/gateways/kubernetes/control-plane-connection.ts";
import { eksToken } from "../../../shared/gateways/kubernetes/eks-token.ts";
import { parseKubeconfig } from "../../../shared/gateways/kubernetes/kubeconfig.ts";
import { boundRole } from "../../support/bindings.ts";
import { homePlace, wire } from "../../support/wire.ts";

const NOW_MS = Date.parse("2026-11-21T03:00:00Z");
const credentials = async () => ({ accessKeyId: "AKID", secretAccessKey: "secret", sessionToken: "session" });

function urlOf(token: string): URL {
  expect(token).toMatch(/^k8s-aws-v1\.[\w-]+$/);
  return new URL(Buffer.from(token.slice("k8s-aws-v1.".length), "base64url").toString("utf8"));
}

describe("an EKS token", () => {
  const options = { cluster: "mesh", region: "eu-west-1", credentials };

  it("is a presigned GetCallerIdentity that names the cluster, with no parameter that EKS refuses", async () => {
    const url = urlOf(await eksToken({ ...options, now: () => NOW_MS })());
    expect(url.origin + url.pathname).toBe("https://sts.eu-west-1.amazonaws.com/");
    expect([...url.searchParams.keys()].sort()).toEqual([
      "Action",
      "Version",
      "X-Amz-Algorithm",
      "X-Amz-Credential",
      "X-Amz-Date",
      "X-Amz-Expires",
      "X-Amz-Security-Token",
      "X-Amz-Signature",
      "X-Amz-SignedHeaders",
    ]);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      Action: "GetCallerIdentity",
      "X-Amz-Date": "20261121T030000Z",
      "X-Amz-Expires": "60",
      "X-Amz-SignedHeaders": "host;x-k8s-aws-id",
    });
  });

  it("is cached for fourteen minutes", async () => {
    let nowMs = NOW_MS;
    const token = eksToken({ ...options, now: () => nowMs });
    const first = await token();
    nowMs += 14 * 60_000 - 1;
    expect(await token()).toBe(first);
    nowMs += 1;
    expect(await token()).not.toBe(first);
  });

  it("is created after an earlier failure to read the credentials", async () => {
    let fails = true;
    const token = eksToken({
      ...options,
      now: () => NOW_MS,
      credentials: async () => {
        if (fails) throw new Error("no credentials");
        return credentials();
      },
    });
    await expect(token()).rejects.toThrow("no credentials");
    fails = false;
    expect(urlOf(await token()).searchParams.get("Action")).toBe("GetCallerIdentity");
  });
});

describe("a connection to an EKS cluster", () => {
  const connect = (cluster: Record<string, string | { readonly data: string }>) => {
    const aws = wire(() => ({ body: { cluster } }));
    const clients = aws.clients.at(homePlace);
    return eksConnection({ clients, cluster: "mesh", region: "us-east-1", credentials, now: () => NOW_MS })();
  };

  it("has the cluster's endpoint and certificate authority", async () => {
    const connection = await connect({ endpoint: "https://eks.example.com", certificateAuthority: { data: "Q0E=" } });
    expect(connection).toMatchObject({ server: "https://eks.example.com", caData: "Q0E=" });
    if (!("bearerToken" in connection.user)) throw new Error("the connection has no bearer token");
    expect(await connection.user.bearerToken()).toMatch(/^k8s-aws-v1\./);
  });

  it("describes the cluster again after six hours, or where the last connection was wrong", async () => {
    let nowMs = NOW_MS;
    let described = 0;
    const aws = wire(() => {
      described += 1;
      return {
        body: { cluster: { endpoint: `https://eks-${described}.example.com`, certificateAuthority: { data: "Q0E=" } } },
      };
    });
    const clients = aws.clients.at(homePlace);
    const connect = eksConnection({ clients, cluster: "mesh", region: "us-east-1", credentials, now: () => nowMs });
    const servers = async () => (await connect()).server;
    expect(await servers()).toBe("https://eks-1.example.com");
    nowMs += 6 * 3_600_000 - 1;
    expect(await servers()).toBe("https://eks-1.example.com");
    expect((await connect({ fresh: true })).server).toBe("https://eks-2.example.com");
    expect(await servers()).toBe("https://eks-2.example.com");
    nowMs += 6 * 3_600_000;
    expect(await servers()).toBe("https://eks-3.example.com");
  });

  it("to a cluster without an endpoint fails as retryable", async () => {
    await expect(connect({ status: "CREATING" })).rejects.toMatchObject({
      code: "control-plane-unreachable",
      retryable: true,
    });
  });
});

describe("a kubeconfig", () => {
  const kubeconfig = (user: string, cluster = "server: https://k8s.example.com") => `
apiVersion: v1
kind: Config
current-context: main
contexts: [{ name: main, context: { cluster: c, user: u } }]
clusters: [{ name: c, cluster: { ${cluster} } }]
users: [{ name: u, user: { ${user} } }]
`;

  it("connects with a token", async () => {
    const connection = parseKubeconfig(
      kubeconfig("token: super-secret", "server: https://k, certificate-authority-data: Q0E="),
      "s",
    );
    expect(connection).toMatchObject({ server: "https://k", caData: "Q0E=" });
    if (!("bearerToken" in connection.user)) throw new Error("the connection has no bearer token");
    expect(await connection.user.bearerToken()).toBe("super-secret");
  });

  it("takes a token without the line break that it ends in", async () => {
    const { user } = parseKubeconfig(kubeconfig('token: "super-secret\\n"'), "s");
    expect("bearerToken" in user && (await user.bearerToken())).toBe("super-secret");
  });

  it("connects with a client certificate", async () => {
    const connection = await kubeconfigConnection({
      secretName: "s",
      read: async () => kubeconfig("client-certificate-data: Q0VSVA==, client-key-data: S0VZ"),
    })();
    expect(connection.user).toEqual({ certData: "Q0VSVA==", keyData: "S0VZ" });
  });

  it.each([
    ["is not YAML", "users: [super-secret"],
    ["is a text", "super-secret"],
    ["has no context", "apiVersion: v1\nclusters: []\nusers: []\ncontexts: []\n"],
    ["reads a token from a file", kubeconfig("tokenFile: /super-secret")],
    ["runs a plugin", kubeconfig("exec: { apiVersion: v1, command: super-secret }")],
    ["has no server", kubeconfig("token: super-secret", "proxy-url: http://p")],
    ["would send its token in plain text", kubeconfig("token: super-secret", "server: http://k")],
    ["has a token that no header can hold", kubeconfig('token: "super-secret\\nx"')],
  ])("that %s is refused with its secret's name and without its content", (_what, text) => {
    let error: unknown;
    try {
      parseKubeconfig(text, "ops/kubeconfig");
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ code: "invalid-kubeconfig", detail: expect.stringContaining("ops/kubeconfig") });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("super-secret");
  });
});

describe("a faulty control plane", () => {
  const connection: ClusterConnection = {
    server: "https://k8s.example.com",
    user: { bearerToken: async () => "super-secret" },
  };
  const plane = (fetch: typeof globalThis.fetch, connect = async () => connection) =>
    controlPlane({ name: "main", connect, fetch, now: () => NOW_MS, deadlineMs: 1 });
  const answering = (status: number, body: string, type = "application/json") =>
    plane(async () => new Response(body, { status, headers: { "content-type": type } }));

  it("is unreachable when it doesn't answer before the deadline", async () => {
    const silent = plane(
      (_url, init) =>
        new Promise((_resolve, reject) => {
          init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
        }),
    );
    await expect(boundRole(silent, "web", "web")).rejects.toMatchObject({
      code: "control-plane-unreachable",
      detail: expect.stringMatching(/ServiceAccount web\/web: TimeoutError/),
    });
  });

  it.each([
    [401, "control-plane-refused"],
    [403, "control-plane-refused"],
    [409, "control-plane-busy"],
    [410, "control-plane-busy"],
    [422, "control-plane-refused"],
    [408, "control-plane-unreachable"],
    [429, "control-plane-unreachable"],
    [500, "control-plane-unreachable"],
    [503, "control-plane-unreachable"],
  ])("that answers HTTP %i is an error %s with the API's message", async (status, code) => {
    const refusing = answering(status, JSON.stringify({ kind: "Status", message: "because of this" }));
    await expect(refusing.ensureNamespace("web")).rejects.toMatchObject({
      code,
      detail: expect.stringContaining(`HTTP ${status}`),
    });
  });

  it("that denies reading istiod's version has facts without it", async () => {
    const facts: Record<string, object> = {
      "/api/v1/namespaces/istio-system/configmaps/istio-ca-root-cert": { data: { "root-cert.pem": "PEM" } },
      "/api/v1/namespaces/istio-system": { metadata: { labels: { "topology.istio.io/network": "eks" } } },
      "/api/v1/namespaces/istio-eastwest/services/istio-eastwest": {
        metadata: { labels: { "istio.io/expose-istiod": "15012" } },
        status: { loadBalancer: { ingress: [{ ip: "fd00::1" }] } },
      },
    };
    const fetch: typeof globalThis.fetch = async (url) => {
      const body = facts[new URL(String(url)).pathname];
      return Response.json(body ?? { message: "forbidden" }, { status: body ? 200 : 403 });
    };
    const read = await controlPlane({
      name: "main",
      connect: async () => connection,
      fetch,
      now: () => NOW_MS,
    }).readMeshFacts();
    expect(read).toEqual({
      controlPlane: "main",
      istiodUrl: "https://[fd00::1]:15012",
      rootCaPem: "PEM",
      network: "eks",
      readAt: "2026-11-21T03:00:00.000Z",
    });
  });

  it.each([
    ["HTML", "<html>", "text/html"],
    ["half an object", '{"metadata":', "application/json"],
    ["a list", "[]", "application/json"],
  ])("that answers %s is an error with a code, not an empty list", async (_what, body, type) => {
    const error: unknown = await answering(200, body, type)
      .listWorkloadEntries({ namespace: "web" })
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: expect.stringMatching(/^control-plane-(incomplete|unreachable)$/) });
  });

  it("is connected again after a failed connection", async () => {
    let connects = 0;
    const failing = plane(
      async () => {
        throw new TypeError("fetch failed", { cause: new Error("certificate has expired") });
      },
      async () => {
        connects += 1;
        return connection;
      },
    );
    for (const _ of [1, 2]) {
      await expect(boundRole(failing, "web", "web")).rejects.toMatchObject({
        detail: expect.stringContaining("certificate has expired"),
      });
    }
    expect(connects).toBe(2);
  });

  it.each([403, 409, 500])("never has its token in an error %i that repeats the request", async (status) => {
    const echo: typeof globalThis.fetch = async (_url, init) => {
      const said = new Headers(init?.headers).get("authorization");
      return Response.json({ kind: "Status", message: `forbidden for ${said}` }, { status });
    };
    const error: unknown = await plane(echo)
      .ensureNamespace("web")
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ detail: expect.stringContaining("forbidden for Bearer [redacted]") });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("super-secret");
  });

  it("never has its token in an error", async () => {
    const error: unknown = await answering(500, "{}")
      .ensureNamespace("web")
      .catch((caught: unknown) => caught);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("super-secret");
  });
});
