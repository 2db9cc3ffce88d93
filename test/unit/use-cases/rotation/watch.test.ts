import { describe, expect, it } from "vitest";
import { type LedgerItems, memoryLedger } from "../../../../lab/ledger/ledger-memory.ts";
import { AutopilotError } from "../../../../shared/base/errors.ts";
import { watchMeshFacts } from "../../../../shared/use-cases/rotation/watch.ts";
import { Crash, FakeControlPlane } from "../../../support/fakes.ts";
import { bundle, fingerprints } from "../../../support/meshes.ts";
import { runs, type WatchWorld, watchWorld } from "../../../support/running-services.ts";
import { config, rootPem } from "../../../support/services.ts";

const DAY_MS = 86_400_000;

/** The control plane has these roots from now on. */
function withRoots(world: WatchWorld, roots: string): void {
  withBundle(world.plane, bundle(roots));
}
function withBundle(plane: FakeControlPlane, rootCaPem: string): void {
  plane.facts = { ...plane.facts, rootCaPem };
}
const quiet = { read: 1, changed: 0, expiring: 0, retirable: 0 };

describe("the watch", () => {
  it("stores the facts that it reads first, without notifying a change", async () => {
    const world = watchWorld();
    expect(await watchMeshFacts(world)).toEqual(quiet);
    expect(await world.ledger.getMeshFacts("main")).toEqual(world.plane.facts);
    expect(world.bus.events).toEqual([]);
  });

  it("notifies of a bundle that has changed, by the fingerprints of both, and keeps the facts before", async () => {
    const world = watchWorld();
    await watchMeshFacts(world);
    withRoots(world, "ab");
    await runs(world, "api", { roots: "a" });
    expect(await watchMeshFacts(world)).toEqual({ ...quiet, changed: 1 });
    expect(world.bus.events).toMatchObject([
      {
        detailType: "Root CA Changed",
        detail: { controlPlane: "main", fingerprints: fingerprints("ab"), previousFingerprints: fingerprints("a") },
      },
    ]);
    expect(world.bus.events[0]?.detail).not.toHaveProperty("cutOff");
    const mesh = await world.ledger.getMesh("main");
    expect(mesh?.generations.map(({ facts }) => facts.rootCaPem)).toEqual([bundle("a"), bundle("ab")]);
    expect(mesh?.releasedId).toBe(mesh?.generations[0]?.id);
    expect(await watchMeshFacts(world)).toEqual(quiet);
  });

  it("takes the same certificates in another order and with comments for the same", async () => {
    const world = watchWorld();
    withRoots(world, "ab");
    await watchMeshFacts(world);
    withBundle(world.plane, `# rotated\n${rootPem("b")}\n${rootPem("a")}`);
    expect(await watchMeshFacts(world)).toEqual(quiet);
  });

  it("notifies of a bundle that a roll has stored before it", async () => {
    const world = watchWorld();
    await watchMeshFacts(world);
    withRoots(world, "b");
    await world.ledger.putMeshFacts(world.plane.facts);
    expect(await watchMeshFacts(world)).toMatchObject({ changed: 1 });
  });

  it("notifies of a bundle that rolls have stored before it ever ran", async () => {
    const world = watchWorld();
    await world.ledger.putMeshFacts(world.plane.facts);
    withRoots(world, "b");
    await world.ledger.putMeshFacts(world.plane.facts);
    expect(await watchMeshFacts(world)).toMatchObject({ changed: 1 });
  });

  it("does not notify of a bundle that came and went between two runs", async () => {
    const world = watchWorld();
    await watchMeshFacts(world);
    await world.ledger.putMeshFacts({ ...world.plane.facts, rootCaPem: bundle("ab") });
    expect(await watchMeshFacts(world)).toEqual(quiet);
  });

  it("keeps what was read later than its own answer", async () => {
    const world = watchWorld();
    const readAt = new Date(world.now() + 1).toISOString();
    await world.ledger.putMeshFacts({ ...world.plane.facts, rootCaPem: bundle("b"), readAt });
    await watchMeshFacts(world);
    expect((await world.ledger.getMeshFacts("main"))?.rootCaPem).toBe(bundle("b"));
  });

  it("notifies of a change twice rather than never when it crashes on the way", async () => {
    const world = watchWorld();
    await watchMeshFacts(world);
    withRoots(world, "b");
    const putEvents = async () => {
      throw new Crash();
    };
    await expect(watchMeshFacts({ ...world, bus: { putEvents } })).rejects.toMatchObject({ code: "unexpected-error" });
    expect(await watchMeshFacts(world)).toMatchObject({ changed: 1 });
    expect(world.bus.types()).toEqual(["Root CA Changed"]);
  });

  it("says how many tasks a bundle cuts off, also when it notifies later than the bundle came", async () => {
    const world = watchWorld();
    await watchMeshFacts(world);
    await runs(world, "api", { roots: "a", running: 3 });
    await runs(world, "shop", { roots: "ab" }, { roots: "a", status: "ACTIVE", running: 1 });
    withRoots(world, "b");
    await world.ledger.putMeshFacts({ ...world.plane.facts, rootCaPem: bundle("ab") });
    await watchMeshFacts(world);
    expect(world.bus.events[0]?.detail).toMatchObject({ cutOff: { services: 2, tasks: 4 } });
  });

  it("says so when a bundle cuts off one task alone", async () => {
    const world = watchWorld();
    await watchMeshFacts(world);
    await runs(world, "api", { roots: "a", running: 1 });
    await runs(world, "shop", { roots: "ab", running: 5 });
    withRoots(world, "b");
    await world.ledger.putMeshFacts({ ...world.plane.facts, rootCaPem: bundle("ab") });
    await watchMeshFacts(world);
    expect(world.bus.events).toMatchObject([
      { detailType: "Root CA Changed", detail: { cutOff: { services: 1, tasks: 1 } } },
    ]);
  });

  it("notifies of a change although no task can be counted", async () => {
    const world = watchWorld();
    await watchMeshFacts(world);
    await runs(world, "api", { roots: "a" });
    withRoots(world, "b");
    const ecs = () => {
      throw new AutopilotError("access-denied", "AssumeRole");
    };
    expect(await watchMeshFacts({ ...world, ecs })).toMatchObject({ changed: 1 });
    expect(world.bus.types()).toEqual(["Root CA Changed"]);
    expect(world.lines).toMatchObject([{ level: "error", extra: { code: "access-denied" } }]);
  });
});

