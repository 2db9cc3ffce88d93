import { X509Certificate } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import type { Faults } from "../base/faults.ts";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";
import type { SimulatorContext, TaskChange } from "../core/connections.ts";
import { Simulator } from "../core/simulator.ts";
import type { SimulatorRequest } from "../http/message.ts";
import { Kubernetes } from "../kubernetes/kubernetes.ts";
import { nextRootCaPem, rootCaPem } from "../kubernetes/root-ca.ts";

const APPLY = "application/apply-patch+yaml";
const NAMESPACE = "/api/v1/namespaces/web";
const ACCOUNT = `${NAMESPACE}/serviceaccounts/web`;
const ENTRIES = "/apis/networking.istio.io/v1/namespaces/istio-system/workloadentries";
let clock: VirtualClock;
let faults: Faults;
let context: SimulatorContext;
let kubernetes: Kubernetes;

beforeEach(() => {
  clock = new VirtualClock(Date.UTC(2026, 10, 21));
  const simulator = new Simulator({ clock });
  ({ faults, context } = simulator);
  kubernetes = simulator.add(
    () =>
      new Kubernetes(context, {
        controlPlane: "main",
        discovers: ({ region }) => region === "us-east-1",
        kubeconfigToken: "kubeconfig-token",
        network: "eks",
        rootCaPem,
        eastWestHostname: "eastwest.example.com",
        istiodVersion: "1.29.0-solo",
      }),
  );
});

async function send(request: Partial<SimulatorRequest> & { readonly path: string }) {
  const { status, body } = await kubernetes.handle({
    method: "GET",
    query: {},
    body: "",
    ...request,
    headers: { authorization: "Bearer kubeconfig-token", ...request.headers },
    path: `/kubernetes/main${request.path}`,
  });
  const parsed: unknown = JSON.parse(body);
  if (!isJsonObject(parsed)) throw new TypeError("the body is not an object");
  return { status, body: parsed };
}

function apply(
  path: string,
  object: JsonObject,
  query: Readonly<Record<string, string>> = { fieldManager: "controller" },
) {
  return send({ method: "PATCH", path, query, headers: { "content-type": APPLY }, body: JSON.stringify(object) });
}

const namespace = (labels: JsonObject): JsonObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: "web", labels },
});
const account = (annotations: JsonObject): JsonObject => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name: "web", annotations },
});

