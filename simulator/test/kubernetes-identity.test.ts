import { beforeEach, describe, expect, it } from "vitest";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import { Kubernetes } from "../kubernetes/kubernetes.ts";
import { nextRootCaPem, rootCaPem } from "../kubernetes/root-ca.ts";
import { ecsHarness, proxyContainer, webContainer, webDefinition, webService } from "./ecs-harness.ts";
import { type KubernetesHarness, kubernetesHarness } from "./kubernetes-harness.ts";

const YEAR_MS = 365 * 24 * 3_600_000;
const ROLE = "arn:aws:iam::123456789012:role/ecs/ambient/web";
const SOLO = "ecs.solo.io/role-arn";
const EKS = "eks.amazonaws.com/role-arn";

const token = {
  url: "https://eastwest.example.com:15012",
  caCert: rootCaPem,
  namespace: "shop",
  serviceAccount: "web",
  platform: "ecs",
  network: "eks",
};

/** Base64 twice, as istioctl prints it. */
function encoded(value: JsonObject): string {
  return Buffer.from(Buffer.from(JSON.stringify(value)).toString("base64")).toString("base64");
}

function bind(kubernetes: Kubernetes, name: string, annotations: JsonObject): void {
  const metadata = { name, namespace: "shop", annotations };
  kubernetes.put({ apiVersion: "v1", kind: "ServiceAccount", metadata });
}

