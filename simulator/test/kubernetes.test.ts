import { X509Certificate } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { isJsonObject } from "../base/json.ts";
import { nextRootCaPem, rootCaPem } from "../kubernetes/root-ca.ts";
import { type KubernetesHarness, kubernetesHarness, NAMESPACE, namespace } from "./kubernetes-harness.ts";

let send: KubernetesHarness["send"];
let apply: KubernetesHarness["apply"];
let kubernetes: KubernetesHarness["kubernetes"];
let faults: KubernetesHarness["faults"];

beforeEach(() => {
  ({ send, apply, kubernetes, faults } = kubernetesHarness());
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

  it("lists a namespace's objects, by label and up to a limit", async () => {
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
    const bad = await send({ path: `${NAMESPACE}/serviceaccounts`, query: { labelSelector: "team in (x)" } });
    expect(bad).toMatchObject({ status: 400, body: { reason: "BadRequest" } });
  });
});
