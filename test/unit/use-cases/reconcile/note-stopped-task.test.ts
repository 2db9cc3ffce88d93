import { describe, expect, it } from "vitest";
import { noteStoppedTask } from "../../../../shared/use-cases/reconcile/note-stopped-task.ts";
import { remindStranded } from "../../../../shared/use-cases/reconcile/remind-stranded.ts";
import { crashing } from "../../../support/altered-calls.ts";
import { OBSERVED, revisionArn, web } from "../../../support/arns.ts";
import { deployment } from "../../../support/deployments.ts";
import { service } from "../../../support/services.ts";
import { type RollTestbed, rollTestbed } from "../../../support/testbeds/roll.ts";

type Event = Parameters<typeof noteStoppedTask>[0];
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const died = (id: string, given: Partial<Event> = {}): Event => ({
  kind: "task-stopped",
  serviceArn: web.serviceArn,
  taskArn: `arn:aws:ecs:us-east-1:123456789012:task/prod/${id}`,
  taskDefinitionArn: OBSERVED,
  stopCode: "EssentialContainerExited",
  stoppedReason: "Essential container in task exited",
  containers: [
    { name: "web", lastStatus: "STOPPED", exitCode: 143 },
    { name: "ztunnel", lastStatus: "STOPPED", exitCode: 1 },
  ],
  ...given,
});

async function atRest(): Promise<RollTestbed> {
  const testbed = rollTestbed();
  await testbed.ledger.patchService(web.serviceArn, { enrolled: true });
  return testbed;
}
const stopsOf = async ({ ledger }: RollTestbed) => (await ledger.getService(web.serviceArn))?.stops;

describe("tasks of a service in the mesh that die while no roll is under way", () => {
  it("are counted, and notified once with the cause when the limit is reached", async () => {
    const testbed = await atRest();
    for (const id of ["a", "b", "c", "d", "e"]) {
      await noteStoppedTask(died(id), testbed);
      testbed.clock.nowMs += MINUTE;
    }
    expect(await stopsOf(testbed)).toMatchObject({ revisionArn: OBSERVED, count: 5, code: "ztunnel-unhealthy" });
    expect(testbed.bus.events).toMatchObject([
      {
        detailType: "Service Unhealthy",
        detail: { code: "ztunnel-unhealthy", stoppedTasks: 3, sentence: expect.stringContaining("Container ztunnel") },
      },
    ]);
  });

  it("count once each, also when events come twice or at the same time", async () => {
    const testbed = await atRest();
    await Promise.all(["a", "a", "b", "b"].map((id) => noteStoppedTask(died(id), testbed)));
    await noteStoppedTask(died("a"), testbed);
    expect(await stopsOf(testbed)).toMatchObject({ count: 2 });
    expect(testbed.bus.events).toEqual([]);
  });

  it("do not count where ECS scales the service in, however far their containers have come", async () => {
    const testbed = await atRest();
    const scaledIn = {
      stopCode: "ServiceSchedulerInitiated",
      stoppedReason: "Scaling activity initiated by (deployment ecs-svc/1)",
      // The application was still waiting for ztunnel.
      containers: [
        { name: "web", lastStatus: "STOPPED" },
        { name: "ztunnel", lastStatus: "STOPPED", exitCode: 143 },
      ],
    };
    for (const id of ["a", "b", "c"]) await noteStoppedTask(died(id, scaledIn), testbed);
    expect(await stopsOf(testbed)).toBeUndefined();
    expect(testbed.bus.events).toEqual([]);
    const unhealthy = { ...scaledIn, stoppedReason: "Task failed container health checks" };
    await noteStoppedTask(died("d", unhealthy), testbed);
    expect(await stopsOf(testbed)).toMatchObject({ count: 1, code: "ztunnel-unhealthy" });
  });

  it("are notified after a crash between count and event", async () => {
    const testbed = await atRest();
    await noteStoppedTask(died("a"), testbed);
    await noteStoppedTask(died("b"), testbed);
    const fragile = { ...testbed, ledger: crashing({ calls: 2, when: "after" })(testbed.ledger) };
    await noteStoppedTask(died("c"), fragile).catch(() => undefined);
    expect(testbed.bus.events).toEqual([]);
    testbed.clock.nowMs += 2 * MINUTE;
    await noteStoppedTask(died("c"), testbed);
    expect(testbed.bus.events).toHaveLength(1);
  });

  it("begin a new series with another revision, and after an hour", async () => {
    const testbed = await atRest();
    await noteStoppedTask(died("a"), testbed);
    await noteStoppedTask(died("b", { taskDefinitionArn: revisionArn("web", 9) }), testbed);
    expect(await stopsOf(testbed)).toMatchObject({ count: 1 });
    testbed.clock.nowMs += 61 * MINUTE;
    await noteStoppedTask(died("c", { taskDefinitionArn: revisionArn("web", 9) }), testbed);
    expect(await stopsOf(testbed)).toMatchObject({ count: 1 });
  });

  it.each<[string, Partial<Event>]>([
    [
      "scaling",
      { stopCode: "ServiceSchedulerInitiated", stoppedReason: "Scaling activity initiated by x", containers: [] },
    ],
    ["a person", { stopCode: "UserInitiated", stoppedReason: "by me" }],
    ["Spot", { stopCode: "SpotInterruption" }],
  ])("are not those that %s has stopped", async (_what, given) => {
    const testbed = await atRest();
    expect(await noteStoppedTask(died("a", given), testbed)).toBe("ignored");
    expect(await stopsOf(testbed)).toBeUndefined();
  });

  it("are not those of a service that is not enrolled, or has a roll, which judges them itself", async () => {
    const other = rollTestbed();
    expect(await noteStoppedTask(died("a"), other)).toBe("ignored");
    expect(await other.ledger.getService(web.serviceArn)).toBeUndefined();
    const rolling = await atRest();
    await rolling.ledger.takeLease(web.serviceArn, { executionName: "r", leaseUntil: rolling.clock.nowMs + DAY }, 0);
    expect(await noteStoppedTask(died("a"), rolling)).toBe("ignored");
  });
});

