import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import type { Json } from "../base/json.ts";
import type { TaskChange } from "../core/connections.ts";
import { ENTRIES, type KubernetesHarness, kubernetesHarness } from "./kubernetes-harness.ts";

let clock: KubernetesHarness["clock"];
let faults: KubernetesHarness["faults"];
let context: KubernetesHarness["context"];
let send: KubernetesHarness["send"];
let kubernetes: KubernetesHarness["kubernetes"];

beforeEach(() => {
  ({ clock, faults, context, send, kubernetes } = kubernetesHarness());
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

  const allEntries = async () => (await send({ path: "/apis/networking.istio.io/v1/workloadentries" })).body.items;

  it("has a WorkloadEntry for a task a few seconds after its start, and none once it has stopped", async () => {
    taskChanged({ lastStatus: "PENDING", healthy: false });
    await clock.advance(500);
    expect(await entries()).toEqual([]);
    await clock.advance(4000);
    const entry = {
      kind: "WorkloadEntry",
      metadata: {
        name: "ecs-task-123456789012-us-east-1-ecs-demo-a1173316d40a45de",
        annotations: { "ecs.solo.io/arn": taskArn, "ambient.istio.io/redirection": "enabled" },
      },
      spec: { address: "10.0.1.7", serviceAccount: "shell", network: "eks" },
    };
    expect(await entries("ecs.solo.io/service=shell-task")).toMatchObject([entry]);
    taskChanged();
    await clock.advance(5000);
    expect(await entries("ecs.solo.io/service=shell-task")).toMatchObject([entry]);
    taskChanged({ lastStatus: "STOPPED", healthy: false });
    await clock.advance(5000);
    expect(await entries()).toEqual([]);
  });

  it("forgets the tasks of a cluster that has lost its discovery tag, and moves a task to another namespace", async () => {
    taskChanged();
    await clock.advance(5000);
    taskChanged({ clusterTags: new Map() });
    await clock.advance(5000);
    expect(await allEntries()).toEqual([]);
    taskChanged();
    await clock.advance(5000);
    expect(entriesOf(await allEntries())).toHaveLength(1);
    taskChanged({
      tags: new Map([
        ["ecs.solo.io/namespace", "istio-system"],
        ["ecs.solo.io/service-account", "other"],
      ]),
    });
    taskChanged({ tags: new Map([["ecs.solo.io/namespace", "default"]]) });
    await clock.advance(5000);
    expect(entriesOf(await allEntries()).map(({ namespace }) => namespace)).toEqual(["default"]);
  });

  it("does not bring back a task that stopped at once", async () => {
    taskChanged();
    taskChanged({ lastStatus: "STOPPED", healthy: false });
    await clock.advance(10_000);
    expect(await entries()).toEqual([]);
  });

  it.each<[string, Partial<TaskChange>, string | undefined]>([
    ["a ztunnel that is not healthy", { healthy: false }, "enabled"],
    ["no ztunnel", { containers: ["shell", "my-ztunnel"] }, undefined],
    [
      "no ztunnel but the label of a tunnel",
      { containers: ["shell"], tags: new Map([["networking.istio.io/tunnel", "http"]]) },
      undefined,
    ],
  ])("redirects to the container named ztunnel alone: a task with %s", async (_what, change, redirection) => {
    taskChanged(change);
    await clock.advance(5000);
    const [found, ...others] = entriesOf(await entries());
    expect(others).toEqual([]);
    expect(found?.annotations["ambient.istio.io/redirection"]).toBe(redirection);
  });

  it("takes namespace and service account from the task's tags, else istio-system and default", async () => {
    kubernetes.put({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
    taskChanged({ tags: new Map() });
    taskChanged({ taskArn: `${taskArn}2`, tags: new Map([["ecs.solo.io/namespace", "shop"]]) });
    await clock.advance(5000);
    expect(await allEntries()).toMatchObject([
      { metadata: { namespace: "istio-system" }, spec: { serviceAccount: "default" } },
      { metadata: { namespace: "shop" }, spec: { serviceAccount: "default" } },
    ]);
  });

  it("copies the tags that can be labels, and writes its own labels itself", async () => {
    const tags = [
      ["istio.io/use-waypoint", "waypoint"],
      ["ecs.solo.io/service", "other"],
      ["team name", "a"],
      ["aws:cloudformation:stack-name", "shop"],
      ["owner", "a person"],
      ["empty", ""],
    ] as const;
    taskChanged({ tags: new Map(tags) });
    await clock.advance(5000);
    expect(entriesOf(await entries())[0]?.labels).toEqual({
      "istio.io/use-waypoint": "waypoint",
      empty: "",
      "ecs.solo.io/service": "shell-task",
      "ecs.solo.io/hostname": "shell-task.ecs-demo.ecs.internal",
      "service.istio.io/workload-name": "shell-task",
    });
  });

  it.each<[string, Partial<TaskChange>, string]>([
    ["cluster with upper case", { taskArn: taskArn.replace("ecs-demo", "Demo") }, "metadata.name: Invalid value: "],
    ["cluster with `_`", { taskArn: taskArn.replace("ecs-demo", "ecs_demo") }, "metadata.name: Invalid value: "],
    [
      "cluster with a name of 230 characters",
      { taskArn: taskArn.replace("ecs-demo", "c".repeat(230)) },
      "must be no more than 253 bytes",
    ],
    ["service with a name of 64 characters", { serviceName: "s".repeat(64) }, "must be no more than 63 bytes"],
    ["service whose name ends in `-`", { serviceName: "shell-" }, 'metadata.labels: Invalid value: "shell-": '],
    [
      "service with a hostname of 64 characters",
      { tags: new Map([["ecs.solo.io/hostname", "h".repeat(64)]]) },
      "must be no more than 63 bytes",
    ],
  ])("has no entry for a task of a %s: Kubernetes refuses it", async (_which, change, message) => {
    taskChanged(change);
    await clock.advance(5000);
    expect(await allEntries()).toEqual([]);
    const taskOf = change.taskArn ?? taskArn;
    expect(kubernetes.refusedEntries()).toEqual([
      { taskArn: taskOf, code: 422, message: expect.stringContaining(message) },
    ]);
    expect(kubernetes.refusedEntries()[0]?.message).toMatch(/^WorkloadEntry\.networking\.istio\.io "ecs-task-/);
    taskChanged({ ...change, lastStatus: "STOPPED" });
    await clock.advance(5000);
    expect(kubernetes.refusedEntries()).toEqual([]);
  });

  it("has an entry for a service with an upper-case name", async () => {
    taskChanged({ serviceName: "Shell_Task" });
    await clock.advance(5000);
    expect(entriesOf(await entries())[0]?.labels["ecs.solo.io/service"]).toBe("Shell_Task");
  });

  it("has no entry in a namespace that doesn't exist, and has one once it does", async () => {
    taskChanged({ tags: new Map([["ecs.solo.io/namespace", "later"]]) });
    await clock.advance(5000);
    expect(await allEntries()).toEqual([]);
    expect(kubernetes.refusedEntries()).toEqual([{ taskArn, code: 404, message: 'namespaces "later" not found' }]);
    kubernetes.put({ apiVersion: "v1", kind: "Namespace", metadata: { name: "later" } });
    await clock.advance(10_000);
    expect(await allEntries()).toHaveLength(1);
    expect(kubernetes.refusedEntries()).toEqual([]);
  });

  it("has no entry in a namespace that is being terminated", async () => {
    kubernetes.put({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "old", deletionTimestamp: "2026-11-21T00:00:00Z" },
      status: { phase: "Terminating" },
    });
    taskChanged({ tags: new Map([["ecs.solo.io/namespace", "old"]]) });
    await clock.advance(5000);
    expect(kubernetes.refusedEntries()).toMatchObject([{ code: 403 }]);
  });

  it.each<[string, Partial<TaskChange>]>([
    ["of a cluster without the tag for discovery", { clusterTags: new Map() }],
    ["of a region that it does not watch", { taskArn: taskArn.replace("us-east-1", "eu-west-1") }],
    ["without a network interface", { ipAddress: undefined }],
  ])("has no entry for a task %s", async (_which, change) => {
    taskChanged(change);
    await clock.advance(5000);
    expect(await allEntries()).toEqual([]);
    expect(kubernetes.refusedEntries()).toEqual([]);
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

  it.each([
    ["unlabeled-entries", { labels: {}, redirection: "enabled" }],
    ["no-redirection", { labels: { "ecs.solo.io/service": "shell-task" }, redirection: undefined }],
  ] as const)("leaves out what the fault %s says, for as long as the task exists", async (kind, left) => {
    faults.add({ kind, match: { service: "shell-task", region: "us-east-1", controlPlane: "main" }, count: 1 });
    for (const lastStatus of ["PENDING", "RUNNING"]) {
      taskChanged({ lastStatus });
      await clock.advance(5000);
      const [found] = entriesOf(await entries());
      expect(found?.annotations["ambient.istio.io/redirection"]).toBe(left.redirection);
      expect(found?.labels).toMatchObject(left.labels);
      if (kind === "unlabeled-entries") expect(found?.labels).toEqual({});
    }
    expect(await entries("ecs.solo.io/service=shell-task")).toHaveLength(kind === "unlabeled-entries" ? 0 : 1);
    taskChanged({ taskArn: `${taskArn}2` });
    await clock.advance(5000);
    const [, second] = entriesOf(await entries());
    expect(second?.labels).toHaveProperty(["ecs.solo.io/service"]);
    expect(second?.annotations["ambient.istio.io/redirection"]).toBe("enabled");
  });

  it("names tasks in another way where the fault other-entries strikes, and still takes their entries away", async () => {
    faults.add({ kind: "other-entries", match: { controlPlane: "main" } });
    taskChanged();
    await clock.advance(5000);
    const [found] = entriesOf(await entries());
    expect(found?.name).not.toMatch(/^ecs-task-/);
    expect(found?.annotations).not.toHaveProperty(["ecs.solo.io/arn"]);
    taskChanged({ lastStatus: "STOPPED" });
    await clock.advance(5000);
    expect(await entries()).toEqual([]);
  });
});

function entriesOf(items: Json | undefined) {
  return entrySchema.parse(items).map(({ metadata }) => metadata);
}

const texts = z.record(z.string(), z.string()).default({});
const entrySchema = z.array(
  z.object({ metadata: z.object({ namespace: z.string(), name: z.string(), labels: texts, annotations: texts }) }),
);