describe("A certificate of the simulated istiod", () => {
  let clock: KubernetesHarness["clock"];
  let kubernetes: KubernetesHarness["kubernetes"];

  beforeEach(() => {
    ({ clock, kubernetes } = kubernetesHarness());
    kubernetes.put({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  });

  const refusal = (change: JsonObject = {}, taskRoleArn: string | undefined = ROLE) =>
    kubernetes.certificateRefusal({
      taskArn: "arn:aws:ecs:us-east-1:123456789012:task/shop/1",
      container: "ztunnel",
      taskRoleArn,
      environment: new Map([["BOOTSTRAP_TOKEN", encoded({ ...token, ...change })]]),
    });

  it.each([
    ["Solo's annotation", { [SOLO]: ROLE }],
    ["EKS's annotation", { [EKS]: ROLE }],
    ["another path of the role", { [SOLO]: "arn:aws:iam::123456789012:role/web" }],
    ["EKS's annotation beside another role of Solo's", { [SOLO]: `${ROLE}-2`, [EKS]: ROLE }],
  ])("is given to a role that the service account carries by %s", (_how, annotations) => {
    bind(kubernetes, "web", annotations);
    expect(refusal()).toBeUndefined();
  });

  it.each<[string, JsonObject]>([
    ["no role", {}],
    ["another role", { [SOLO]: `${ROLE}-2` }],
    ["the role of another account", { [SOLO]: ROLE.replace("123456789012", "210987654321") }],
    ["the role by another annotation", { "example.com/role-arn": ROLE }],
  ])("is refused if the service account has %s", (_which, annotations) => {
    bind(kubernetes, "web", annotations);
    expect(refusal()).toBe(`the service account shop/web does not carry the role ${ROLE}`);
  });

  it("is refused to a task without a role, and for a service account that doesn't exist", () => {
    expect(refusal()).toContain("does not carry the role");
    bind(kubernetes, "web", { [SOLO]: ROLE });
    const withoutRole = kubernetes.certificateRefusal({
      taskArn: "arn:aws:ecs:us-east-1:123456789012:task/shop/1",
      container: "ztunnel",
      taskRoleArn: undefined,
      environment: new Map([["BOOTSTRAP_TOKEN", encoded(token)]]),
    });
    expect(withoutRole).toBe("the task has no role");
  });

  it("carries the names of all service accounts with the role", () => {
    bind(kubernetes, "web", { [SOLO]: ROLE });
    bind(kubernetes, "cart", { [EKS]: "arn:aws:iam::123456789012:role/web" });
    bind(kubernetes, "other", { [SOLO]: `${ROLE}-2` });
    expect(kubernetes.certificateNames(ROLE)).toEqual([
      "spiffe://cluster.local/ns/shop/sa/cart",
      "spiffe://cluster.local/ns/shop/sa/web",
    ]);
    expect(refusal()).toBeUndefined();
    expect(refusal({ serviceAccount: "cart" })).toBeUndefined();
    expect(refusal({ serviceAccount: "other" })).toBeDefined();
  });

  it("needs a root of the mesh that is valid now", async () => {
    bind(kubernetes, "web", { [SOLO]: ROLE });
    expect(refusal({ caCert: `${nextRootCaPem}${rootCaPem}` })).toBeUndefined();
    for (const caCert of ["", "no certificate", nextRootCaPem, rootCaPem.replace("MIIB", "AAAA")])
      expect(refusal({ caCert })).toBe("the token has no root of this mesh");
    kubernetes.setRootCa(`${rootCaPem}${nextRootCaPem}`);
    expect(refusal({ caCert: nextRootCaPem })).toBeUndefined();
    kubernetes.setRootCa(nextRootCaPem);
    expect(refusal()).toBe("the token has no root of this mesh");
    kubernetes.setRootCa(rootCaPem);
    // Somebody spoils the ConfigMap, which is a copy for others.
    kubernetes.setRootCa("no certificate");
    expect(refusal()).toBeUndefined();
    kubernetes.setRootCa(rootCaPem);
    await clock.advance(9 * YEAR_MS);
    expect(refusal()).toBeUndefined();
    await clock.advance(2 * YEAR_MS);
    expect(refusal()).toBe("no root of the token is valid at this time");
  });

  it("is not given before the root's time", () => {
    const early = kubernetesHarness({}, Date.UTC(2024, 11, 31)).kubernetes;
    early.put({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
    bind(early, "web", { [SOLO]: ROLE });
    const environment = new Map([["BOOTSTRAP_TOKEN", encoded(token)]]);
    const container = { taskArn: "arn:aws:ecs:us-east-1:123456789012:task/shop/1", container: "ztunnel", environment };
    expect(early.certificateRefusal({ ...container, taskRoleArn: ROLE })).toBe(
      "no root of the token is valid at this time",
    );
  });

  it("is asked for at an address of the mesh's gateways, by name or IP, or of a Service's external IPs", () => {
    bind(kubernetes, "web", { [SOLO]: ROLE });
    kubernetes.put({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "eastwest", namespace: "istio-system", labels: { "istio.io/expose-istiod": "15012" } },
      spec: { externalIPs: ["203.0.113.9"] },
      status: { loadBalancer: { ingress: [{ hostname: "second.example.com", ip: "2001:db8::7" }] } },
    });
    for (const host of ["eastwest.example.com", "second.example.com", "[2001:db8::7]", "203.0.113.9"])
      expect(refusal({ url: `https://${host}:15012` })).toBeUndefined();
    const url = "https://gone.example.com:15012";
    expect(refusal({ url })).toBe(`no istiod answers at ${url}`);
    expect(refusal({ url, network: "other" })).toBeUndefined();
  });

  it("is not asked for by containers without a token that can be read", () => {
    const container = { taskArn: "arn", container: "web", taskRoleArn: ROLE };
    for (const environment of [new Map(), new Map([["BOOTSTRAP_TOKEN", "token"]])])
      expect(kubernetes.certificateRefusal({ ...container, environment })).toBeUndefined();
  });
});

describe("A ztunnel of the simulated ECS", () => {
  const healthOf = async (checksCertificates: boolean, role: string) => {
    const harness = ecsHarness();
    const { context, clock } = harness;
    const kubernetes = new Kubernetes(context, {
      controlPlane: "main",
      network: "eks",
      rootCaPem,
      eastWestHostname: "eastwest.example.com",
      istiodVersion: "1.29.0-solo",
      checksCertificates,
    });
    kubernetes.put({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
    bind(kubernetes, "web", { [SOLO]: role });
    const valueFrom = await harness.createSecret("token", encoded(token));
    const ztunnel = { ...proxyContainer, name: "ztunnel", secrets: [{ name: "BOOTSTRAP_TOKEN", valueFrom }] };
    const roles = { taskRoleArn: ROLE, executionRoleArn: `${ROLE}-execution` };
    const containerDefinitions = [ztunnel, webContainer];
    await harness.call("CreateCluster", { clusterName: "default" });
    await harness.call("RegisterTaskDefinition", { ...webDefinition, ...roles, containerDefinitions });
    await harness.call("CreateService", webService);
    await clock.advance(60_000);
    const { taskArns } = await harness.call("ListTasks", { serviceName: "web" });
    const { tasks } = await harness.call("DescribeTasks", { tasks: taskArns ?? [] });
    const [task] = Array.isArray(tasks) ? tasks : [];
    const containers = isJsonObject(task) && Array.isArray(task.containers) ? task.containers.filter(isJsonObject) : [];
    return containers.find(({ name }) => name === "ztunnel")?.healthStatus;
  };

  it("gets healthy with a certificate, and not without one", async () => {
    expect(await healthOf(true, ROLE)).toBe("HEALTHY");
    expect(await healthOf(true, `${ROLE}-2`)).not.toBe("HEALTHY");
  });

  it("gets healthy anyhow while certificates are not checked", async () => {
    expect(await healthOf(false, `${ROLE}-2`)).toBe("HEALTHY");
  });
});
