import { beforeEach, describe, expect, it } from "vitest";
import { Ecs } from "../aws/ecs/ecs.ts";
import type { JsonObject } from "../base/json.ts";
import { type KubernetesHarness, kubernetesHarness } from "./kubernetes-harness.ts";

const ENTRIES = "/apis/networking.istio.io/v1/serviceentries";
const account = "123456789012";
const place = { account, region: "us-east-1" };
const discovered = [{ key: "ecs.solo.io/discovery-enabled", value: "true" }];
/** A real API server refuses the name (HTTP 422). */
const upperCase = /^ServiceEntry\.networking\.istio\.io "ecs-service-.*metadata\.name: Invalid value: /;

describe("Simulated istiod", () => {
  let harness: KubernetesHarness;
  let ecs: Ecs;
  const call = async (operation: string, input: JsonObject, at = place) => ecs.operations[operation]?.(input, at);
  const entries = async () => (await harness.send({ path: ENTRIES })).body.items;
  const tags = (given: Readonly<Record<string, string>>) =>
    Object.entries(given).map(([key, value]) => ({ key, value }));
  const create = (serviceName: string, given: Readonly<Record<string, string>> = {}, at = place) =>
    call(
      "CreateService",
      { cluster: "shop", serviceName, taskDefinition: "web", desiredCount: 0, tags: tags(given) },
      at,
    );
  const prepare = async (at = place) => {
    await call("CreateCluster", { clusterName: "shop", tags: discovered }, at);
    const container = { name: "web", image: "web:1", memory: 128 };
    await call("RegisterTaskDefinition", { family: "web", containerDefinitions: [container] }, at);
  };

  beforeEach(async () => {
    harness = kubernetesHarness({ domainOf: () => "ecs.example.com" });
    ecs = new Ecs(harness.context);
    await prepare();
  });

  it("has a ServiceEntry for every service of a discovered cluster, whether or not it is in the mesh", async () => {
    await create("web", { "ecs.solo.io/hostname": "shop.example.com", "ecs.solo.io/ports": "http:80:8080/tcp:5432" });
    await create("cart");
    await harness.clock.advance(6000);
    const [cart, web] = [(await entries()) ?? []].flat();
    expect(cart).toMatchObject({
      apiVersion: "networking.istio.io/v1",
      kind: "ServiceEntry",
      metadata: {
        name: `ecs-service-${account}-us-east-1-shop-cart`,
        namespace: "istio-system",
        labels: { "ecs.solo.io/service": "cart", "ecs.solo.io/hostname": "cart.shop.ecs.example.com" },
        annotations: { "ecs.solo.io/arn": `arn:aws:ecs:us-east-1:${account}:service/shop/cart` },
      },
      spec: {
        hosts: ["cart.shop.ecs.example.com"],
        ports: [{ number: 80, name: "http-80", protocol: "HTTP", targetPort: 8080 }],
        resolution: "STATIC",
        workloadSelector: { labels: { "ecs.solo.io/hostname": "cart.shop.ecs.example.com" } },
      },
    });
    expect(web).toMatchObject({
      spec: {
        hosts: ["shop.example.com"],
        ports: [
          { number: 80, name: "http-80", protocol: "HTTP", targetPort: 8080 },
          { number: 5432, name: "tcp-5432", protocol: "TCP", targetPort: 5432 },
        ],
      },
    });
  });

  it("selects the service's tasks by a label of their WorkloadEntries", async () => {
    await create("cart");
    const clusterTags = new Map([["ecs.solo.io/discovery-enabled", "true"]]);
    harness.context.taskChanges.publish({
      taskArn: `arn:aws:ecs:us-east-1:${account}:task/shop/0123456789abcdef0123456789abcdef`,
      serviceArn: `arn:aws:ecs:us-east-1:${account}:service/shop/cart`,
      serviceName: "cart",
      lastStatus: "RUNNING",
      healthy: true,
      ipAddress: "10.0.0.1",
      containers: ["web"],
      tags: new Map(),
      clusterTags,
    });
    await harness.clock.advance(6000);
    const query = { labelSelector: "ecs.solo.io/hostname=cart.shop.ecs.example.com" };
    const { body } = await harness.send({ path: "/apis/networking.istio.io/v1/workloadentries", query });
    expect(body.items).toHaveLength(1);
  });

  it("copies the tags that can be labels, and does not read the cluster's own", async () => {
    const value = "from.the.cluster";
    const resourceArn = `arn:aws:ecs:us-east-1:${account}:cluster/shop`;
    await call("TagResource", { resourceArn, tags: [{ key: "ecs.solo.io/hostname", value }] });
    await create("web", { "istio.io/use-waypoint": "waypoint", owner: "a person" });
    await harness.clock.advance(6000);
    expect(await entries()).toMatchObject([{ spec: { hosts: ["web.shop.ecs.example.com"] } }]);
    const labels = [(await entries()) ?? []].flat()[0];
    expect(labels).toMatchObject({ metadata: { labels: { "istio.io/use-waypoint": "waypoint" } } });
    expect(JSON.stringify(labels)).not.toContain("owner");
  });

  it("follows the service's tags, its namespace and its end", async () => {
    harness.kubernetes.put({ apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } });
    await create("web");
    const resourceArn = `arn:aws:ecs:us-east-1:${account}:service/shop/web`;
    await call("TagResource", { resourceArn, tags: tags({ "ecs.solo.io/namespace": "team" }) });
    await harness.clock.advance(6000);
    expect(await entries()).toMatchObject([{ metadata: { namespace: "team" } }]);
    await call("UntagResource", { resourceArn, tagKeys: ["ecs.solo.io/namespace"] });
    await harness.clock.advance(6000);
    expect(await entries()).toMatchObject([{ metadata: { namespace: "istio-system" } }]);
    await call("DeleteService", { cluster: "shop", service: "web" });
    await harness.clock.advance(6000);
    expect(await entries()).toEqual([]);
  });

  it("has none for a cluster that loses its discovery tag, until the tag is back", async () => {
    await create("web");
    await harness.clock.advance(6000);
    const resourceArn = `arn:aws:ecs:us-east-1:${account}:cluster/shop`;
    await call("UntagResource", { resourceArn, tagKeys: ["ecs.solo.io/discovery-enabled"] });
    await harness.clock.advance(6000);
    expect(await entries()).toEqual([]);
    await call("TagResource", { resourceArn, tags: discovered });
    await harness.clock.advance(6000);
    expect(await entries()).toHaveLength(1);
  });

  it("has none for the services of places that it does not watch", async () => {
    const elsewhere = { account, region: "eu-west-1" };
    await prepare(elsewhere);
    await create("web", {}, elsewhere);
    await harness.clock.advance(6000);
    expect(await entries()).toEqual([]);
  });

  it.each([
    ["MyStack-Web9571FDD8", {}, upperCase],
    ["web_1", {}, upperCase],
    ["w".repeat(64), {}, /must be no more than 63 bytes/],
    ["web", { "ecs.solo.io/hostname": `${"h".repeat(60)}.example.com` }, /must be no more than 63 bytes/],
  ])("has none for the service %s with the tags %j: Kubernetes refuses it", async (name, given, message) => {
    await create(name, given);
    await harness.clock.advance(6000);
    expect(await entries()).toEqual([]);
    expect(harness.kubernetes.refusedServiceEntries()).toEqual([
      {
        serviceArn: `arn:aws:ecs:us-east-1:${account}:service/shop/${name}`,
        code: 422,
        message: expect.stringMatching(message),
      },
    ]);
    await call("DeleteService", { cluster: "shop", service: name });
    await harness.clock.advance(6000);
    expect(harness.kubernetes.refusedServiceEntries()).toEqual([]);
  });

  it("tries again where the namespace was missing, or has been deleted", async () => {
    await create("web", { "ecs.solo.io/namespace": "later" });
    await harness.clock.advance(6000);
    expect(harness.kubernetes.refusedServiceEntries()).toMatchObject([{ code: 404 }]);
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "later" } };
    harness.kubernetes.put(namespace);
    await harness.clock.advance(6000);
    expect(await entries()).toHaveLength(1);
    harness.faults.add({
      kind: "namespace-terminating",
      match: { namespace: "later" },
      untilMs: harness.clock.now() + 1,
    });
    expect(await entries()).toEqual([]);
    await harness.clock.advance(6000);
    expect(harness.kubernetes.refusedServiceEntries()).toMatchObject([{ code: 404 }]);
    harness.kubernetes.put(namespace);
    await harness.clock.advance(6000);
    expect(await entries()).toHaveLength(1);
  });
});
