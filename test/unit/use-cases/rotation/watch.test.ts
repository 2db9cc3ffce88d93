import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type LedgerItems, memoryLedger } from "../../../../lab/ledger/ledger-memory.ts";
import { AutopilotError } from "../../../../shared/base/errors.ts";
import type { WorkloadEntry } from "../../../../shared/model/workload-entry.ts";
import { parseBundle } from "../../../../shared/trust/bundle.ts";
import { watchMeshFacts } from "../../../../shared/use-cases/rotation/watch.ts";
import { Crash } from "../../../support/altered-calls.ts";
import { serviceNamed } from "../../../support/arns.ts";
import { FakeControlPlane } from "../../../support/fakes/control-plane.ts";
import { bundle, factsWith, fingerprints } from "../../../support/meshes.ts";
import { config, rootPem } from "../../../support/services.ts";
import { runs, type WatchTestbed, watchTestbed } from "../../../support/testbeds/watch.ts";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** The control plane has these roots from now on. */
function withRoots(testbed: WatchTestbed, roots: string): void {
  withBundle(testbed.plane, bundle(roots));
}
function withBundle(plane: FakeControlPlane, rootCaPem: string): void {
  plane.facts = { ...plane.facts, rootCaPem };
}
const quiet = { read: 1, changed: 0, expiring: 0, retirable: 0 };

