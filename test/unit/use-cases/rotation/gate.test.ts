import { describe, expect, it } from "vitest";
import { AutopilotError } from "../../../../shared/base/errors.ts";
import { findSidecar } from "../../../../shared/data-plane/ztunnel/index.ts";
import { cutOffServices, retirableRotation, trustingTasks } from "../../../../shared/use-cases/rotation/gate.ts";
import { withCalls } from "../../../support/altered-calls.ts";
import { ACCOUNT, OTHER_ACCOUNT, serviceNamed } from "../../../support/arns.ts";
import { meshed } from "../../../support/enrolled-services.ts";
import { factsWith, fingerprints, meshAfter } from "../../../support/meshes.ts";
import { rollout } from "../../../support/rollouts.ts";
import { config, configOfTwoAccounts, observed } from "../../../support/services.ts";
import { runs, type WatchTestbed, watchTestbed } from "../../../support/testbeds/watch.ts";
import { NOW } from "../../../support/times.ts";

const rotating = meshAfter("a", "ab");
const given = { retiring: fingerprints("a"), remaining: fingerprints("b") };
const retirable = (testbed: WatchTestbed) => retirableRotation(rotating, testbed);

/** The services of the tests are in a region that it does not name. */
const elsewhere = config({
  accounts: [{ role: `arn:aws:iam::${ACCOUNT}:role/istiod`, domain: "ecs.local", regions: ["eu-west-1"] }],
  controlPlanes: [
    {
      name: "main",
      eks: { cluster: "mesh", region: "us-east-1", account: ACCOUNT },
      serves: [{ account: ACCOUNT, regions: ["eu-west-1"] }],
    },
  ],
});

/** What a task definition pins for a token with these roots. */
function tokenOf(roots: string): string {
  const sidecar = findSidecar(meshed(observed({ facts: factsWith(roots) })));
  if (sidecar.kind !== "ours") throw new Error("no sidecar of ours");
  return sidecar.secretValueFrom;
}

