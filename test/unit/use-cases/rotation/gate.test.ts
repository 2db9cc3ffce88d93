import { describe, expect, it } from "vitest";
import { AutopilotError } from "../../../../shared/base/errors.ts";
import { countCutOff, retirableRotation, trustingTasks } from "../../../../shared/use-cases/rotation/gate.ts";
import { ACCOUNT, OTHER_ACCOUNT } from "../../../support/arns.ts";
import { NOW } from "../../../support/fakes.ts";
import { fingerprints, meshAfter } from "../../../support/meshes.ts";
import { withCalls } from "../../../support/replaced-calls.ts";
import { rollout } from "../../../support/rollouts.ts";
import { named, runs, type WatchWorld, watchWorld } from "../../../support/running-services.ts";
import { configOfTwoAccounts } from "../../../support/services.ts";

const rotating = meshAfter("a", "ab");
const given = { retiring: fingerprints("a"), remaining: fingerprints("b") };
const retirable = (world: WatchWorld) => retirableRotation(rotating, world);

describe("the gate of a root rotation", () => {
  it("opens when every task trusts the new root too", async () => {
    const world = watchWorld();
    await runs(world, "api", { roots: "ab" });
    await runs(world, "shop", { roots: "ab" });
    expect(await retirable(world)).toEqual(given);
  });

  it.each([
    ["runs with the old root alone", [{ roots: "a" }]],
    ["still has a task of an earlier deployment", [{ roots: "ab" }, { roots: "a", status: "ACTIVE", running: 1 }]],
    ["is about to start tasks with the old root", [{ roots: "a", running: 0, desired: 1 }]],
    ["pins a token that nobody knows", [{ roots: "c" }]],
  ] as const)("stays shut while a service %s", async (_what, deployments) => {
    const world = watchWorld();
    await runs(world, "api", { roots: "ab" });
    await runs(world, "shop", ...deployments);
    expect(await retirable(world)).toBeUndefined();
  });

  it.each([
    ["wants no task", [{ roots: "a", running: 0 }]],
    ["has an earlier deployment whose tasks are gone", [{ roots: "ab" }, { roots: "a", status: "ACTIVE", running: 0 }]],
    [
      "has an earlier deployment that starts no tasks any more",
      [{ roots: "ab" }, { roots: "a", status: "ACTIVE", running: 0, desired: 2 }],
    ],
    ["runs without ztunnel", [{ roots: "" }]],
  ] as const)("is not held up by a service that %s", async (_what, deployments) => {
    const world = watchWorld();
    await runs(world, "shop", ...deployments);
    expect(await retirable(world)).toEqual(given);
  });

  it("is not held up by services that are gone, that never were in the mesh, or that another control plane serves", async () => {
    const world = watchWorld();
    world.fleet.services.delete((await runs(world, "gone", { roots: "a" })).serviceArn);
    await world.ledger.patchService((await runs(world, "out", { roots: "a" })).serviceArn, { enrolled: false });
    const far = named("far").serviceArn.replace("us-east-1", "eu-west-1");
    await world.ledger.patchService(far, { enrolled: true });
    expect(await retirable(world)).toEqual(given);
  });

  it.each([
    [
      "is being enrolled",
      async (world: WatchWorld, arn: string) => {
        await world.ledger.takeLease(arn, { executionName: "r", leaseUntil: NOW }, NOW);
      },
    ],
    [
      "may still run after a failed roll",
      async (world: WatchWorld, arn: string) => {
        await world.ledger.patchService(arn, { secretsInUse: ["arn"] });
      },
    ],
  ])("counts a service that %s too", async (_what, prepare) => {
    const world = watchWorld();
    const { serviceArn } = await runs(world, "new", { roots: "a" });
    await world.ledger.patchService(serviceArn, { enrolled: false });
    await prepare(world, serviceArn);
    expect(await retirable(world)).toBeUndefined();
  });

  it("stays shut while services cannot be read, and says which", async () => {
    const world = watchWorld();
    await runs(world, "api", { roots: "ab" });
    const describeServices = async () => {
      throw new AutopilotError("access-denied", "DescribeServices");
    };
    const ecs = () => withCalls(world.fleet, { describeServices });
    expect(await retirableRotation(rotating, { ...world, ecs })).toBeUndefined();
    expect(world.lines).toMatchObject([{ level: "error", extra: { code: "access-denied" } }]);
  });

  it("stays shut when a running revision was deleted, and opens when a cluster was", async () => {
    const world = watchWorld();
    await runs(world, "api", { roots: "ab" });
    world.fleet.definitions.clear();
    expect(await retirable(world)).toBeUndefined();
    const describeServices = async () => {
      throw new AutopilotError("service-not-found", "ClusterNotFoundException");
    };
    const ecs = () => withCalls(world.fleet, { describeServices });
    expect(await retirableRotation(rotating, { ...world, ecs })).toEqual(given);
  });

  it.each([
    ["running", { controlPlane: "main" }, {}, undefined],
    ["waiting", { controlPlane: "main" }, {}, undefined],
    ["running", {}, {}, undefined],
    ["running", { controlPlane: "far" }, {}, given],
    ["running", {}, { kind: "upgrade" }, given],
  ] as const)(
    "with a %s rollout of target %j %j gives %j, without a call to ECS where it is shut",
    async (state, target, changes, expected) => {
      const world = watchWorld();
      await runs(world, "api", { roots: "ab" });
      const one = rollout({ id: "rotate-1", kind: "rotate", target, status: state, ...changes });
      await world.ledger.createRollout(one);
      await world.ledger.changeFleet((fleet) => ({
        next: {
          ...fleet,
          ...(state === "running" ? { currentRolloutId: one.id } : { queuedRolloutIds: [one.id] }),
        },
      }));
      expect(await retirable(world)).toEqual(expected);
      expect(world.calls.length > 0).toBe(expected !== undefined);
    },
  );

  it("asks nobody while no root is on its way out", async () => {
    const world = watchWorld();
    await runs(world, "api", { roots: "a" });
    expect(await retirableRotation(meshAfter("a"), world)).toBeUndefined();
    expect(world.calls).toEqual([]);
  });

  it("reads no further than the first service that needs the old root", async () => {
    const world = watchWorld();
    for (let n = 0; n < 45; n += 1) await runs(world, `s${n}`, { roots: n === 12 ? "a" : "ab" });
    expect(await retirable(world)).toBeUndefined();
    expect(world.calls.filter((call) => call === "describeServices")).toHaveLength(2);
  });
});