describe("the watch", () => {
  it("stores the facts that it reads first, without notifying a change", async () => {
    const testbed = watchTestbed();
    expect(await watchMeshFacts(testbed)).toEqual(quiet);
    expect(await testbed.ledger.getMeshFacts("main")).toEqual(testbed.plane.facts);
    expect(testbed.bus.events).toEqual([]);
  });

  it("notifies of a bundle that has changed, by the fingerprints of both, and keeps the facts before", async () => {
    const testbed = watchTestbed();
    await watchMeshFacts(testbed);
    withRoots(testbed, "ab");
    await runs(testbed, "api", { roots: "a" });
    expect(await watchMeshFacts(testbed)).toEqual({ ...quiet, changed: 1 });
    expect(testbed.bus.events).toMatchObject([
      {
        detailType: "Root CA Changed",
        detail: { controlPlane: "main", fingerprints: fingerprints("ab"), previousFingerprints: fingerprints("a") },
      },
    ]);
    expect(testbed.bus.events[0]?.detail).not.toHaveProperty("cutOff");
    const mesh = await testbed.ledger.getMesh("main");
    expect(mesh?.generations.map(({ facts }) => facts.rootCaPem)).toEqual([bundle("a"), parseBundle(bundle("ab")).pem]);
    expect(mesh?.releasedId).toBe(mesh?.generations[0]?.id);
    expect(await watchMeshFacts(testbed)).toEqual(quiet);
  });

  it("takes the same certificates in another order and with comments for the same", async () => {
    const testbed = watchTestbed();
    withRoots(testbed, "ab");
    await watchMeshFacts(testbed);
    withBundle(testbed.plane, `# rotated\n${rootPem("b")}\n${rootPem("a")}`);
    expect(await watchMeshFacts(testbed)).toEqual(quiet);
  });

  it("notifies of a bundle that a roll has stored before it", async () => {
    const testbed = watchTestbed();
    await watchMeshFacts(testbed);
    withRoots(testbed, "b");
    await testbed.ledger.putMeshFacts(testbed.plane.facts);
    expect(await watchMeshFacts(testbed)).toMatchObject({ changed: 1 });
  });

  it("notifies of a bundle that rolls have stored before it ever ran", async () => {
    const testbed = watchTestbed();
    await testbed.ledger.putMeshFacts(testbed.plane.facts);
    withRoots(testbed, "b");
    await testbed.ledger.putMeshFacts(testbed.plane.facts);
    expect(await watchMeshFacts(testbed)).toMatchObject({ changed: 1 });
  });

  it("does not notify of a bundle that came and went between two runs", async () => {
    const testbed = watchTestbed();
    await watchMeshFacts(testbed);
    await testbed.ledger.putMeshFacts({ ...testbed.plane.facts, rootCaPem: bundle("ab") });
    expect(await watchMeshFacts(testbed)).toEqual(quiet);
  });

  it("keeps what was read later than its own answer", async () => {
    const testbed = watchTestbed();
    const readAt = new Date(testbed.now() + 1).toISOString();
    await testbed.ledger.putMeshFacts({ ...testbed.plane.facts, rootCaPem: bundle("b"), readAt });
    await watchMeshFacts(testbed);
    expect((await testbed.ledger.getMeshFacts("main"))?.rootCaPem).toBe(bundle("b"));
  });

  it("notifies of a change twice rather than never when it crashes on the way", async () => {
    const testbed = watchTestbed();
    await watchMeshFacts(testbed);
    withRoots(testbed, "b");
    const putEvents = async () => {
      throw new Crash();
    };
    await expect(watchMeshFacts({ ...testbed, bus: { putEvents } })).rejects.toMatchObject({
      code: "unexpected-error",
    });
    testbed.clock.nowMs += MINUTE_MS;
    expect(await watchMeshFacts(testbed)).toMatchObject({ changed: 1 });
    expect(testbed.bus.types()).toEqual(["Root CA Changed"]);
  });

  it("says how many tasks a bundle cuts off, also when it notifies later than the bundle came", async () => {
    const testbed = watchTestbed();
    await watchMeshFacts(testbed);
    await runs(testbed, "api", { roots: "a", running: 3 });
    await runs(testbed, "shop", { roots: "ab" }, { roots: "a", status: "ACTIVE", running: 1 });
    withRoots(testbed, "b");
    await testbed.ledger.putMeshFacts({ ...testbed.plane.facts, rootCaPem: bundle("ab") });
    await watchMeshFacts(testbed);
    expect(testbed.bus.events[0]?.detail).toMatchObject({ cutOff: { services: 2, tasks: 4 } });
  });

  it("says so when a bundle cuts off one task alone", async () => {
    const testbed = watchTestbed();
    await watchMeshFacts(testbed);
    await runs(testbed, "api", { roots: "a", running: 1 });
    await runs(testbed, "shop", { roots: "ab", running: 5 });
    withRoots(testbed, "b");
    await testbed.ledger.putMeshFacts({ ...testbed.plane.facts, rootCaPem: bundle("ab") });
    await watchMeshFacts(testbed);
    expect(testbed.bus.events).toMatchObject([
      { detailType: "Root CA Changed", detail: { cutOff: { services: 1, tasks: 1 } } },
    ]);
  });

  it("notifies of a change although no task can be counted", async () => {
    const testbed = watchTestbed();
    await watchMeshFacts(testbed);
    await runs(testbed, "api", { roots: "a" });
    withRoots(testbed, "b");
    const ecs = () => {
      throw new AutopilotError("access-denied", "AssumeRole");
    };
    expect(await watchMeshFacts({ ...testbed, ecs })).toMatchObject({ changed: 1 });
    expect(testbed.bus.types()).toEqual(["Root CA Changed"]);
    expect(testbed.lines).toMatchObject([{ level: "error", extra: { code: "access-denied" } }]);
  });
});

