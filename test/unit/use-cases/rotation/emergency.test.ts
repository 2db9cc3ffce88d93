import { describe, expect, it } from "vitest";
import { AutopilotError } from "../../../../shared/base/errors.ts";
import { recordAttempt } from "../../../../shared/use-cases/rollout/record-attempt.ts";
import { watchMeshFacts } from "../../../../shared/use-cases/rotation/watch.ts";
import { withCalls } from "../../../support/altered-calls.ts";
import { bundle } from "../../../support/meshes.ts";
import { rollout } from "../../../support/rollouts.ts";
import { runs, type WatchTestbed, watchTestbed } from "../../../support/testbeds/watch.ts";

const emergencyOf = async ({ ledger }: WatchTestbed) => (await ledger.getMesh("main"))?.emergency;
const notices = ({ bus }: WatchTestbed) =>
  bus.events.filter(({ detailType }) => detailType === "Root CA Emergency").map(({ detail }) => detail);
const withRoots = ({ plane }: WatchTestbed, roots: string) => {
  plane.facts = { ...plane.facts, rootCaPem: bundle(roots) };
};

/** A watch that has seen that one service with two tasks is cut off, and one that can't even start its tasks. */
async function cutOff(): Promise<WatchTestbed> {
  const testbed = watchTestbed();
  await watchMeshFacts(testbed);
  await runs(testbed, "api", { roots: "a" });
  await runs(testbed, "down", { roots: "a", running: 0, desired: 2 });
  await runs(testbed, "zero", { roots: "a", running: 0 });
  await runs(testbed, "fine", { roots: "ab" });
  withRoots(testbed, "b");
  await watchMeshFacts(testbed);
  return testbed;
}

/** All services have been given the new root, and the fleet should have it. */
async function rolled(testbed: WatchTestbed): Promise<void> {
  for (const name of ["api", "down", "zero"]) await runs(testbed, name, { roots: "b" });
  await testbed.ledger.changeMesh("main", (mesh) => ({
    next: mesh && { ...mesh, releasedId: mesh.generations.at(-1)?.id },
  }));
}

describe("the watch, while tasks are cut off", () => {
  it("records who is, also services whose tasks can't start, and says nothing more at first", async () => {
    const testbed = await cutOff();
    expect(await emergencyOf(testbed)).toMatchObject({ services: 2, tasks: 2, attempts: 0 });
    expect((await emergencyOf(testbed))?.serviceArns.map((arn) => arn.split("/").at(-1))).toEqual(["api", "down"]);
    expect(notices(testbed)).toEqual([]);
  });

  it("counts again each time, and ends it when nobody is and the fleet should have the new root", async () => {
    const testbed = await cutOff();
    await runs(testbed, "api", { roots: "b" });
    testbed.clock.nowMs += 60_000;
    await watchMeshFacts(testbed);
    expect(await emergencyOf(testbed)).toMatchObject({ services: 1, tasks: 0 });
    await rolled(testbed);
    await watchMeshFacts(testbed);
    expect(await emergencyOf(testbed)).toBeUndefined();
    expect(notices(testbed)).toEqual([]);
  });

  it("says that it goes on once an attempt has ended, and that it is over", async () => {
    const testbed = await cutOff();
    const id = "rotate-1";
    await testbed.ledger.createRollout(
      rollout({ id, emergency: true, status: "completed", finishedAt: new Date(testbed.now()).toISOString() }),
    );
    await recordAttempt("main", { id, isFirst: true }, testbed);
    testbed.clock.nowMs += 60_000;
    for (let run = 0; run < 3; run += 1) await watchMeshFacts(testbed);
    expect(notices(testbed)).toMatchObject([{ state: "goes-on", services: 2, tasks: 2, attempts: 1, rolloutId: id }]);
    await rolled(testbed);
    for (let run = 0; run < 3; run += 1) await watchMeshFacts(testbed);
    expect(notices(testbed)).toMatchObject([{ state: "goes-on" }, { state: "over", services: 0 }]);
  });

  it("does not end it by services that it can't read", async () => {
    const testbed = await cutOff();
    const ecs = () =>
      withCalls(testbed.ecs(), {
        describeServices: () => Promise.reject(new AutopilotError("throttled", "")),
      });
    await watchMeshFacts({ ...testbed, ecs });
    expect(await emergencyOf(testbed)).toMatchObject({ services: 2, tasks: 2 });
  });

  it("goes on counting by the last good facts while the bundle can't be read, and fails nevertheless", async () => {
    const testbed = await cutOff();
    testbed.plane.facts = { ...testbed.plane.facts, rootCaPem: "rubbish" };
    await runs(testbed, "api", { roots: "b" });
    testbed.clock.nowMs += 60_000;
    await expect(watchMeshFacts(testbed)).rejects.toMatchObject({ code: "invalid-pem" });
    expect(await emergencyOf(testbed)).toMatchObject({ services: 1, tasks: 0 });
  });
});