describe("Simulated Kubernetes API", () => {
  it("has what Solo's guide installs", async () => {
    expect((await send({ path: "/api/v1/namespaces/istio-system/configmaps/istio-ca-root-cert" })).body).toMatchObject({
      data: { "root-cert.pem": rootCaPem },
    });
    expect((await send({ path: "/api/v1/namespaces/istio-system" })).body).toMatchObject({
      metadata: { labels: { "topology.istio.io/network": "eks" } },
    });
    expect((await send({ path: "/api/v1/namespaces/istio-eastwest/services/istio-eastwest" })).body).toMatchObject({
      metadata: { labels: { "istio.io/expose-istiod": "15012" } },
      status: { loadBalancer: { ingress: [{ hostname: "eastwest.example.com" }] } },
    });
    const istiod = await send({ path: "/apis/apps/v1/namespaces/istio-system/deployments/istiod" });
    expect(JSON.stringify(istiod.body.spec)).toContain("pilot:1.29.0-solo");
  });

  it("has root certificates that are CAs for years to come", () => {
    for (const pem of [rootCaPem, nextRootCaPem]) {
      const certificate = new X509Certificate(pem);
      expect(certificate.ca).toBe(true);
      expect(certificate.verify(certificate.publicKey)).toBe(true);
      expect(certificate.validToDate.getUTCFullYear()).toBe(2036);
    }
  });

  it("replaces its root CA bundle in a rotation", async () => {
    kubernetes.setRootCa(`${rootCaPem}${nextRootCaPem}`);
    const { body } = await send({ path: "/api/v1/namespaces/istio-system/configmaps/istio-ca-root-cert" });
    expect(body.data).toEqual({ "root-cert.pem": `${rootCaPem}${nextRootCaPem}` });
  });

  it("answers with a Status for what it does not have", async () => {
    expect(await send({ path: NAMESPACE })).toMatchObject({
      status: 404,
      body: { kind: "Status", status: "Failure", reason: "NotFound", code: 404, message: 'namespaces "web" not found' },
    });
    expect((await send({ path: "/api/v1/namespaces/web/pods" })).status).toBe(404);
    expect((await send({ path: "/apis/apps/v2/namespaces/web/deployments" })).status).toBe(404);
    expect((await send({ method: "DELETE", path: "/api/v1/namespaces/default" })).status).toBe(405);
  });

  it("takes EKS's presigned tokens and the kubeconfig's, and no others", async () => {
    const status = async (authorization: string) =>
      (await send({ path: "/api/v1/namespaces/default", headers: { authorization } })).status;
    const bearer = (text: string) => `Bearer k8s-aws-v1.${Buffer.from(text).toString("base64url")}`;
    const url = `https://sts.us-east-1.amazonaws.com/?${new URLSearchParams({
      Action: "GetCallerIdentity",
      Version: "2011-06-15",
      "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
      "X-Amz-Credential": "123456789012/20261121/us-east-1/sts/aws4_request",
      "X-Amz-Date": "20261121T000000Z",
      "X-Amz-Expires": "60",
      "X-Amz-SignedHeaders": "host;x-k8s-aws-id",
      "X-Amz-Signature": "0".repeat(64),
    })}`;
    expect(await status(bearer(url))).toBe(200);
    expect(await status("Bearer kubeconfig-token")).toBe(200);
    for (const bad of [
      "",
      "Bearer other",
      "Basic kubeconfig-token",
      "Bearer k8s-aws-v1.",
      `${bearer(url)}=`,
      bearer(`${url}&x-id=GetCallerIdentity`),
      bearer(`${url}&Action=GetCallerIdentity`),
      bearer(url.replace("Expires=60", "Expires=901")),
      bearer(url.replace("GetCallerIdentity", "AssumeRole")),
      bearer(url.replace("x-k8s-aws-id", "x-other")),
    ])
      expect([bad, await status(bad)]).toEqual([bad, 401]);
  });

  it("answers 503 while the fault kubernetes-down strikes", async () => {
    faults.add({ kind: "kubernetes-down", match: { controlPlane: "main" }, count: 1 });
    expect((await send({ path: "/api/v1/namespaces/default" })).status).toBe(503);
    expect((await send({ path: "/api/v1/namespaces/default" })).status).toBe(200);
    faults.add({ kind: "kubernetes-down", match: { controlPlane: "other" } });
    expect((await send({ path: "/api/v1/namespaces/default" })).status).toBe(200);
  });

  it("lists a namespace's objects, by label and by pages", async () => {
    await apply(NAMESPACE, namespace({}));
    for (const name of ["a", "b", "c"])
      kubernetes.put({
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: { name, namespace: "web", labels: name === "b" ? { team: "x", tier: "1" } : { team: "y" } },
      });
    const names = async (query: Readonly<Record<string, string>>) => {
      const { body } = await send({ path: `${NAMESPACE}/serviceaccounts`, query });
      const items: unknown = body.items;
      const list = Array.isArray(items) ? items.filter(isJsonObject) : [];
      return list.map(({ metadata }) => (isJsonObject(metadata) ? metadata.name : undefined));
    };
    expect(await names({})).toEqual(["a", "b", "c", "default"]);
    expect(await names({ labelSelector: "team=x,tier" })).toEqual(["b"]);
    expect(await names({ labelSelector: "team!=x" })).toEqual(["a", "c", "default"]);
    expect(await names({ labelSelector: "!team" })).toEqual(["default"]);
    expect(await names({ limit: "3" })).toEqual(["a", "b", "c"]);
    expect(await names({ limit: "3", continue: "3" })).toEqual(["default"]);
    const bad = await send({ path: `${NAMESPACE}/serviceaccounts`, query: { labelSelector: "team in (x)" } });
    expect(bad).toMatchObject({ status: 400, body: { reason: "BadRequest" } });
  });
});