describe("a root that can be retired", () => {
  /** The new root has signed for a day, and every service but the last one trusts both. */
  async function rotating() {
    const testbed = watchTestbed();
    await watchMeshFacts(testbed);
    await runs(testbed, "api", { roots: "ab" });
    await runs(testbed, "shop", { roots: "a" });
    withRoots(testbed, "ab");
    testbed.serving.signer = "b";
    await watchMeshFacts(testbed);
    testbed.clock.nowMs += DAY_MS; // the old root's certificates have run out
    return testbed;
  }

  it("is notified once, when the last task trusts the new one too", async () => {
    const testbed = await rotating();
    expect(await watchMeshFacts(testbed)).toEqual(quiet);
    await runs(testbed, "shop", { roots: "ab" });
    expect(await watchMeshFacts(testbed)).toEqual({ ...quiet, retirable: 1 });
    const calls = testbed.calls.length;
    expect(await watchMeshFacts(testbed)).toEqual(quiet);
    expect(testbed.calls).toHaveLength(calls);
    expect(testbed.bus.events).toMatchObject([
      { detailType: "Root CA Changed" },
      {
        detailType: "Root CA Retirable",
        detail: { controlPlane: "main", fingerprints: fingerprints("a"), remaining: fingerprints("b") },
      },
    ]);
  });

  it("is notified twice rather than never when the watch crashes on the way", async () => {
    const testbed = await rotating();
    await runs(testbed, "shop", { roots: "ab" });
    const putEvents = async () => {
      throw new Crash();
    };
    await expect(watchMeshFacts({ ...testbed, bus: { putEvents } })).rejects.toMatchObject({
      code: "unexpected-error",
    });
    testbed.clock.nowMs += MINUTE_MS;
    expect(await watchMeshFacts(testbed)).toMatchObject({ retirable: 1 });
  });

  it("names certificates by subject and dates: what may go, and what stays", async () => {
    const testbed = await rotating();
    await runs(testbed, "shop", { roots: "ab" });
    await watchMeshFacts(testbed);
    const [retirable] = testbed.bus.events.filter(({ detailType }) => detailType === "Root CA Retirable");
    expect(retirable?.detail).toMatchObject({
      retire: [{ subject: "O=cluster.local, CN=root a", notAfter: "2036-11-18T03:33:10.000Z" }],
      keep: [{ subject: "O=cluster.local, CN=root b", notBefore: "2026-11-21T03:33:10.000Z" }],
    });
  });

  it("is notified for the next rotation too", async () => {
    const testbed = await rotating();
    testbed.clock.nowMs += DAY_MS; // root c is valid by then
    await runs(testbed, "shop", { roots: "ab" });
    for (const roots of ["ab", "b", "bc"]) {
      withRoots(testbed, roots);
      testbed.serving.signer = roots.at(-1);
      for (const name of ["api", "shop"]) await runs(testbed, name, { roots });
      await watchMeshFacts(testbed);
      testbed.clock.nowMs += DAY_MS;
      await watchMeshFacts(testbed);
    }
    const retirable = testbed.bus.events.filter(({ detailType }) => detailType === "Root CA Retirable");
    expect(retirable.map(({ detail }) => detail.fingerprints)).toEqual([fingerprints("a"), fingerprints("b")]);
  });
});