describe("the gate of a root rotation", () => {
  it("opens when every task trusts the new root too", async () => {
    const testbed = watchTestbed();
    await runs(testbed, "api", { roots: "ab" });
    await runs(testbed, "shop", { roots: "ab" });
    expect(await retirable(testbed)).toEqual(given);
  });

  it.each([
    ["runs with the old root alone", [{ roots: "a" }]],
    ["still has a task of an earlier deployment", [{ roots: "ab" }, { roots: "a", status: "ACTIVE", running: 1 }]],
    ["is about to start tasks with the old root", [{ roots: "a", running: 0, desired: 1 }]],
    ["pins a token that nobody knows", [{ roots: "c" }]],
  ] as const)("stays shut while a service %s", async (_what, deployments) => {
    const testbed = watchTestbed();
    await runs(testbed, "api", { roots: "ab" });
    await runs(testbed, "shop", ...deployments);
    expect(await retirable(testbed)).toBeUndefined();
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
    const testbed = watchTestbed();
    await runs(testbed, "shop", ...deployments);
    expect(await retirable(testbed)).toEqual(given);
  });

  it("is not held up by services that are gone, that never were in the mesh, or that another control plane serves", async () => {
    const testbed = watchTestbed();
    testbed.fleet.services.delete((await runs(testbed, "gone", { roots: "a" })).serviceArn);
    await testbed.ledger.patchService((await runs(testbed, "out", { roots: "a" })).serviceArn, { enrolled: false });
    await testbed.ledger.putMeshFacts(factsWith("c", { controlPlane: "far" }));
    const { serviceArn: far } = await runs(testbed, "far", { roots: "a" });
    await testbed.ledger.patchService(far, { controlPlane: "far" });
    expect(await retirable(testbed)).toEqual(given);
  });

  it.each([
    [
      "is being enrolled",
      async (testbed: WatchTestbed, arn: string) => {
        await testbed.ledger.takeLease(arn, { executionName: "r", leaseUntil: NOW }, NOW);
      },
    ],
    [
      "may still run after a failed roll",
      async (testbed: WatchTestbed, arn: string) => {
        await testbed.ledger.patchService(arn, { secretsInUse: ["arn"] });
      },
    ],
  ])("counts a service that %s too", async (_what, prepare) => {
    const testbed = watchTestbed();
    const { serviceArn } = await runs(testbed, "new", { roots: "a" });
    await testbed.ledger.patchService(serviceArn, { enrolled: false });
    await prepare(testbed, serviceArn);
    expect(await retirable(testbed)).toBeUndefined();
  });

  it("stays shut while services cannot be read, and says which", async () => {
    const testbed = watchTestbed();
    await runs(testbed, "api", { roots: "ab" });
    const describeServices = async () => {
      throw new AutopilotError("access-denied", "DescribeServices");
    };
    const ecs = () => withCalls(testbed.fleet, { describeServices });
    expect(await retirableRotation(rotating, { ...testbed, ecs })).toBeUndefined();
    expect(testbed.lines).toMatchObject([{ level: "error", extra: { code: "access-denied" } }]);
  });

  it("stays shut when a running revision was deleted, and while a cluster is gone whose service needs it", async () => {
    const testbed = watchTestbed();
    await runs(testbed, "api", { roots: "ab" });
    testbed.fleet.definitions.clear();
    expect(await retirable(testbed)).toBeUndefined();
    const describeServices = async () => {
      throw new AutopilotError("service-not-found", "ClusterNotFoundException");
    };
    const ecs = () => withCalls(testbed.fleet, { describeServices });
    expect(await retirableRotation(rotating, { ...testbed, ecs })).toBeUndefined();
    await testbed.ledger.patchService(serviceNamed("api").serviceArn, { lastGoodSecret: tokenOf("ab") });
    expect(await retirableRotation(rotating, { ...testbed, ecs })).toEqual(given);
  });

  it.each([
    ["is not known", null, undefined],
    ["trusts the old root alone", tokenOf("a"), undefined],
    ["trusts the new one, too", tokenOf("ab"), given],
  ])("with a service of a region that left the configuration, whose token %s, gives %#", async (_, token, expected) => {
    const testbed = watchTestbed({ config: elsewhere });
    const { serviceArn } = await runs(testbed, "left", { roots: "a" });
    await testbed.ledger.patchService(serviceArn, { controlPlane: "main", lastGoodSecret: token });
    expect(await retirable(testbed)).toEqual(expected);
    expect(testbed.calls, "its region is not read").toEqual([]);
  });

  it("counts both tokens while it is not settled which of them runs", async () => {
    const testbed = watchTestbed({ config: elsewhere });
    const { serviceArn } = await runs(testbed, "left", { roots: "ab" });
    const secretsInUse = [tokenOf("a"), tokenOf("ab")];
    await testbed.ledger.patchService(serviceArn, {
      controlPlane: "main",
      lastGoodSecret: tokenOf("ab"),
      secretsInUse,
    });
    expect(await retirable(testbed)).toEqual(given);
    await testbed.ledger.takeLease(serviceArn, { executionName: "r", leaseUntil: NOW }, NOW);
    expect(await retirable(testbed)).toBeUndefined();
  });

  it.each([
    ["its facts are not known", undefined, "a", undefined],
    ["it shares the old root, and a service trusts that alone", "ab", "a", undefined],
    ["it shares the old root, and its services trust the new one, too", "ab", "ab", given],
    ["it shares the old root, and a service trusts another one alone", "abc", "c", given],
    ["it has other roots", "c", "a", given],
  ])("with a control plane that left the configuration: %s", async (_, roots, runsWith, expected) => {
    const testbed = watchTestbed();
    if (roots) for (const root of roots) await testbed.ledger.putMeshFacts(factsWith(root, { controlPlane: "left" }));
    const { serviceArn } = await runs(testbed, "one", { roots: runsWith });
    await testbed.ledger.patchService(serviceArn, { controlPlane: "left" });
    expect(await retirable(testbed)).toEqual(expected);
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
      const testbed = watchTestbed();
      await runs(testbed, "api", { roots: "ab" });
      const one = rollout({ id: "rotate-1", kind: "rotate", target, status: state, ...changes });
      await testbed.ledger.createRollout(one);
      await testbed.ledger.changeFleet((fleet) => ({
        next: {
          ...fleet,
          ...(state === "running" ? { currentRolloutId: one.id } : { queuedRolloutIds: [one.id] }),
        },
      }));
      expect(await retirable(testbed)).toEqual(expected);
      expect(testbed.calls.length > 0).toBe(expected !== undefined);
    },
  );

  it("makes no call while no root is being retired", async () => {
    const testbed = watchTestbed();
    await runs(testbed, "api", { roots: "a" });
    expect(await retirableRotation(meshAfter("a"), testbed)).toBeUndefined();
    expect(testbed.calls).toEqual([]);
  });

  it("reads no further than the first service that needs the old root", async () => {
    const testbed = watchTestbed();
    for (let n = 0; n < 45; n += 1) await runs(testbed, `s${n}`, { roots: n === 12 ? "a" : "ab" });
    expect(await retirable(testbed)).toBeUndefined();
    expect(testbed.calls.filter((call) => call === "describeServices")).toHaveLength(2);
  });
});