/** https://kubernetes.io/docs/reference/using-api/server-side-apply/ */
describe("Server-side apply of the simulator", () => {
  it("creates an object, changes it, and leaves it alone when nothing changes", async () => {
    const created = await apply(NAMESPACE, namespace({ a: "1" }));
    expect(created).toMatchObject({ status: 201, body: { metadata: { name: "web", labels: { a: "1" } } } });
    const changed = await apply(NAMESPACE, namespace({ a: "2" }));
    expect(changed).toMatchObject({ status: 200, body: { metadata: { labels: { a: "2" } } } });
    const same = await apply(NAMESPACE, namespace({ a: "2" }));
    expect(same.body).toEqual(changed.body);
  });

  it("keeps what others set, and reports who owns which field", async () => {
    kubernetes.put(namespace({ team: "x" }), "kubectl");
    const { body } = await apply(NAMESPACE, namespace({ "istio.io/dataplane-mode": "ambient" }));
    expect(body).toMatchObject({
      metadata: {
        labels: { team: "x", "istio.io/dataplane-mode": "ambient" },
        managedFields: [
          { manager: "kubectl", operation: "Update", fieldsV1: { "f:metadata": { "f:labels": { "f:team": {} } } } },
          {
            manager: "controller",
            operation: "Apply",
            fieldsV1: { "f:metadata": { "f:labels": { "f:istio.io/dataplane-mode": {} } } },
          },
        ],
      },
    });
  });

  it("refuses to change what another manager owns, unless it is forced", async () => {
    await apply(NAMESPACE, namespace({}));
    kubernetes.put(
      { ...account({ role: "theirs" }), metadata: { name: "web", namespace: "web", annotations: { role: "theirs" } } },
      "kubectl",
    );
    const conflict = await apply(ACCOUNT, account({ role: "ours" }));
    expect(conflict).toMatchObject({
      status: 409,
      body: {
        reason: "Conflict",
        details: { causes: [{ reason: "FieldManagerConflict", field: ".metadata.annotations.role" }] },
      },
    });
    expect((await send({ path: ACCOUNT })).body).toMatchObject({ metadata: { annotations: { role: "theirs" } } });
    const forced = await apply(ACCOUNT, account({ role: "ours" }), { fieldManager: "controller", force: "true" });
    expect(forced).toMatchObject({ status: 200, body: { metadata: { annotations: { role: "ours" } } } });
    expect((await apply(ACCOUNT, account({ role: "theirs" }), { fieldManager: "other" })).status).toBe(409);
  });

  it("shares a field that two managers give the same value", async () => {
    await apply(NAMESPACE, namespace({ a: "1" }));
    expect((await apply(NAMESPACE, namespace({ a: "1" }), { fieldManager: "other" })).status).toBe(200);
    expect((await apply(NAMESPACE, namespace({ a: "2" }))).status).toBe(409);
    await apply(NAMESPACE, namespace({}), { fieldManager: "other" });
    expect((await apply(NAMESPACE, namespace({ a: "2" }))).status).toBe(200);
  });

  it("takes away what its manager no longer applies, if nobody else owns it", async () => {
    await apply(NAMESPACE, namespace({ a: "1", b: "1" }));
    await apply(NAMESPACE, namespace({ b: "1" }), { fieldManager: "other" });
    const { body } = await apply(NAMESPACE, namespace({ c: "1" }));
    expect(body).toMatchObject({ metadata: { labels: { b: "1", c: "1" } } });
    expect(JSON.stringify(body)).not.toContain('"a":"1"');
  });

  it.each([
    ["without a field manager", {}, APPLY, namespace({}), 422],
    ["of another media type", { fieldManager: "m" }, "application/merge-patch+json", namespace({}), 415],
    ["of another kind", { fieldManager: "m" }, APPLY, { ...namespace({}), kind: "Secret" }, 400],
    ["under another name", { fieldManager: "m" }, APPLY, { ...namespace({}), metadata: { name: "shop" } }, 400],
  ])("is refused %s", async (_what, query, type, object, status) => {
    const headers = { "content-type": type };
    const answer = await send({ method: "PATCH", path: NAMESPACE, query, headers, body: JSON.stringify(object) });
    expect(answer).toMatchObject({ status, body: { kind: "Status", code: status } });
  });

  it("is refused for a namespace that doesn't exist", async () => {
    expect(await apply(ACCOUNT, account({}))).toMatchObject({ status: 404, body: { reason: "NotFound" } });
  });
});