describe("the stages of a rotation", () => {
  const HOUR_MS = DAY_MS / 24;

  async function bothTrusted() {
    const testbed = watchTestbed();
    await watchMeshFacts(testbed);
    await runs(testbed, "api", { roots: "a" });
    withRoots(testbed, "ab");
    await watchMeshFacts(testbed);
    await runs(testbed, "api", { roots: "ab" });
    const stage = async () => (await testbed.ledger.getMesh("main"))?.stage?.name;
    const notified = () =>
      testbed.bus.events.flatMap(({ detailType, detail }) =>
        detailType === "Root CA Stage" || detailType === "Root CA Retirable" ? [detail.stage ?? "retirable"] : [],
      );
    const watch = async (hours: number) => {
      testbed.clock.nowMs += hours * HOUR_MS;
      await watchMeshFacts(testbed);
    };
    return { ...testbed, stage, notified, watch };
  }

  it("follow each other: all trust both, the new root signs, the old one's certificates have run out; each is said once", async () => {
    const { serving, stage, notified, watch } = await bothTrusted();
    expect(await stage()).toBe("distributing");
    for (let n = 0; n < 3; n += 1) await watch(10);
    expect(await stage()).toBe("sign-with-new");
    serving.signer = "b";
    for (let n = 0; n < 3; n += 1) await watch(8);
    expect(await stage()).toBe("running-out");
    await watch(8);
    for (let n = 0; n < 3; n += 1) await watch(1);
    expect(notified()).toEqual(["sign-with-new", "running-out", "retirable"]);
  });

  it("begin again when the old root signs again meanwhile", async () => {
    const { serving, stage, notified, watch } = await bothTrusted();
    for (const signer of ["b", "a", "b"]) {
      serving.signer = signer;
      await watch(20);
    }
    expect(await stage()).toBe("running-out");
    await watch(20);
    expect(notified()).not.toContain("retirable");
    await watch(4);
    expect(notified().at(-1)).toBe("retirable");
  });

  it("are unknown where nobody can see who signs, which is never retirable; and said once", async () => {
    const { serving, stage, notified, watch, bus } = await bothTrusted();
    serving.signer = undefined;
    for (let n = 0; n < 5; n += 1) await watch(24);
    expect(await stage()).toBe("unknown");
    expect(notified()).toEqual(["unknown"]);
    expect(bus.events.at(-1)?.detail.why).toContain("https://");
    serving.signer = "c";
    await watch(1);
    expect(await stage(), "a root that the bundle does not have").toBe("unknown");
  });

  describe("where istiod's address can't be reached", () => {
    async function unreachable({ readCaSecret }: { readonly readCaSecret: boolean }) {
      const { serving, ...testbed } = await bothTrusted();
      serving.signer = undefined;
      const controlPlanes = testbed.config.controlPlanes.map((plane) => ({ ...plane, readCaSecret }));
      const granted = { ...testbed, serving, config: { ...testbed.config, controlPlanes } };
      const watch = async (hours: number) => {
        testbed.clock.nowMs += hours * HOUR_MS;
        await watchMeshFacts(granted);
      };
      return { ...granted, watch };
    }

    it("go by the CA secret, if the configuration lets it be read", async () => {
      const { plane, stage, notified, watch } = await unreachable({ readCaSecret: true });
      plane.caChain = [bundle("a")];
      await watch(1);
      expect(await stage()).toBe("sign-with-new");
      plane.caChain = [bundle("b")];
      await watch(1);
      expect(await stage()).toBe("running-out");
      await watch(24);
      expect(notified()).toEqual(["sign-with-new", "running-out", "retirable"]);
    });

    it("read no CA secret unless the configuration lets it be read", async () => {
      const { plane, stage, watch } = await unreachable({ readCaSecret: false });
      plane.caChain = [bundle("b")];
      for (let n = 0; n < 3; n += 1) await watch(24);
      expect(plane.caReads).toBe(0);
      expect(await stage()).toBe("unknown");
    });

    it("are unknown where the CA secret can't be read either, and say why for both", async () => {
      const { bus, stage, watch } = await unreachable({ readCaSecret: true });
      for (let n = 0; n < 3; n += 1) await watch(24);
      expect(await stage()).toBe("unknown");
      expect(bus.events.at(-1)?.detail.why).toMatch(/https:.*Secret cacerts/);
    });

    it("don't ask for the CA secret while istiod answers: what it serves counts", async () => {
      const { plane, serving, stage, watch } = await unreachable({ readCaSecret: true });
      serving.signer = "a";
      plane.caChain = [bundle("b")];
      await watch(24);
      expect(await stage()).toBe("sign-with-new");
      expect(plane.caReads).toBe(0);
    });
  });

  it("are not said again because istiod does not answer for a moment", async () => {
    const { serving, stage, notified, watch } = await bothTrusted();
    serving.signer = "b";
    await watch(1);
    serving.signer = undefined;
    await watch(30);
    expect(await stage()).toBe("running-out");
    serving.signer = "b";
    await watch(1);
    expect(notified()).toEqual(["running-out", "retirable"]);
  });

  it("wait as long as the configuration says that certificates are valid", async () => {
    const { serving, watch, notified, ...testbed } = await bothTrusted();
    const policy = { ...testbed.config.policy, leafLifetimeHours: 1 };
    serving.signer = "b";
    await watch(0);
    testbed.clock.nowMs += HOUR_MS;
    await watchMeshFacts({ ...testbed, serving, config: { ...testbed.config, policy } });
    expect(notified().at(-1)).toBe("retirable");
  });

  it("need every task to trust the root that signs, not another one that came with it", async () => {
    const testbed = watchTestbed();
    testbed.clock.nowMs += DAY_MS; // root c is valid by then
    await watchMeshFacts(testbed);
    withRoots(testbed, "abc");
    testbed.serving.signer = "c";
    await runs(testbed, "api", { roots: "ab" });
    await testbed.ledger.putMeshFacts(factsWith("ab"));
    await testbed.ledger.putMeshFacts(factsWith("abc"));
    for (let n = 0; n < 3; n += 1) {
      testbed.clock.nowMs += DAY_MS;
      await watchMeshFacts(testbed);
    }
    expect((await testbed.ledger.getMesh("main"))?.stage?.name).toBe("distributing");
  });

  it("end with the rotation: nothing of it is remembered", async () => {
    const { watch, ledger, plane, serving } = await bothTrusted();
    serving.signer = "b";
    await watch(1);
    withBundle(plane, bundle("b"));
    await watch(1);
    const mesh = await ledger.getMesh("main");
    expect(mesh).not.toHaveProperty("stage");
    expect(mesh).not.toHaveProperty("signer");
  });
});