describe("the count of those that a bundle cuts off", () => {
  it("has every running task that trusts none of its certificates, in services described by tens", async () => {
    const testbed = watchTestbed();
    for (let n = 0; n < 12; n += 1) await runs(testbed, `old${n}`, { roots: "a", running: 3 });
    await runs(testbed, "both", { roots: "ab" });
    await runs(testbed, "half", { roots: "ab" }, { roots: "a", status: "ACTIVE", running: 1 });
    expect((await cutOffServices(meshAfter("a", "ab", "b"), testbed)).running).toEqual({ services: 13, tasks: 37 });
    expect(testbed.calls.filter((call) => call === "describeServices")).toHaveLength(2);
  });

  it("costs no call while no known bundle is left out", async () => {
    const testbed = watchTestbed();
    await runs(testbed, "api", { roots: "a" });
    expect((await cutOffServices(meshAfter("a", "ab"), testbed)).running).toEqual({ services: 0, tasks: 0 });
    expect(testbed.calls).toEqual([]);
  });

  it("goes on when some cannot be read", async () => {
    const testbed = watchTestbed({ config: configOfTwoAccounts() });
    await runs(testbed, "api", { roots: "a" });
    await testbed.ledger.patchService(serviceNamed("far").serviceArn.replace(ACCOUNT, OTHER_ACCOUNT), {
      enrolled: true,
    });
    const ecs = (place: { readonly account: string }) => {
      if (place.account === OTHER_ACCOUNT) throw new AutopilotError("access-denied", "AssumeRole");
      return testbed.fleet;
    };
    const mesh = meshAfter("a", "b");
    expect((await cutOffServices(mesh, { ...testbed, ecs })).running).toEqual({ services: 1, tasks: 2 });
    expect(await trustingTasks(mesh, { ...testbed, ecs })).toMatchObject({
      complete: false,
      tasks: [{ trust: "unknown", isRemembered: true }, { runningTasks: 2 }],
    });
  });

  it("has a service that can't be read, by the token that it had last", async () => {
    const testbed = watchTestbed();
    const mesh = meshAfter("a", "b");
    for (const [name, token] of [
      ["old", tokenOf("a")],
      ["new", tokenOf("b")],
    ] as const) {
      const { serviceArn } = await runs(testbed, name, { roots: "a" });
      await testbed.ledger.patchService(serviceArn, { lastGoodSecret: token });
    }
    const ecs = () => {
      throw new AutopilotError("access-denied", "AssumeRole");
    };
    const { serviceArn } = serviceNamed("old");
    expect(await cutOffServices(mesh, { ...testbed, ecs })).toEqual({
      services: [serviceArn],
      unreachable: [serviceArn],
      tasks: 0,
      running: { services: 1, tasks: 0 },
      isComplete: false,
    });
  });
});
