import { describe, expect, it } from "vitest";
import { AutopilotError } from "../../../shared/errors.ts";
import { type LedgerItems, memoryLedger } from "../../../shared/gateways/ledger-memory.ts";
import { parseBundle } from "../../../shared/trust/bundle.ts";
import { watchMeshFacts } from "../../../shared/trust/watch.ts";
import { config, rootPem } from "../enrollment/world.ts";
import { Crash, FakeControlPlane, rollWorld } from "../roll/fakes.ts";

const fingerprints = (pem: string) => parseBundle(pem).certificates.map(({ fingerprint256 }) => fingerprint256);
const withRoot = (plane: FakeControlPlane, rootCaPem: string) => {
  plane.facts = { ...plane.facts, rootCaPem };
};

describe("the watch", () => {
  it("stores the facts that it reads first, without telling a change", async () => {
    const world = rollWorld();
    expect(await watchMeshFacts(world)).toEqual({ read: 1, changed: 0 });
    expect(await world.ledger.getMeshFacts("main")).toEqual(world.plane.facts);
    expect(world.bus.events).toEqual([]);
  });

  it("tells a bundle that has changed, by the fingerprints of both", async () => {
    const world = rollWorld();
    await watchMeshFacts(world);
    withRoot(world.plane, `${rootPem("a")}${rootPem("b")}`);
    expect(await watchMeshFacts(world)).toEqual({ read: 1, changed: 1 });
    expect(world.bus.events).toEqual([
      expect.objectContaining({
        detailType: "Root CA Changed",
        detail: expect.objectContaining({
          controlPlane: "main",
          fingerprints: fingerprints(`${rootPem("a")}${rootPem("b")}`),
          previousFingerprints: fingerprints(rootPem("a")),
        }),
      }),
    ]);
    expect((await world.ledger.getMeshFacts("main"))?.rootCaPem).toContain(rootPem("b").trim());
  });

  it("takes the same certificates in another order and with comments for the same", async () => {
    const world = rollWorld();
    withRoot(world.plane, `${rootPem("a")}${rootPem("b")}`);
    await watchMeshFacts(world);
    withRoot(world.plane, `# rotated\n${rootPem("b")}\n${rootPem("a")}`);
    expect(await watchMeshFacts(world)).toEqual({ read: 1, changed: 0 });
  });

  it("tells a change again rather than not at all when it crashes on the way", async () => {
    const world = rollWorld();
    await watchMeshFacts(world);
    withRoot(world.plane, rootPem("b"));
    const putEvents = async () => {
      throw new Crash();
    };
    await expect(watchMeshFacts({ ...world, bus: { putEvents } })).rejects.toMatchObject({ code: "unexpected-error" });
    expect(await watchMeshFacts(world)).toEqual({ read: 1, changed: 1 });
    expect(world.bus.types()).toEqual(["Root CA Changed"]);
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
    const world = rollWorld();
    await watchMeshFacts(world);
    const before = await world.ledger.getMeshFacts("main");
    withRoot(world.plane, pem);
    await expect(watchMeshFacts(world)).rejects.toMatchObject({ code: "invalid-pem", retryable: false });
    expect(await world.ledger.getMeshFacts("main")).toEqual(before);
    expect(world.bus.events).toEqual([]);
    expect(world.lines).toEqual([
      { level: "error", message: "control plane not read", extra: expect.objectContaining({ code: "invalid-pem" }) },
    ]);
    expect(JSON.stringify(world.lines)).not.toContain("c2VjcmV0");
  });

  it("in the ledger is replaced by one that is", async () => {
    const world = rollWorld();
    await world.ledger.putMeshFacts({ ...world.plane.facts, rootCaPem: "nothing" });
    await watchMeshFacts(world);
    expect(await world.ledger.getMeshFacts("main")).toEqual(world.plane.facts);
  });
});

describe("facts of an older shape in the ledger", () => {
  it("are replaced: the watch is what writes them", async () => {
    const items: LedgerItems = new Map([["MESH#main FACTS", { pk: "MESH#main", sk: "FACTS", url: "https://istiod" }]]);
    const world = { ...rollWorld(), ledger: memoryLedger(items) };
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
    const world = rollWorld({
      config: config({
        accounts: [
          { role: "arn:aws:iam::123456789012:role/istiod", domain: "ecs.local", regions: ["us-east-1", "eu-west-1"] },
        ],
        controlPlanes: [first, far],
      }),
    });
    const plane = new FakeControlPlane();
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