describe("the advice about a bundle", () => {
  it.each([
    ["future", "not-valid-yet"],
    ["expired", "expired"],
    ["intermediate", "intermediate"],
    ["leaf", "leaf"],
  ])("with %s beside the root says what it is, and never that the root may go", async (name, problem) => {
    const testbed = watchTestbed();
    testbed.clock.nowMs += 14 * DAY_MS;
    await watchMeshFacts(testbed);
    withBundle(testbed.plane, `${bundle("a")}${fixture(name)}`);
    await runs(testbed, "api", { roots: "a" });
    await watchMeshFacts(testbed);
    const [changed] = testbed.bus.events.filter(({ detailType }) => detailType === "Root CA Changed");
    expect(changed?.detail.certificates).toContainEqual(expect.objectContaining({ problem }));
    await testbed.ledger.patchService(serviceNamed("api").serviceArn, { enrolled: false });
    for (let n = 0; n < 3; n += 1) await watchMeshFacts(testbed);
    expect(testbed.bus.events.map(({ detailType }) => detailType)).not.toContain("Root CA Retirable");
  });

  it("keeps the text around the certificates out of the ledger", async () => {
    const testbed = watchTestbed();
    withBundle(testbed.plane, `${"# a long comment\n".repeat(30_000)}${bundle("a")}`);
    await watchMeshFacts(testbed);
    expect((await testbed.ledger.getMeshFacts("main"))?.rootCaPem).toBe(bundle("a"));
  });
});

const fixture = (name: string) => readFileSync(new URL(`../../../fixtures/trust/${name}.pem`, import.meta.url), "utf8");

