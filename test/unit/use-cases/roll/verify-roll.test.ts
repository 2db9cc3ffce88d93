import { describe, expect, it } from "vitest";
import { AutopilotError } from "../../../../shared/base/errors.ts";
import type { WorkloadEntry, WorkloadEntrySelection } from "../../../../shared/model/workload-entry.ts";
import { verifyRoll } from "../../../../shared/use-cases/roll/verify-roll.ts";
import { NAME, revisionArn, web } from "../../../support/arns.ts";
import { rollTestbed } from "../../../support/testbeds/roll.ts";
import { applied } from "../../../support/testbeds/rolls.ts";
import { REDIRECTED, workloadEntryOf } from "../../../support/workload-entries.ts";

async function deployed() {
  const testbed = rollTestbed();
  const { watch } = await applied(testbed);
  testbed.ecs.complete();
  const since = testbed.clock.nowMs;
  const verify = (changes: object = {}) =>
    verifyRoll(web, { watch: { ...watch, ...changes }, sinceMs: since, executionName: NAME }, testbed);
  const deadlineMs = since + testbed.config.policy.verifyDeadlineMinutes * 60_000;
  return { testbed, watch, verify, deadlineMs };
}

describe("a roll is verified", () => {
  it("when ztunnel is healthy in every task and the mesh knows them all", async () => {
    const { verify } = await deployed();
    expect(await verify()).toBe("succeeded");
  });

  it("with one read of ECS, although the mesh knows its tasks only some seconds later", async () => {
    const { testbed, watch } = await deployed();
    const known = testbed.plane.entries;
    testbed.plane.entries = [];
    const since = testbed.clock.nowMs;
    let looks = 0;
    const listTasks: typeof testbed.ecs.listTasks = (...given) => {
      looks += 1;
      return testbed.ecs.listTasks(...given);
    };
    const pause = async (ms: number) => {
      await testbed.pause(ms);
      if (testbed.clock.nowMs - since >= 4000) testbed.plane.entries = known;
    };
    const { describeTasks, describeService } = testbed.ecs;
    const ecs = {
      listTasks,
      describeTasks: describeTasks.bind(testbed.ecs),
      describeService: describeService.bind(testbed.ecs),
    };
    expect(await verifyRoll(web, { watch, sinceMs: since, executionName: NAME }, { ...testbed, ecs, pause })).toBe(
      "succeeded",
    );
    expect(looks).toBe(1);
  });

  it("by the service's own entries, and by all of the namespace's where the entries have no label", async () => {
    const { testbed, watch } = await deployed();
    const asked: (string | undefined)[] = [];
    const listWorkloadEntries = async (selection: WorkloadEntrySelection) => {
      asked.push(selection.serviceName);
      return testbed.plane.listWorkloadEntries(selection);
    };
    const calls = { ...testbed, controlPlane: () => ({ listWorkloadEntries }) };
    const since = testbed.clock.nowMs;
    expect(await verifyRoll(web, { watch, sinceMs: since, executionName: NAME }, calls)).toBe("succeeded");
    expect(asked).toEqual([web.serviceName]);
    testbed.plane.entries = testbed.plane.entries.map((one) => ({ ...one, labels: {} }));
    expect(await verifyRoll(web, { watch, sinceMs: since, executionName: NAME }, calls)).toBe("succeeded");
    expect(asked).toEqual([web.serviceName, web.serviceName, undefined]);
    expect(testbed.clock.nowMs).toBe(since);
  });

  it("when the service was scaled in meanwhile", async () => {
    const { testbed, verify } = await deployed();
    testbed.ecs.setTasks(testbed.ecs.tasksOf().slice(0, -1));
    testbed.ecs.change({ desiredCount: 1 });
    expect(await verify()).toBe("succeeded");
  });

  it("when it was scaled in meanwhile and the mesh does not label its entries", async () => {
    const { testbed, verify } = await deployed();
    testbed.ecs.setTasks(testbed.ecs.tasksOf().slice(0, -1));
    testbed.ecs.change({ desiredCount: 1 });
    testbed.plane.entries = testbed.plane.entries.map((one) => ({ ...one, labels: {} }));
    expect(await verify()).toBe("succeeded");
  });

  it("without a question to the mesh when the service has left it", async () => {
    const { testbed, watch } = await deployed();
    testbed.ecs.setTasks(testbed.ecs.tasksOf().map((task) => ({ ...task, containers: [] })));
    const controlPlane = () => {
      throw new Error("no control plane was to be asked");
    };
    const calls = { ...testbed, controlPlane };
    expect(
      await verifyRoll(
        web,
        { watch: { ...watch, namespace: null }, sinceMs: testbed.clock.nowMs, executionName: NAME },
        calls,
      ),
    ).toBe("succeeded");
  });
});

