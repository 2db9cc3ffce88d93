import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Proof, verifyTasks } from "../../../../../shared/data-plane/ztunnel/proof/verify.ts";
import type { ObservedTask } from "../../../../../shared/model/task.ts";
import type { WorkloadEntry } from "../../../../../shared/model/workload-entry.ts";
import { BEFORE, container, TARGET, task } from "../../../../support/deployments.ts";
import { REDIRECTED, workloadEntryOf } from "../../../../support/workload-entries.ts";

const both = [task("a"), task("bb")];
const withZtunnel = (healthStatus: string) => task("bb", { containers: [container("ztunnel", { healthStatus })] });
const entryOf = ({ taskArn, privateIpv4Address }: ObservedTask, changes: Partial<WorkloadEntry> = {}) =>
  workloadEntryOf(taskArn, { address: privateIpv4Address, ...changes });

function verify(tasks: readonly ObservedTask[], given: Partial<Proof> = {}, desiredCount = tasks.length) {
  const proof: Proof = {
    rule: "strict",
    serviceAccount: "web",
    entries: tasks.map((one) => entryOf(one)),
    ...given,
  };
  return verifyTasks({ tasks, desiredCount, targetRevisionArn: TARGET, proof });
}

describe("a deployment is verified", () => {
  it("when every task's ztunnel is healthy, and an entry proves each", () => {
    expect(verify(both)).toEqual({ verified: true });
  });

  it.each<[string, Partial<WorkloadEntry>]>([
    ["names it by the annotation alone", { name: "9d2f" }],
    ["names it by its name alone", { annotations: REDIRECTED }],
    ["is marked for HBONE by Istio's label", { annotations: {}, labels: { "networking.istio.io/tunnel": "http" } }],
    ["has another address than the task had", { address: "10.9.9.9" }],
    ["has no address", { address: undefined }],
    ["has no labels", { labels: {} }],
  ])("by an entry that %s", (_what, changes) => {
    expect(verify(both, { entries: both.map((one) => entryOf(one, changes)) })).toEqual({ verified: true });
  });

  it("when its tasks have IPv6 alone", () => {
    const task6 = task("a", { privateIpv4Address: undefined, ipv6Address: "2600:1f18::7" });
    expect(verify([task6])).toEqual({ verified: true });
  });

  it("by any of a task's entries, as an older istiod may have left one", () => {
    const left = both.map((one) => entryOf(one, { name: "left", serviceAccount: "default" }));
    expect(verify(both, { entries: [...left, ...both.map((one) => entryOf(one))] })).toEqual({ verified: true });
  });

  it("under any service account where ours is not known: a roll of an earlier release", () => {
    expect(verify(both, { serviceAccount: null })).toEqual({ verified: true });
  });
});