describe("a root that ends", () => {
  it("is notified once at each threshold", async () => {
    const testbed = watchTestbed();
    const end = Date.UTC(2036, 10, 18, 3, 33, 10);
    const notified: number[] = [];
    for (const days of [91, 90, 89, 31, 29, 14, 8, 6, 3, 1, 0, -1]) {
      testbed.clock.nowMs = end - days * DAY_MS;
      const { expiring } = await watchMeshFacts(testbed);
      if (expiring > 0) notified.push(days);
    }
    expect(notified).toEqual([90, 29, 14, 6, 1, 0]);
    expect(testbed.bus.events[1]).toMatchObject({
      detailType: "Root CA Expiring",
      detail: {
        controlPlane: "main",
        fingerprint: fingerprints("a")[0],
        notAfter: "2036-11-18T03:33:10.000Z",
        daysLeft: 29,
      },
    });
  });

  const END_OF_A = Date.UTC(2036, 10, 18, 3, 33, 11);

  async function ended(bundleNow: string) {
    const testbed = watchTestbed();
    await watchMeshFacts(testbed);
    await runs(testbed, "api", { roots: "a", running: 3 });
    await runs(testbed, "shop", { roots: "ab", running: 2 });
    withRoots(testbed, bundleNow);
    for (const roots of ["ab", bundleNow]) await testbed.ledger.putMeshFacts(factsWith(roots));
    await watchMeshFacts(testbed);
    testbed.clock.nowMs = END_OF_A;
    await watchMeshFacts(testbed);
    const event = testbed.bus.events.findLast(({ detailType }) => detailType === "Root CA Expiring");
    return { ...testbed, detail: event?.detail };
  }

  it("says when it has ended who trusts nothing else, by the certificate's subject and dates, and what remains", async () => {
    const { detail } = await ended("ab");
    expect(detail).toMatchObject({
      subject: "O=cluster.local, CN=root a",
      notBefore: "2026-11-21T03:33:10.000Z",
      notAfter: "2036-11-18T03:33:10.000Z",
      cutOff: { services: 1, tasks: 3 },
      keep: [{ subject: "O=cluster.local, CN=root b" }],
    });
    expect(detail?.daysLeft).toBe(0);
  });

  it("is an emergency where another root is valid: the rotation that gives it to all is repeated", async () => {
    const { ledger } = await ended("ab");
    expect((await ledger.getMesh("main"))?.emergency).toMatchObject({ services: 1, tasks: 3 });
  });

  it("is none where no other root could be given, and says so: all are cut off", async () => {
    const { ledger, detail } = await ended("a");
    expect(detail).toMatchObject({ cutOff: { services: 1, tasks: 3 }, keep: [] });
    expect((await ledger.getMesh("main"))?.emergency).toBeUndefined();
  });

  it("cuts off nobody before its end", async () => {
    const { bus } = await ended("ab");
    const [first] = bus.events.filter(({ detailType }) => detailType === "Root CA Expiring");
    expect(first?.detail).toHaveProperty("cutOff");
    expect(bus.events.filter(({ detailType }) => detailType === "Root CA Expiring")).toHaveLength(1);
  });

  it("is notified with the bundle that brings it", async () => {
    const testbed = watchTestbed();
    withRoots(testbed, "b");
    await watchMeshFacts(testbed);
    withRoots(testbed, "ab");
    testbed.clock.nowMs = Date.UTC(2036, 10, 1);
    expect(await watchMeshFacts(testbed)).toMatchObject({ changed: 1, expiring: 1 });
    expect(await watchMeshFacts(testbed)).toMatchObject({ changed: 0, expiring: 0 });
  });
});

