import {
  type Faults,
  inProcessFetch,
  Kubernetes,
  Simulator,
  type SimulatorRequest,
  VirtualClock,
} from "@ztunnel-autopilot/simulator";
import { beforeEach, describe, expect, it } from "vitest";
import type { JsonObject } from "../../shared/base/json.ts";
import { controlPlane } from "../../shared/gateways/kubernetes/control-plane.ts";
import { eksToken } from "../../shared/gateways/kubernetes/eks-token.ts";
import type { ControlPlaneCalls } from "../../shared/ports/ports.ts";
import { boundRole } from "../support/bindings.ts";

const NOW_MS = Date.parse("2026-11-21T03:00:00Z");
const PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const roleArn = "arn:aws:iam::111111111111:role/ecs/ambient/web";
const identity = { namespace: "web", serviceAccount: "web", roleArn };

describe("the control plane", () => {
  let kubernetes: Kubernetes;
  let faults: Faults;
  let requests: SimulatorRequest[];
  let plane: ControlPlaneCalls;
  let clock: VirtualClock;
  let nowMs: number;

  const connected = (bearerToken: () => Promise<string>, keptMs = 0) =>
    controlPlane({
      name: "main",
      now: () => nowMs,
      keptMs,
      connect: async () => ({ server: "http://lab/kubernetes/main", user: { bearerToken } }),
      fetch: inProcessFetch(async (request) => {
        requests.push(request);
        return kubernetes.handle(request);
      }),
    });

  beforeEach(() => {
    requests = [];
    nowMs = NOW_MS;
    clock = new VirtualClock(NOW_MS);
    const simulator = new Simulator({ clock });
    faults = simulator.faults;
    kubernetes = simulator.add(
      (context) =>
        new Kubernetes(context, {
          controlPlane: "main",
          kubeconfigToken: "kubeconfig-token",
          network: "eks",
          rootCaPem: PEM,
          eastWestHostname: "eastwest.example.com",
          istiodVersion: "1.28.0",
        }),
    );
    plane = connected(async () => "kubeconfig-token");
  });

  const methods = () => requests.map(({ method }) => method);
  const object = (kind: string, name: string) =>
    kubernetes.state().find((item) => item.kind === kind && metadataOf(item).name === name);

  it("returns the mesh facts", async () => {
    expect(await plane.readMeshFacts()).toEqual({
      controlPlane: "main",
      istiodUrl: "https://eastwest.example.com:15012",
      rootCaPem: PEM,
      network: "eks",
      istiodVersion: "1.28.0",
      readAt: "2026-11-21T03:00:00.000Z",
    });
  });

  it("accepts the bearer tokens for EKS", async () => {
    const eks = connected(
      eksToken({
        cluster: "main",
        region: "us-east-1",
        credentials: async () => ({ accessKeyId: "111111111111", secretAccessKey: "s" }),
        now: () => NOW_MS,
      }),
    );
    expect((await eks.readMeshFacts()).network).toBe("eks");
  });

  it("returns no version of istiod if it has no deployment with that name", async () => {
    kubernetes.delete(deployment);
    expect(await plane.readMeshFacts()).not.toHaveProperty("istiodVersion");
  });

  it("names a missing object", async () => {
    kubernetes.delete({ apiVersion: "v1", kind: "ConfigMap", metadata: rootCert });
    await expect(plane.readMeshFacts()).rejects.toMatchObject({
      code: "control-plane-incomplete",
      detail: "main: ConfigMap istio-system/istio-ca-root-cert does not exist",
    });
  });

  it.each<[string, JsonObject, string]>([
    [
      "the root CA",
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "istio-ca-root-cert", namespace: "istio-system" } },
      "ConfigMap istio-system/istio-ca-root-cert lacks data",
    ],
    [
      "the network",
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "istio-system", labels: { a: "b" } } },
      "Namespace istio-system lacks metadata.labels.topology.istio.io/network",
    ],
    [
      "the gateway's port",
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "istio-eastwest", namespace: "istio-eastwest", labels: { a: "b" } },
        status: { loadBalancer: { ingress: [{ ip: "10.0.0.1" }] } },
      },
      "no Service has the label istio.io/expose-istiod",
    ],
    [
      "the gateway's address",
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: {
          name: "istio-eastwest",
          namespace: "istio-eastwest",
          labels: { "istio.io/expose-istiod": "15012" },
        },
        status: { loadBalancer: {} },
      },
      "Service istio-eastwest/istio-eastwest lacks an address",
    ],
  ])("names the object and the field when %s is missing", async (_what, incomplete, detail) => {
    kubernetes.put(incomplete);
    await expect(plane.readMeshFacts()).rejects.toMatchObject({
      code: "control-plane-incomplete",
      detail: `main: ${detail}`,
      retryable: false,
    });
  });

  it("creates a namespace in the mesh, once", async () => {
    await plane.ensureNamespace("web");
    await plane.ensureNamespace("web");
    expect(metadataOf(object("Namespace", "web")).labels).toMatchObject({ "istio.io/dataplane-mode": "ambient" });
    expect(methods()).toEqual(["GET", "POST", "GET", "GET"]);
  });

  it("leaves an existing namespace as it is", async () => {
    const before = object("Namespace", "istio-eastwest");
    await plane.ensureNamespace("istio-eastwest");
    expect(object("Namespace", "istio-eastwest")).toEqual(before);
  });

  it("asks nothing about istio-system, which is used as it is", async () => {
    await plane.ensureNamespace("istio-system");
    expect(await plane.readNamespace("istio-system")).toBe("ambient");
    expect(requests).toEqual([]);
  });

  it("binds a service account to a role, and writes only if necessary", async () => {
    await plane.ensureNamespace("web");
    expect(await boundRole(plane, "web", "web")).toBeUndefined();
    await plane.ensureServiceAccount(identity);
    expect(await boundRole(plane, "web", "web")).toBe(roleArn);
    requests = [];
    await plane.ensureServiceAccount(identity);
    expect(methods()).toEqual(["GET"]);
  });

  it("doesn't bind a service account that is bound to another role", async () => {
    await plane.ensureNamespace("web");
    await plane.ensureServiceAccount(identity);
    const other = { ...identity, roleArn: `${roleArn}-2` };
    await expect(plane.ensureServiceAccount(other)).rejects.toMatchObject({
      code: "control-plane-refused",
      detail: `main: ServiceAccount web/web is bound to ${roleArn} by ecs.solo.io/role-arn, not to ${roleArn}-2`,
    });
    expect(await boundRole(plane, "web", "web")).toBe(roleArn);
  });

  it("doesn't create a service account in a namespace that doesn't exist", async () => {
    await expect(plane.ensureServiceAccount(identity)).rejects.toMatchObject({ code: "control-plane-refused" });
  });

  it("lists a namespace's WorkloadEntries over all pages", async () => {
    expect(await addressesOf(plane, "web")).toEqual(new Set());
    const addresses = Array.from({ length: 501 }, (_, index) => `10.0.${Math.floor(index / 250)}.${index % 250}`);
    for (const address of addresses) kubernetes.put(workloadEntry("web", address));
    kubernetes.put(workloadEntry("other", "10.9.9.9"));
    expect(await addressesOf(plane, "web")).toEqual(new Set(addresses));
    expect(requests).toHaveLength(3);
  });

  it("leaves out a WorkloadEntry that it can't read, and keeps the others", async () => {
    const odd = workloadEntry("web", "10.0.0.1");
    kubernetes.put({ ...odd, spec: { address: 7 } });
    kubernetes.put(workloadEntry("web", "10.0.0.2"));
    expect(await addressesOf(plane, "web")).toEqual(new Set(["10.0.0.2"]));
  });

  it("takes a WorkloadEntry's labels from its spec, too", async () => {
    const entry = workloadEntry("web", "10.0.0.1");
    const labels = { "networking.istio.io/tunnel": "http" };
    kubernetes.put({ ...entry, spec: { address: "10.0.0.1", labels } });
    expect(await plane.listWorkloadEntries({ namespace: "web" })).toMatchObject([{ labels }]);
  });

  it("lists from the first page on if the API no longer has the next one", async () => {
    const addresses = Array.from({ length: 1001 }, (_, index) => `10.0.${Math.floor(index / 250)}.${index % 250}`);
    for (const address of addresses) kubernetes.put(workloadEntry("web", address));
    faults.add({ kind: "continue-expired", match: { controlPlane: "main" }, skip: 1, count: 1 });
    expect(await addressesOf(plane, "web")).toEqual(new Set(addresses));
    expect(requests.map(({ query }) => query.continue === undefined)).toEqual([true, false, false, true, false, false]);
    faults.replace([{ kind: "continue-expired" }]);
    await expect(plane.listWorkloadEntries({ namespace: "web" })).rejects.toMatchObject({
      code: "control-plane-busy",
      retryable: true,
    });
  });

  it("takes the hostname of an address that also has an IP, and passes over an empty one", async () => {
    const gateway = object("Service", "istio-eastwest");
    const put = (...ingress: JsonObject[]) => kubernetes.put({ ...gateway, status: { loadBalancer: { ingress } } });
    const gatewayOf = async () => (await plane.readMeshFacts()).istiodUrl;
    put({}, { hostname: "b.example.com", ip: "10.0.0.1" }, { hostname: "a.example.com" });
    expect(await gatewayOf()).toBe("https://a.example.com:15012");
    put({ hostname: "b.example.com", ip: "10.0.0.1" });
    expect(await gatewayOf()).toBe("https://b.example.com:15012");
    put({ hostname: "" });
    await expect(plane.readMeshFacts()).rejects.toMatchObject({ code: "control-plane-incomplete" });
  });

  it("returns one address of istiod in any order of its gateway's addresses", async () => {
    const before = await plane.readMeshFacts();
    faults.add({ kind: "several-gateways", match: { controlPlane: "main" } });
    expect([await plane.readMeshFacts(), await plane.readMeshFacts()]).toEqual([before, before]);
  });

  it("reads the facts again every time by default", async () => {
    await plane.readMeshFacts();
    const once = requests.length;
    await plane.readMeshFacts();
    expect(requests).toHaveLength(2 * once);
  });

  it("caches results for the given time, and the facts have the time when they were read", async () => {
    const caching = connected(async () => "kubeconfig-token", 10_000);
    const found = await caching.readMeshFacts();
    await caching.ensureNamespace("web");
    await caching.ensureServiceAccount(identity);
    expect(await boundRole(caching, "web", "web")).toBe(roleArn);
    kubernetes.setRootCa(`${PEM}${PEM}`);
    requests = [];
    nowMs += 9_999;
    expect(await caching.readMeshFacts()).toEqual(found);
    await caching.ensureNamespace("web");
    await caching.ensureServiceAccount(identity);
    expect(await boundRole(caching, "web", "web")).toBe(roleArn);
    expect(requests).toEqual([]);
    nowMs += 1;
    expect(await caching.readMeshFacts()).toMatchObject({
      rootCaPem: `${PEM}${PEM}`,
      readAt: new Date(nowMs).toISOString(),
    });
    await caching.ensureNamespace("web");
    await caching.ensureServiceAccount(identity);
    expect(methods().filter((method) => method !== "GET")).toEqual([]);
  });

  it("caches neither missing objects nor failures", async () => {
    const caching = connected(async () => "kubeconfig-token", 10_000);
    expect(await boundRole(caching, "web", "web")).toBeUndefined();
    await plane.ensureNamespace("web");
    await plane.ensureServiceAccount(identity);
    expect(await boundRole(caching, "web", "web")).toBe(roleArn);
    faults.replace([{ kind: "kubernetes-down", match: {}, count: 1 }]);
    await expect(caching.readMeshFacts()).rejects.toMatchObject({ code: "control-plane-unreachable" });
    expect((await caching.readMeshFacts()).network).toBe("eks");
  });

  it("is unreachable while its API fails, and works again afterwards", async () => {
    faults.replace([{ kind: "kubernetes-down", match: {}, count: 1 }]);
    await expect(boundRole(plane, "web", "web")).rejects.toMatchObject({
      code: "control-plane-unreachable",
      retryable: true,
    });
    expect(await boundRole(plane, "web", "web")).toBeUndefined();
  });

  it("refuses a wrong token, without the token in the error", async () => {
    const error: unknown = await connected(async () => "wrong-token")
      .readMeshFacts()
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "control-plane-refused" });
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain("wrong-token");
  });
});

const rootCert = { name: "istio-ca-root-cert", namespace: "istio-system" };
const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "istiod", namespace: "istio-system" },
};

function metadataOf(item: JsonObject | undefined): Record<string, unknown> {
  return { ...(item?.metadata as JsonObject | undefined) }; // the lab's objects have metadata
}

async function addressesOf(plane: ControlPlaneCalls, namespace: string): Promise<ReadonlySet<string | undefined>> {
  return new Set((await plane.listWorkloadEntries({ namespace })).map(({ address }) => address));
}

function workloadEntry(namespace: string, address: string): JsonObject {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "WorkloadEntry",
    metadata: { name: `entry-${address}`, namespace },
    spec: { address },
  };
}