describe("the count of those that a bundle cuts off", () => {
  it("has every running task that trusts none of its certificates, in services described by tens", async () => {
    const world = watchWorld();
    for (let n = 0; n < 12; n += 1) await runs(world, `old${n}`, { roots: "a", running: 3 });
    await runs(world, "both", { roots: "ab" });
    await runs(world, "half", { roots: "ab" }, { roots: "a", status: "ACTIVE", running: 1 });
    expect(await countCutOff(meshAfter("a", "ab", "b"), world)).toEqual({ services: 13, tasks: 37 });
    expect(world.calls.filter((call) => call === "describeServices")).toHaveLength(2);
  });

  it("costs no call while no known bundle is left out", async () => {
    const world = watchWorld();
    await runs(world, "api", { roots: "a" });
    expect(await countCutOff(meshAfter("a", "ab"), world)).toEqual({ services: 0, tasks: 0 });
    expect(world.calls).toEqual([]);
  });

  it("goes on when some cannot be read", async () => {
    const world = watchWorld({ config: configOfTwoAccounts() });
    await runs(world, "api", { roots: "a" });
    await world.ledger.patchService(named("far").serviceArn.replace(ACCOUNT, OTHER_ACCOUNT), { enrolled: true });
    const ecs = (place: { readonly account: string }) => {
      if (place.account === OTHER_ACCOUNT) throw new AutopilotError("access-denied", "AssumeRole");
      return world.fleet;
    };
    const mesh = meshAfter("a", "b");
    expect(await countCutOff(mesh, { ...world, ecs })).toEqual({ services: 1, tasks: 2 });
    expect(await trustingTasks(mesh, { ...world, ecs })).toMatchObject({
      complete: false,
      tasks: [{ runningTasks: 2 }],
    });
  });
});