describe("an invalid root CA", () => {
  it.each([
    ["is empty", " \n"],
    ["is not PEM", "not a certificate"],
    ["holds no certificate", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"],
    ["is cut", rootPem("a").slice(0, -20)],
    ["is a private key", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"],
    [
      "has a private key beside it",
      `${rootPem("a")}-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n`,
    ],
  ])("because it %s is an error by name, which does not quote it, and the stored facts stay", async (_what, pem) => {
    const testbed = watchTestbed();
    await watchMeshFacts(testbed);
    const before = await testbed.ledger.getMeshFacts("main");
    withBundle(testbed.plane, pem);
    await expect(watchMeshFacts(testbed)).rejects.toMatchObject({ code: "invalid-pem", retryable: false });
    expect(await testbed.ledger.getMeshFacts("main")).toEqual(before);
    expect(testbed.bus.events).toEqual([]);
    expect(testbed.lines).toEqual([
      { level: "error", message: "control plane not watched", extra: expect.objectContaining({ code: "invalid-pem" }) },
    ]);
    expect(JSON.stringify(testbed.lines)).not.toContain("c2VjcmV0");
  });

  it("in the ledger is replaced by one that is", async () => {
    const testbed = watchTestbed();
    await testbed.ledger.putMeshFacts({ ...testbed.plane.facts, rootCaPem: "nothing" });
    await watchMeshFacts(testbed);
    expect(await testbed.ledger.getMeshFacts("main")).toEqual(testbed.plane.facts);
  });
});

describe("facts of an older shape in the ledger", () => {
  it("are replaced: the watch is what writes them", async () => {
    const items: LedgerItems = new Map([["MESH#main FACTS", { pk: "MESH#main", sk: "FACTS", url: "https://istiod" }]]);
    const testbed = { ...watchTestbed(), ledger: memoryLedger(items) };
    await watchMeshFacts(testbed);
    expect(await testbed.ledger.getMeshFacts("main")).toEqual(testbed.plane.facts);
    expect(testbed.lines).toEqual([
      expect.objectContaining({ level: "warn", extra: expect.objectContaining({ code: "ledger-item-unreadable" }) }),
    ]);
  });
});

describe("a control plane that fails", () => {
  it("does not keep the others from being read, and is the error in the end", async () => {
    const [first] = config().controlPlanes;
    if (!first) throw new Error("there is no control plane");
    const far = { ...first, name: "far", serves: [{ account: "123456789012", regions: ["eu-west-1"] }] };
    const testbed = watchTestbed({
      config: config({
        accounts: [
          { role: "arn:aws:iam::123456789012:role/istiod", domain: "ecs.local", regions: ["us-east-1", "eu-west-1"] },
        ],
        controlPlanes: [first, far],
      }),
    });
    const plane = new FakeControlPlane(testbed.now);
    plane.facts = { ...plane.facts, controlPlane: "far" };
    const readMeshFacts = async () => {
      throw new AutopilotError("control-plane-unreachable", "main");
    };
    const controlPlane = (name: string) =>
      name === "far" ? plane : { readMeshFacts, readCaChain: readMeshFacts, listWorkloadEntries: readMeshFacts };
    await expect(watchMeshFacts({ ...testbed, controlPlane })).rejects.toMatchObject({
      code: "control-plane-unreachable",
    });
    expect(await testbed.ledger.getMeshFacts("far")).toEqual(plane.facts);
    expect(await testbed.ledger.getMeshFacts("main")).toBeUndefined();
  });
});

describe("a mesh whose entries could not prove tasks", () => {
  const unknownShape = { mark: "HBONE", seen: "shop/x", since: "2026-11-21T03:00:00.000Z", by: "web-0-abc" };

  async function watched(changes: Partial<WorkloadEntry>, verify: "strict" | "name-only" = "strict") {
    const testbed = watchTestbed({ config: config({ policy: { verify } }) });
    await watchMeshFacts(testbed);
    await testbed.ledger.changeMesh("main", (mesh) => (mesh ? { next: { ...mesh, unknownShape } } : {}));
    testbed.plane.entries = testbed.plane.entries.map((one) => ({ ...one, ...changes }));
    await watchMeshFacts(testbed);
    return (await testbed.ledger.getMesh("main"))?.unknownShape;
  }

  it("stays so while no entry has the mark", async () => {
    expect(await watched({ annotations: {} })).toEqual(unknownShape);
  });

  it("is known again with the first entry that has it", async () => {
    expect(await watched({})).toBeUndefined();
  });

  it("is known where the policy no longer needs the mark", async () => {
    expect(await watched({ annotations: {} }, "name-only")).toBeUndefined();
  });
});

describe("other Services that expose istiod", () => {
  const notified = (testbed: ReturnType<typeof watchTestbed>) =>
    testbed.bus.events.flatMap(({ detailType, detail }) =>
      detailType === "Mesh Gateway Ambiguous" ? [detail.others] : [],
    );

  it("are notified once, and again when another one comes", async () => {
    const testbed = watchTestbed();
    await watchMeshFacts(testbed);
    for (const otherGateways of [["a/a"], ["a/a"], ["a/a", "b/b"], ["b/b"]]) {
      testbed.plane.facts = { ...testbed.plane.facts, otherGateways };
      for (let times = 0; times < 2; times++) await watchMeshFacts(testbed);
    }
    expect(notified(testbed)).toEqual([["a/a"], ["a/a", "b/b"]]);
  });

  it("are forgotten when they are gone, and make no new generation of mesh facts", async () => {
    const testbed = watchTestbed();
    testbed.plane.facts = { ...testbed.plane.facts, otherGateways: ["a/a"] };
    await watchMeshFacts(testbed);
    const { otherGateways: _, ...alone } = testbed.plane.facts;
    testbed.plane.facts = alone;
    await watchMeshFacts(testbed);
    const mesh = await testbed.ledger.getMesh("main");
    expect(mesh?.generations).toHaveLength(1);
    expect(mesh?.generations[0]?.facts).not.toHaveProperty("otherGateways");
  });
});