describe("a service that runs no task", () => {
  it("is unverified where none is to run: nothing shows whether its revision works", async () => {
    const { testbed, verify } = await deployed();
    testbed.ecs.setTasks([]);
    testbed.ecs.change({ desiredCount: 0 });
    expect(await verify({ desiredCount: 0 })).toBe("unverified");
    expect(await verify({ desiredCount: 2 })).toBe("unverified");
  });

  it("is verified again until its deadline where some are to run, also when it was scaled out meanwhile", async () => {
    const { testbed, verify, deadlineMs } = await deployed();
    testbed.ecs.setTasks([]);
    await expect(verify({ desiredCount: 0 })).rejects.toMatchObject({ code: "mesh-not-converged" });
    testbed.clock.nowMs = deadlineMs;
    await expect(verify({ desiredCount: 0 })).rejects.toMatchObject({ code: "not-verified" });
  });

  it("is superseded where somebody has deployed another revision", async () => {
    const { testbed, verify } = await deployed();
    testbed.ecs.setTasks([]);
    testbed.ecs.change({ desiredCount: 0, taskDefinitionArn: revisionArn("other", 1) });
    expect(await verify()).toBe("superseded");
  });

  it("has left the mesh", async () => {
    const { testbed, watch } = await deployed();
    testbed.ecs.setTasks([]);
    testbed.ecs.change({ desiredCount: 0 });
    const left = { ...watch, namespace: null, desiredCount: 0 };
    expect(await verifyRoll(web, { watch: left, sinceMs: testbed.clock.nowMs, executionName: NAME }, testbed)).toBe(
      "succeeded",
    );
  });
});

describe("a roll that is not verified yet", () => {
  it("is verified again until its deadline: the mesh lacks a WorkloadEntry", async () => {
    const { testbed, verify, deadlineMs } = await deployed();
    testbed.plane.entries = testbed.plane.entries.filter(({ address }) => address === "10.0.0.1");
    await expect(verify()).rejects.toMatchObject({ code: "mesh-not-converged", retryable: true });
    testbed.clock.nowMs = deadlineMs;
    await expect(verify()).rejects.toMatchObject({
      code: "workload-entry-missing",
      retryable: false,
      detail: expect.stringContaining("No WorkloadEntry for task ecs-svc-new-1-1 (10.0.0.2)"),
    });
  });

  it("reads the mesh no more often when the service was scaled, too", async () => {
    const { testbed, watch } = await deployed();
    testbed.ecs.change({ desiredCount: 1 });
    const reads = { count: 0 };
    const listWorkloadEntries = async () => {
      reads.count += 1;
      return [];
    };
    const calls = { ...testbed, controlPlane: () => ({ listWorkloadEntries }) };
    await expect(
      verifyRoll(web, { watch, sinceMs: testbed.clock.nowMs, executionName: NAME }, calls),
    ).rejects.toMatchObject({
      code: "mesh-not-converged",
    });
    // The service's own entries, then four times those of its namespace.
    expect(reads.count).toBe(5);
  });

  it("is verified again while the control plane does not answer", async () => {
    const { testbed, watch, deadlineMs } = await deployed();
    const unreachable = async () => {
      throw new AutopilotError("control-plane-unreachable", "main");
    };
    const calls = { ...testbed, controlPlane: () => ({ listWorkloadEntries: unreachable }) };
    const since = testbed.clock.nowMs;
    await expect(verifyRoll(web, { watch, sinceMs: since, executionName: NAME }, calls)).rejects.toMatchObject({
      code: "control-plane-unreachable",
    });
    testbed.clock.nowMs = deadlineMs;
    await expect(verifyRoll(web, { watch, sinceMs: since, executionName: NAME }, calls)).rejects.toMatchObject({
      code: "not-verified",
    });
  });

  it("fails at once by an error that no time helps", async () => {
    const { testbed, watch } = await deployed();
    const refused = async () => {
      throw new AutopilotError("control-plane-refused", "main");
    };
    const calls = { ...testbed, controlPlane: () => ({ listWorkloadEntries: refused }) };
    await expect(
      verifyRoll(web, { watch, sinceMs: testbed.clock.nowMs, executionName: NAME }, calls),
    ).rejects.toMatchObject({
      code: "control-plane-refused",
      retryable: false,
    });
  });

  it("is superseded when somebody deployed another revision", async () => {
    const { testbed, verify } = await deployed();
    testbed.ecs.deploy(revisionArn("web", 9));
    testbed.ecs.setTasks([]);
    expect(await verify()).toBe("superseded");
  });

  it("waits while a task of the service that left the mesh still has a ztunnel", async () => {
    const { verify } = await deployed();
    await expect(verify({ namespace: null })).rejects.toMatchObject({ code: "mesh-not-converged" });
  });
});