describe("a deployment is not verified", () => {
  it.each<[string, readonly ObservedTask[]]>([
    ["mesh-not-converged", [task("a")]],
    ["mesh-not-converged", [task("a"), task("bb", { lastStatus: "PENDING" })]],
    ["mesh-not-converged", [task("a"), task("bb", { taskDefinitionArn: BEFORE })]],
    ["mesh-not-converged", [task("a"), withZtunnel("UNKNOWN")]],
    ["mesh-not-converged", [task("a"), task("bb", { containers: [container("web")] })]],
    ["ztunnel-unhealthy", [task("a"), withZtunnel("UNHEALTHY")]],
  ])("by its tasks: %s", (code, tasks) => {
    expect(verify(tasks, {}, 2)).toMatchObject({ verified: false, code });
  });

  const other = "arn:aws:ecs:us-east-1:123456789012:task/prod/other";
  it.each<[string, string, Partial<WorkloadEntry>, string | undefined]>([
    [
      "belongs to another task with the same address",
      "workload-entry-missing",
      { name: "other", annotations: { "ecs.solo.io/arn": other, ...REDIRECTED } },
      "task",
    ],
    [
      "has the task's name and another task's annotation",
      "workload-entry-missing",
      { annotations: { "ecs.solo.io/arn": other, ...REDIRECTED } },
      "task",
    ],
    ["names no task", "workload-entry-missing", { name: "vm-7", annotations: REDIRECTED }, "task"],
    ["has another service account", "workload-identity-differs", { serviceAccount: "api" }, undefined],
    ["has no service account", "workload-identity-differs", { serviceAccount: undefined }, "service account"],
    ["takes no HBONE", "workload-not-redirected", { annotations: {} }, "HBONE"],
    [
      "says that redirection is off",
      "workload-not-redirected",
      { annotations: { "ambient.istio.io/redirection": "disabled" } },
      "HBONE",
    ],
  ])("by an entry that %s", (_what, code, changes, mark) => {
    const [first, second] = [task("a"), task("bb")];
    const found = verify([first, second], { entries: [entryOf(first), entryOf(second, changes)] });
    expect(found).toMatchObject({ verified: false, code, detail: expect.stringContaining("task bb (10.0.0.2)") });
    expect("lacks" in found ? found.lacks : undefined).toEqual(mark && { mark, tasks: [second] });
  });

  it("by one entry that names the task and another that takes HBONE under another service account", () => {
    const one = task("a");
    const entries = [entryOf(one, { annotations: {} }), entryOf(one, { name: "x", serviceAccount: "api" })];
    expect(verify([one], { entries })).toMatchObject({ code: "workload-not-redirected" });
  });
});

describe("a rule of the name alone", () => {
  const rule = "name-only";

  it("asks neither for HBONE nor for a service account", () => {
    const changes = { annotations: {}, serviceAccount: undefined };
    expect(verify(both, { rule, entries: both.map((one) => entryOf(one, changes)) })).toEqual({ verified: true });
  });

  it("still wants an entry of the task, and not another's identity", () => {
    expect(verify(both, { rule, entries: [] })).toMatchObject({ code: "workload-entry-missing" });
    const entries = both.map((one) => entryOf(one, { serviceAccount: "api" }));
    expect(verify(both, { rule, entries })).toMatchObject({ code: "workload-identity-differs" });
  });
});

describe("after unenrolling", () => {
  const leave = (tasks: readonly ObservedTask[], desiredCount: number) =>
    verifyTasks({ tasks, desiredCount, targetRevisionArn: TARGET, proof: undefined });

  it("tasks have no ztunnel", () => {
    expect(leave([task("a", { containers: [container("web")] })], 1)).toEqual({ verified: true });
    expect(leave([task("a")], 1)).toMatchObject({ verified: false, code: "mesh-not-converged" });
    expect(leave([], 1)).toMatchObject({ verified: false });
  });
});

describe("a proof", () => {
  const wild: fc.Arbitrary<WorkloadEntry> = fc.record({
    namespace: fc.constant("shop"),
    name: fc.constantFrom("ecs-task-123456789012-us-east-1-prod-zz", "vm", "other"),
    annotations: fc.constantFrom(REDIRECTED, { "ecs.solo.io/arn": "arn:aws:ecs:us-east-1:123456789012:task/prod/zz" }),
    labels: fc.constantFrom({}, { "ecs.solo.io/service": "web" }),
    address: fc.constantFrom("10.0.0.1", "10.0.0.2"),
    serviceAccount: fc.constantFrom("web", "api"),
  });

  it("is not changed by entries of other workloads, in any order", () => {
    fc.assert(
      fc.property(fc.array(wild), fc.boolean(), (others, proven) => {
        const own = proven ? both.map((one) => entryOf(one)) : [];
        const code = proven ? { verified: true } : { code: "workload-entry-missing" };
        expect(verify(both, { entries: [...others, ...own] })).toMatchObject(code);
        expect(verify(both, { entries: [...own, ...others] })).toMatchObject(code);
      }),
    );
  });
});