describe("a service that could not be reverted and does not run", () => {
  const stuck = service({
    deployments: [deployment({ taskDefinitionArn: OBSERVED, runningCount: 0, failedTasks: 4 })],
  });

  async function stranded() {
    const testbed = await atRest();
    const at = new Date(testbed.clock.nowMs).toISOString();
    const lastOutcome = { outcome: "revert-failed", reason: "no-way-back", executionName: "web-0", at } as const;
    await testbed.ledger.patchService(web.serviceArn, { lastOutcome });
    const remind = async (one = stuck) => remindStranded(one, await testbed.ledger.getService(web.serviceArn), testbed);
    return { testbed, remind };
  }

  it("is notified of once a day until somebody acts", async () => {
    const { testbed, remind } = await stranded();
    await remind();
    expect(testbed.bus.events).toEqual([]);
    testbed.clock.nowMs += DAY;
    await remind();
    await remind();
    expect(testbed.bus.events).toMatchObject([{ detailType: "Service Unhealthy", detail: { code: "no-way-back" } }]);
    testbed.clock.nowMs += DAY;
    await remind();
    expect(testbed.bus.events).toHaveLength(2);
    testbed.clock.nowMs += DAY;
    await remind(service({ deployments: [deployment({ rolloutState: "COMPLETED", runningCount: 2 })] }));
    await testbed.ledger.patchService(web.serviceArn, { lastOutcome: null });
    await remind();
    expect(testbed.bus.events).toHaveLength(2);
  });

  it("is notified of also when a later roll was refused, or failed before it changed anything", async () => {
    const { testbed, remind } = await stranded();
    const at = new Date(testbed.clock.nowMs).toISOString();
    const lastOutcome = { outcome: "refused", reason: "identity-conflict", executionName: "web-1", at } as const;
    await testbed.ledger.patchService(web.serviceArn, { lastOutcome, stranded: { since: at, reason: "no-way-back" } });
    testbed.clock.nowMs += DAY;
    await remind();
    expect(testbed.bus.events).toMatchObject([{ detailType: "Service Unhealthy", detail: { code: "no-way-back" } }]);
  });
});