describe("a root that can be retired", () => {
  /** The mesh has both roots, and every service but the last one trusts both. */
  async function rotating() {
    const world = watchWorld();
    await watchMeshFacts(world);
    await runs(world, "api", { roots: "ab" });
    await runs(world, "shop", { roots: "a" });
    withRoots(world, "ab");
    await watchMeshFacts(world);
    return world;
  }

  it("is notified once, when the last task trusts the new one too", async () => {
    const world = await rotating();
    expect(await watchMeshFacts(world)).toEqual(quiet);
    await runs(world, "shop", { roots: "ab" });
    expect(await watchMeshFacts(world)).toEqual({ ...quiet, retirable: 1 });
    const calls = world.calls.length;
    expect(await watchMeshFacts(world)).toEqual(quiet);
    expect(world.calls).toHaveLength(calls);
    expect(world.bus.events).toMatchObject([
      { detailType: "Root CA Changed" },
      {
        detailType: "Root CA Retirable",
        detail: { controlPlane: "main", fingerprints: fingerprints("a"), remaining: fingerprints("b") },
      },
    ]);
  });

  it("is notified twice rather than never when the watch crashes on the way", async () => {
    const world = await rotating();
    await runs(world, "shop", { roots: "ab" });
    const putEvents = async () => {
      throw new Crash();
    };
    await expect(watchMeshFacts({ ...world, bus: { putEvents } })).rejects.toMatchObject({ code: "unexpected-error" });
    expect(await watchMeshFacts(world)).toMatchObject({ retirable: 1 });
  });

  it("is notified for the next rotation too", async () => {
    const world = await rotating();
    await runs(world, "shop", { roots: "ab" });
    for (const roots of ["ab", "b", "bc"]) {
      withRoots(world, roots);
      for (const name of ["api", "shop"]) await runs(world, name, { roots });
      await watchMeshFacts(world);
    }
    const retirable = world.bus.events.filter(({ detailType }) => detailType === "Root CA Retirable");
    expect(retirable.map(({ detail }) => detail.fingerprints)).toEqual([fingerprints("a"), fingerprints("b")]);
  });
});