describe("a roll whose proof lacks a mark that no entry of the control plane has", () => {
  async function unmarked(changes: Partial<WorkloadEntry>) {
    const { testbed, watch, deadlineMs } = await deployed();
    await testbed.ledger.putMeshFacts(testbed.plane.facts);
    testbed.plane.entries = testbed.plane.entries.map((one) => ({ ...one, ...changes }));
    const sinceMs = testbed.clock.nowMs;
    const verify = (executionName = NAME) => verifyRoll(web, { watch, sinceMs, executionName }, testbed);
    const shapes = () => testbed.bus.events.filter(({ detailType }) => detailType === "Mesh Shape Unknown");
    return { testbed, verify, deadlineMs, shapes };
  }

  it.each<[string, Partial<WorkloadEntry>]>([
    ["task", { name: "w-1", annotations: { ...REDIRECTED, "example.com/task": "t" } }],
    ["service account", { serviceAccount: undefined }],
    ["HBONE", { annotations: {} }],
  ])("ends unverified at its deadline, and is reported once: %s", async (mark, changes) => {
    const { testbed, verify, deadlineMs, shapes } = await unmarked(changes);
    await expect(verify()).rejects.toMatchObject({ code: "mesh-not-converged" });
    expect(shapes()).toEqual([]);
    testbed.clock.nowMs = deadlineMs;
    expect(await verify()).toBe("unverified");
    expect(await verify("another-roll")).toBe("unverified");
    expect(shapes()).toMatchObject([
      { detail: { controlPlane: "main", mark, seen: expect.stringMatching(/^shop\//) } },
    ]);
    expect(await testbed.ledger.getMesh("main")).toMatchObject({ unknownShape: { mark, by: NAME } });
  });

  it("is reported again by the same execution: its first event may not have been sent", async () => {
    const { testbed, verify, deadlineMs, shapes } = await unmarked({ annotations: {} });
    testbed.clock.nowMs = deadlineMs;
    expect(await verify()).toBe("unverified");
    expect(await verify()).toBe("unverified");
    expect(shapes()).toHaveLength(2);
  });

  it("fails where any other entry has the mark: istiod knows how to write it", async () => {
    const { testbed, verify, deadlineMs, shapes } = await unmarked({ annotations: {} });
    const other = "arn:aws:ecs:us-east-1:123456789012:task/prod/other";
    testbed.plane.entries = [...testbed.plane.entries, workloadEntryOf(other, { namespace: "elsewhere" })];
    testbed.clock.nowMs = deadlineMs;
    await expect(verify()).rejects.toMatchObject({ code: "workload-not-redirected" });
    expect(shapes()).toEqual([]);
  });

  it("fails where no entry could be the tasks' own: istiod does not know them", async () => {
    const { testbed, verify, deadlineMs } = await unmarked({ name: "vm", annotations: {}, address: "10.99.0.1" });
    testbed.clock.nowMs = deadlineMs;
    await expect(verify()).rejects.toMatchObject({ code: "workload-entry-missing" });
  });
});
