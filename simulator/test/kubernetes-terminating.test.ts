import { beforeEach, describe, expect, it } from "vitest";
import { isJsonObject, type Json } from "../base/json.ts";
import type { TaskChange } from "../core/connections.ts";
import {
  ACCOUNT_PATH,
  account,
  type KubernetesHarness,
  kubernetesHarness,
  NAMESPACE,
  namespace,
} from "./kubernetes-harness.ts";

const ENTRIES = "/apis/networking.istio.io/v1/namespaces/web/workloadentries";
const NAMESPACES = "/api/v1/namespaces";
const HELD_MS = 120_000;

const task: TaskChange = {
  taskArn: "arn:aws:ecs:us-east-1:123456789012:task/shop/0123456789abcdef0123456789abcdef",
  serviceArn: "arn:aws:ecs:us-east-1:123456789012:service/shop/web",
  serviceName: "web",
  ipAddress: "10.0.0.1",
  lastStatus: "RUNNING",
  healthy: true,
  containers: ["web", "ztunnel"],
  tags: new Map([["ecs.solo.io/namespace", "web"]]),
  clusterTags: new Map([["ecs.solo.io/discovery-enabled", "true"]]),
};

describe("The fault namespace-terminating", () => {
  let harness: KubernetesHarness;
  const names = async (path: string): Promise<readonly Json[]> => {
    const { items } = (await harness.send({ path })).body;
    return (Array.isArray(items) ? items : []).flatMap((each) =>
      isJsonObject(each) && isJsonObject(each.metadata) ? [each.metadata.name ?? ""] : [],
    );
  };

  beforeEach(async () => {
    harness = kubernetesHarness();
    await harness.apply(NAMESPACE, namespace({ team: "web" }));
    await harness.apply(ACCOUNT_PATH, account({ a: "b" }));
    harness.context.taskChanges.publish(task);
    await harness.clock.advance(5000);
    const untilMs = harness.clock.now() + HELD_MS;
    harness.faults.add({ kind: "namespace-terminating", match: { controlPlane: "main", namespace: "web" }, untilMs });
  });

  it("shows the namespace as Terminating, without what was in it", async () => {
    expect((await harness.send({ path: NAMESPACE })).body).toMatchObject({
      metadata: { name: "web", labels: { team: "web" }, deletionTimestamp: "2026-11-21T00:00:05Z" },
      status: { phase: "Terminating" },
    });
    expect((await harness.send({ path: ACCOUNT_PATH })).status).toBe(404);
    expect(await names(ENTRIES)).toEqual([]);
    expect((await harness.send({ path: `${NAMESPACES}/default` })).body).not.toHaveProperty("status");
  });

  it("has the API refuse what is new in it, as Kubernetes does, and what is new elsewhere is taken", async () => {
    const created = await harness.apply(ACCOUNT_PATH, account({}));
    expect(created.status).toBe(403);
    expect(created.body.details).toMatchObject({ causes: [{ reason: "NamespaceTerminating" }] });
    const body = JSON.stringify({ apiVersion: "v1", ...account({}) });
    const posted = await harness.send({ method: "POST", path: `${NAMESPACES}/web/serviceaccounts`, body });
    expect(posted.status).toBe(403);
    expect((await harness.apply(`${NAMESPACES}/default/serviceaccounts/web`, account({}))).status).toBe(201);
    const again = { ...namespace({}), metadata: { name: "web" } };
    const recreated = await harness.send({ method: "POST", path: NAMESPACES, body: JSON.stringify(again) });
    expect(recreated.status).toBe(409);
    expect(harness.faults.list()[0]?.struck).toBe(2);
  });

  it("takes the namespace away when it ends, and lets it be created again", async () => {
    await harness.send({ path: NAMESPACE });
    await harness.clock.advance(HELD_MS);
    expect((await harness.send({ path: NAMESPACE })).status).toBe(404);
    expect((await harness.apply(ACCOUNT_PATH, account({}))).status).toBe(404);
    await harness.apply(NAMESPACE, namespace({}));
    const { body } = await harness.send({ path: NAMESPACE });
    expect(body).not.toHaveProperty("status");
    expect(body.metadata).not.toHaveProperty("deletionTimestamp");
    expect((await harness.apply(ACCOUNT_PATH, account({}))).status).toBe(201);
  });

  it("keeps istiod from writing entries, until the namespace is there again", async () => {
    await harness.send({ path: NAMESPACE });
    await harness.clock.advance(10_000);
    expect(harness.kubernetes.refusedEntries()).toMatchObject([{ taskArn: task.taskArn, code: 403 }]);
    await harness.clock.advance(HELD_MS);
    await harness.apply(NAMESPACE, namespace({}));
    await harness.clock.advance(10_000);
    expect(await names(ENTRIES)).toHaveLength(1);
    expect(harness.kubernetes.refusedEntries()).toEqual([]);
  });

  it("that ends by its count lets the namespace go after that number of refusals", async () => {
    harness.faults.replace([{ kind: "namespace-terminating", match: { namespace: "web" }, count: 1 }]);
    expect((await harness.apply(ACCOUNT_PATH, account({}))).status).toBe(403);
    expect((await harness.apply(ACCOUNT_PATH, account({}))).status).toBe(404);
  });

  it("leaves a namespace alone that it no longer matches before anybody has seen it", async () => {
    await harness.clock.advance(HELD_MS);
    expect((await harness.send({ path: ACCOUNT_PATH })).status).toBe(200);
  });
});