describe("a root that ends", () => {
  it("is notified once at each threshold", async () => {
    const world = watchWorld();
    const end = Date.UTC(2036, 10, 18, 3, 33, 10);
    const notified: number[] = [];
    for (const days of [91, 90, 89, 31, 29, 14, 8, 6, 3, 1, 0, -1]) {
      world.clock.nowMs = end - days * DAY_MS;
      const { expiring } = await watchMeshFacts(world);
      if (expiring > 0) notified.push(days);
    }
    expect(notified).toEqual([90, 29, 14, 6, 1]);
    expect(world.bus.events[1]).toMatchObject({
      detailType: "Root CA Expiring",
      detail: {
        controlPlane: "main",
        fingerprint: fingerprints("a")[0],
        notAfter: "2036-11-18T03:33:10.000Z",
        daysLeft: 29,
      },
    });
  });

  it("is notified with the bundle that brings it", async () => {
    const world = watchWorld();
    withRoots(world, "b");
    await watchMeshFacts(world);
    withRoots(world, "ab");
    world.clock.nowMs = Date.UTC(2036, 10, 1);
    expect(await watchMeshFacts(world)).toMatchObject({ changed: 1, expiring: 1 });
    expect(await watchMeshFacts(world)).toMatchObject({ changed: 0, expiring: 0 });
  });
});

describe("a root CA that is none", () => {
  it.each([
    ["is empty", " \n"],
    ["is no PEM", "not a certificate"],
    ["holds no certificate", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"],
    ["is cut", rootPem("a").slice(0, -20)],
    ["is a private key", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"],
    [
      "has a private key beside it",
      `${rootPem("a")}-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n`,
    ],
  ])("because it %s is an error by name, which does not quote it, and the stored facts stay", async (_what, pem) => {
    const world = watchWorld();
    await watchMeshFacts(world);
    const before = await world.ledger.getMeshFacts("main");
    withBundle(world.plane, pem);
    await expect(watchMeshFacts(world)).rejects.toMatchObject({ code: "invalid-pem", retryable: false });
    expect(await world.ledger.getMeshFacts("main")).toEqual(before);
    expect(world.bus.events).toEqual([]);
    expect(world.lines).toEqual([
      { level: "error", message: "control plane not watched", extra: expect.objectContaining({ code: "invalid-pem" }) },
    ]);
    expect(JSON.stringify(world.lines)).not.toContain("c2VjcmV0");
  });

  it("in the ledger is replaced by one that is", async () => {
    const world = watchWorld();
    await world.ledger.putMeshFacts({ ...world.plane.facts, rootCaPem: "nothing" });
    await watchMeshFacts(world);
    expect(await world.ledger.getMeshFacts("main")).toEqual(world.plane.facts);
  });
});

describe("facts of an older shape in the ledger", () => {
  it("are replaced: the watch is what writes them", async () => {
    const items: LedgerItems = new Map([["MESH#main FACTS", { pk: "MESH#main", sk: "FACTS", url: "https://istiod" }]]);
    const world = { ...watchWorld(), ledger: memoryLedger(items) };
    await watchMeshFacts(world);
    expect(await world.ledger.getMeshFacts("main")).toEqual(world.plane.facts);
    expect(world.lines).toEqual([
      expect.objectContaining({ level: "warn", extra: expect.objectContaining({ code: "ledger-item-unreadable" }) }),
    ]);
  });
});

describe("a control plane that fails", () => {
  it("does not keep the others from being read, and is the error in the end", async () => {
    const [first] = config().controlPlanes;
    if (!first) throw new Error("there is no control plane");
    const far = { ...first, name: "far", serves: [{ account: "123456789012", regions: ["eu-west-1"] }] };
    const world = watchWorld({
      config: config({
        accounts: [
          { role: "arn:aws:iam::123456789012:role/istiod", domain: "ecs.local", regions: ["us-east-1", "eu-west-1"] },
        ],
        controlPlanes: [first, far],
      }),
    });
    const plane = new FakeControlPlane(world.now);
    plane.facts = { ...plane.facts, controlPlane: "far" };
    const readMeshFacts = async () => {
      throw new AutopilotError("control-plane-unreachable", "main");
    };
    const controlPlane = (name: string) => (name === "far" ? plane : { readMeshFacts });
    await expect(watchMeshFacts({ ...world, controlPlane })).rejects.toMatchObject({
      code: "control-plane-unreachable",
    });
    expect(await world.ledger.getMeshFacts("far")).toEqual(plane.facts);
    expect(await world.ledger.getMeshFacts("main")).toBeUndefined();
  });
});