describe("Simulated istiod", () => {
  const taskArn = "arn:aws:ecs:us-east-1:123456789012:task/ecs-demo/a1173316d40a45de";
  const task: TaskChange = {
    taskArn,
    serviceArn: "arn:aws:ecs:us-east-1:123456789012:service/ecs-demo/shell-task",
    serviceName: "shell-task",
    lastStatus: "RUNNING",
    healthy: true,
    ipAddress: "10.0.1.7",
    containers: ["shell", "ztunnel"],
    tags: new Map([["ecs.solo.io/service-account", "shell"]]),
    clusterTags: new Map([["ecs.solo.io/discovery-enabled", "true"]]),
  };
  const taskChanged = (change: Partial<TaskChange> = {}) => context.taskChanges.publish({ ...task, ...change });
  const entries = async (labelSelector = "") => (await send({ path: ENTRIES, query: { labelSelector } })).body.items;

  it("has a WorkloadEntry for a running task a few seconds later, and none once it has stopped", async () => {
    taskChanged();
    await clock.advance(500);
    expect(await entries()).toEqual([]);
    await clock.advance(4000);
    expect(await entries("ecs.solo.io/service=shell-task")).toMatchObject([
      {
        kind: "WorkloadEntry",
        metadata: {
          name: "ecs-a1173316d40a45de",
          labels: { "networking.istio.io/tunnel": "http" },
          annotations: { "ecs.solo.io/arn": taskArn },
        },
        spec: { address: "10.0.1.7", serviceAccount: "shell", network: "eks" },
      },
    ]);
    taskChanged({ lastStatus: "STOPPED", healthy: false });
    await clock.advance(5000);
    expect(await entries()).toEqual([]);
  });

  it("does not bring back a task that stopped at once", async () => {
    taskChanged();
    taskChanged({ lastStatus: "STOPPED", healthy: false });
    await clock.advance(10_000);
    expect(await entries()).toEqual([]);
  });

  it("gives a task without a ztunnel, or one that is not healthy, no tunnel", async () => {
    for (const change of [{ containers: ["shell"] }, { healthy: false }]) {
      taskChanged(change);
      await clock.advance(5000);
      expect(JSON.stringify(await entries())).not.toContain("networking.istio.io/tunnel");
      expect(await entries()).toHaveLength(1);
    }
  });

  it("has no entry in a namespace that doesn't exist", async () => {
    taskChanged({ tags: new Map([["ecs.solo.io/namespace", "gone"]]) });
    await clock.advance(5000);
    expect((await send({ path: "/apis/networking.istio.io/v1/workloadentries" })).body.items).toEqual([]);
  });

  it.each<[string, Partial<TaskChange>]>([
    ["of a cluster without the tag for discovery", { clusterTags: new Map() }],
    ["of a region that it does not watch", { taskArn: taskArn.replace("us-east-1", "eu-west-1") }],
    ["without a network interface", { ipAddress: undefined }],
  ])("has no entry for a task %s", async (_which, change) => {
    taskChanged(change);
    await clock.advance(5000);
    expect((await send({ path: "/apis/networking.istio.io/v1/workloadentries" })).body.items).toEqual([]);
  });

  it("has no entry for a task that the fault no-workload-entry has struck, even after further changes", async () => {
    faults.add({ kind: "no-workload-entry", match: { service: "shell-task", controlPlane: "main" }, count: 1 });
    for (let times = 0; times < 2; times++) {
      taskChanged();
      await clock.advance(5000);
      expect(await entries()).toEqual([]);
    }
    taskChanged({ taskArn: `${taskArn}2` });
    await clock.advance(5000);
    expect(await entries()).toHaveLength(1);
  });
});
