import { beforeAll, describe, expect, it } from "vitest";
import type { MeshFacts, MeshState } from "../../shared/model/mesh.ts";
import type { ServiceState, Signal } from "../../shared/model/service-state.ts";
import type { Ledgers } from "../../shared/ports/ledger.ts";
import { factsIdOf } from "../../shared/trust/generations.ts";
import { ledgerStores, localDynamoDb, type Store, unlessFrozen } from "../support/ledger-stores.ts";

const stores = ledgerStores(localDynamoDb());

// Tests share the stores, so that each test has its own services.
let services = 0;
function newServiceArn(): string {
  services += 1;
  return `arn:aws:ecs:us-east-1:123456789012:service/ecs-demo/service-${services}`;
}

const lease = { executionName: "roll-1", leaseUntil: 10_000 };
const signal: Signal = { deploymentId: "ecs-svc/1", eventName: "SERVICE_DEPLOYMENT_COMPLETED", reason: "completed" };
const blank: Omit<ServiceState, "serviceArn"> = {
  shape: 1,
  enrolled: false,
  attemptNumber: 0,
  consecutiveFailures: 0,
  secretsInUse: [],
  addedTagKeys: [],
};

const facts: MeshFacts = {
  controlPlane: "main",
  istiodUrl: "https://istiod.example.com:15012",
  rootCaPem: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
  network: "eks",
  readAt: "2026-11-21T03:00:00Z",
};

function newMesh(controlPlane: string): MeshState {
  const its = { ...facts, controlPlane };
  const generations = [{ id: factsIdOf(its), facts: its }];
  return { shape: 2, version: 0, changeCount: 0, controlPlane, generations, notified: { expiryDays: {} } };
}

describe.each(stores)("the ledger %s", (_name, open) => {
  let store: Store;
  let ledger: Ledgers;
  beforeAll(() => {
    store = open();
    ledger = store.ledger;
  });

  describe("a service's state", () => {
    it("is undefined before the first write", async () => {
      expect(await ledger.getService(newServiceArn())).toBeUndefined();
    });

    it("is created by a patch, and has defaults for the other members", async () => {
      const serviceArn = newServiceArn();
      const patched = await ledger.patchService(serviceArn, { enrolled: true, lastGoodRevisionArn: "web:1" });
      expect(patched).toEqual({ ...blank, serviceArn, enrolled: true, lastGoodRevisionArn: "web:1" });
      expect(await ledger.getService(serviceArn)).toEqual(patched);
    });

    it("is created by an empty patch", async () => {
      const serviceArn = newServiceArn();
      expect(await ledger.patchService(serviceArn, {})).toEqual({ ...blank, serviceArn });
      expect(await ledger.getService(serviceArn)).toEqual({ ...blank, serviceArn });
    });

    it("loses the members that a patch sets to null, and keeps those that it doesn't name", async () => {
      const serviceArn = newServiceArn();
      await ledger.patchService(serviceArn, { notBefore: 7, notifiedRefusals: "host network", consecutiveFailures: 2 });
      expect(await ledger.patchService(serviceArn, { notBefore: null, consecutiveFailures: null })).toEqual({
        ...blank,
        serviceArn,
        notifiedRefusals: "host network",
      });
    });

    it("can be patched while a roll holds the lease", async () => {
      const serviceArn = newServiceArn();
      await ledger.takeLease(serviceArn, lease, 0);
      const patched = await ledger.patchService(serviceArn, { lastGoodRevisionArn: "web:2" });
      expect(patched).toMatchObject({ lastGoodRevisionArn: "web:2", roll: lease });
    });

    it("keeps nested members and lists", async () => {
      const serviceArn = newServiceArn();
      const lastOutcome = {
        outcome: "reverted",
        reason: "ztunnel-unhealthy",
        executionName: "roll-1",
        at: "2026-11-21T03:00:00Z",
      } as const;
      const registered = { contentHash: "ab", taskDefinitionArn: "web:3" };
      await ledger.patchService(serviceArn, { lastOutcome, registered, secretsInUse: ["s:::v1", "s:::v2"] });
      expect(await ledger.getService(serviceArn)).toMatchObject({
        lastOutcome,
        registered,
        secretsInUse: ["s:::v1", "s:::v2"],
      });
    });

    it("doesn't change with the returned object", async () => {
      const serviceArn = newServiceArn();
      const state = await ledger.patchService(serviceArn, { secretsInUse: ["s:::v1"] });
      unlessFrozen(() => state.secretsInUse.push("s:::v2"));
      expect((await ledger.getService(serviceArn))?.secretsInUse).toEqual(["s:::v1"]);
    });
  });

  describe("the lease", () => {
    it("is taken by the first roll that asks, even if the service has no item", async () => {
      const serviceArn = newServiceArn();
      expect(await ledger.takeLease(serviceArn, lease, 0)).toEqual({ ...blank, serviceArn, roll: lease });
    });

    it("is refused while another roll holds it", async () => {
      const serviceArn = newServiceArn();
      await ledger.takeLease(serviceArn, lease, 0);
      expect(
        await ledger.takeLease(serviceArn, { executionName: "roll-2", leaseUntil: 20_000 }, 9_999),
      ).toBeUndefined();
      expect((await ledger.getService(serviceArn))?.roll).toEqual(lease);
    });

    it("is taken by another roll once it has expired, without the old roll's progress", async () => {
      const serviceArn = newServiceArn();
      await ledger.takeLease(serviceArn, lease, 0);
      await ledger.updateRoll(serviceArn, "roll-1", { taskToken: "token-1" });
      const taken = await ledger.takeLease(serviceArn, { executionName: "roll-2", leaseUntil: 20_000 }, 10_000);
      expect(taken?.roll).toEqual({ executionName: "roll-2", leaseUntil: 20_000 });
    });

    it("can be taken again by the roll that holds it, with the roll's progress", async () => {
      const serviceArn = newServiceArn();
      await ledger.takeLease(serviceArn, lease, 0);
      await ledger.updateRoll(serviceArn, "roll-1", { applyStartedAt: "2026-11-21T03:00:00Z" });
      for (const nowMs of [5_000, 99_000]) {
        const taken = await ledger.takeLease(serviceArn, { ...lease, leaseUntil: nowMs + 1_000 }, nowMs);
        expect(taken?.roll).toEqual({
          executionName: "roll-1",
          leaseUntil: nowMs + 1_000,
          applyStartedAt: "2026-11-21T03:00:00Z",
        });
      }
    });

    it("is not taken by the roll whose end was recorded last, and by another one", async () => {
      const serviceArn = newServiceArn();
      await ledger.takeLease(serviceArn, lease, 0);
      const lastOutcome = {
        outcome: "succeeded",
        reason: "",
        executionName: "roll-1",
        at: "2026-11-21T03:00:00Z",
      } as const;
      await ledger.finishRoll(serviceArn, "roll-1", { lastOutcome });
      expect(await ledger.takeLease(serviceArn, lease, 0)).toBeUndefined();
      expect((await ledger.getService(serviceArn))?.roll).toBeUndefined();
      expect((await ledger.takeLease(serviceArn, { ...lease, executionName: "roll-2" }, 0))?.roll).toBeDefined();
    });

    it("is taken by exactly one of many rolls that ask at the same time", async () => {
      const serviceArn = newServiceArn();
      const asked = Array.from({ length: 8 }, (_, index) =>
        ledger.takeLease(serviceArn, { executionName: `roll-${index}`, leaseUntil: 10_000 }, 0),
      );
      const taken = (await Promise.all(asked)).filter((state) => state !== undefined);
      expect(taken).toHaveLength(1);
    });
  });

  describe("a roll", () => {
    it("is changed, together with its service, by the execution that holds the lease", async () => {
      const serviceArn = newServiceArn();
      await ledger.takeLease(serviceArn, lease, 0);
      const updated = await ledger.updateRoll(
        serviceArn,
        "roll-1",
        { deploymentId: "ecs-svc/1", targetRevisionArn: "web:4" },
        { addedTagKeys: ["ecs.solo.io/ports"] },
      );
      expect(updated).toEqual({
        ...blank,
        serviceArn,
        addedTagKeys: ["ecs.solo.io/ports"],
        roll: { ...lease, deploymentId: "ecs-svc/1", targetRevisionArn: "web:4" },
      });
    });

    it("loses the members that are set to null", async () => {
      const serviceArn = newServiceArn();
      await ledger.takeLease(serviceArn, lease, 0);
      await ledger.updateRoll(serviceArn, "roll-1", { taskToken: "token-1", deploymentId: "ecs-svc/1" });
      const updated = await ledger.updateRoll(serviceArn, "roll-1", { taskToken: null });
      expect(updated?.roll).toEqual({ ...lease, deploymentId: "ecs-svc/1" });
    });

    it("is not changed by another execution, or without a roll", async () => {
      const serviceArn = newServiceArn();
      expect(await ledger.updateRoll(serviceArn, "roll-1", { taskToken: "t" })).toBeUndefined();
      expect(await ledger.getService(serviceArn)).toBeUndefined();
      await ledger.takeLease(serviceArn, lease, 0);
      expect(await ledger.updateRoll(serviceArn, "roll-2", { taskToken: "t" }, { enrolled: true })).toBeUndefined();
      expect(await ledger.getService(serviceArn)).toEqual({ ...blank, serviceArn, roll: lease });
    });

    it("is removed at its end, together with the service's change", async () => {
      const serviceArn = newServiceArn();
      await ledger.patchService(serviceArn, { notBefore: 5 });
      await ledger.takeLease(serviceArn, lease, 0);
      const finished = await ledger.finishRoll(serviceArn, "roll-1", {
        enrolled: true,
        attemptNumber: 1,
        notBefore: null,
      });
      expect(finished).toEqual({ ...blank, serviceArn, enrolled: true, attemptNumber: 1 });
      expect(await ledger.finishRoll(serviceArn, "roll-1", { attemptNumber: 2 })).toBeUndefined();
      expect(await ledger.getService(serviceArn)).toEqual(finished);
    });

    it("is not finished by another execution", async () => {
      const serviceArn = newServiceArn();
      await ledger.takeLease(serviceArn, lease, 0);
      expect(await ledger.finishRoll(serviceArn, "roll-2", { enrolled: true })).toBeUndefined();
      expect((await ledger.getService(serviceArn))?.roll).toEqual(lease);
    });
  });

  describe("a signal", () => {
    it("is recorded for the deployment that the roll waits for", async () => {
      const serviceArn = newServiceArn();
      await ledger.takeLease(serviceArn, lease, 0);
      await ledger.updateRoll(serviceArn, "roll-1", { deploymentId: "ecs-svc/1", taskToken: "token-1" });
      const state = await ledger.recordSignal(serviceArn, signal);
      expect(state?.roll).toEqual({ ...lease, deploymentId: "ecs-svc/1", taskToken: "token-1", signal });
      expect(await ledger.getService(serviceArn)).toEqual(state);
    });

    it("is recorded for a roll that doesn't know its deployment yet", async () => {
      const serviceArn = newServiceArn();
      await ledger.takeLease(serviceArn, lease, 0);
      expect((await ledger.recordSignal(serviceArn, signal))?.roll?.signal).toEqual(signal);
    });

    it("of another deployment is not recorded, but the state is returned", async () => {
      const serviceArn = newServiceArn();
      await ledger.takeLease(serviceArn, lease, 0);
      await ledger.updateRoll(serviceArn, "roll-1", { deploymentId: "ecs-svc/2" });
      const state = await ledger.recordSignal(serviceArn, signal);
      expect(state?.roll).toEqual({ ...lease, deploymentId: "ecs-svc/2" });
    });

    it("without a roll is not recorded", async () => {
      const serviceArn = newServiceArn();
      expect(await ledger.recordSignal(serviceArn, signal)).toBeUndefined();
      expect(await ledger.getService(serviceArn)).toBeUndefined();
      await ledger.patchService(serviceArn, { enrolled: true });
      expect(await ledger.recordSignal(serviceArn, signal)).toBeUndefined();
    });
  });

  describe("the memory of a service", () => {
    it("is written once for a service that was created again, and not over the memory of a later one", async () => {
      const serviceArn = newServiceArn();
      await ledger.patchService(serviceArn, { enrolled: true, attemptNumber: 3 });
      const forgotten = await ledger.forgetService(serviceArn, undefined, { enrolled: null, createdAtMs: 1000 });
      expect(forgotten).toMatchObject({ enrolled: false, attemptNumber: 3, createdAtMs: 1000 });
      expect(await ledger.forgetService(serviceArn, undefined, { attemptNumber: 0 })).toBeUndefined();
      expect(await ledger.forgetService(serviceArn, 999, { attemptNumber: 0 })).toBeUndefined();
      await ledger.patchService(serviceArn, { enrolled: true });
      expect(await ledger.forgetService(serviceArn, 1000, { enrolled: null, createdAtMs: 2000 })).toMatchObject({
        enrolled: false,
        createdAtMs: 2000,
        attemptNumber: 3,
      });
    });
  });

  describe("what a reconcile records", () => {
    it("is written if no roll has begun or ended since it was read", async () => {
      const serviceArn = newServiceArn();
      expect((await ledger.noteService(serviceArn, { enrolled: true }, undefined))?.enrolled).toBe(true);
      const read = await ledger.takeLease(serviceArn, lease, 0);
      const stale = { attemptNumber: 0 };
      expect(await ledger.noteService(serviceArn, { enrolled: false }, stale)).toBeUndefined();
      expect((await ledger.noteService(serviceArn, { givenPorts: "http:80:80" }, read))?.enrolled).toBe(true);
      await ledger.finishRoll(serviceArn, "roll-1", { attemptNumber: 1 });
      for (const before of [stale, read, undefined])
        expect(await ledger.noteService(serviceArn, { enrolled: false }, before)).toBeUndefined();
      const recorded = await ledger.noteService(serviceArn, { enrolled: false }, { attemptNumber: 1 });
      expect(recorded).toMatchObject({ enrolled: false, givenPorts: "http:80:80" });
    });
  });

  describe("a notice", () => {
    const refusal = { member: "notifiedRefusals", text: "host network", by: "a", untilMs: 2000 } as const;

    it("is claimed by one, until the claim expires", async () => {
      const serviceArn = newServiceArn();
      expect(await ledger.claimNotice(serviceArn, refusal, 1000)).toBe(true);
      expect(await ledger.claimNotice(serviceArn, { ...refusal, by: "b" }, 1999)).toBe(false);
      expect(await ledger.claimNotice(serviceArn, refusal, 1999), "by the same one").toBe(true);
      expect(await ledger.claimNotice(serviceArn, { ...refusal, by: "b", untilMs: 3000 }, 2000)).toBe(true);
      expect(await ledger.claimNotice(serviceArn, refusal, 2000)).toBe(false);
    });

    it("that nobody claims is not claimed twice", async () => {
      const serviceArn = newServiceArn();
      const { by: _, ...nobodys } = refusal;
      expect(await ledger.claimNotice(serviceArn, nobodys, 1000)).toBe(true);
      expect(await ledger.claimNotice(serviceArn, nobodys, 1000)).toBe(false);
      expect(await ledger.claimNotice(serviceArn, refusal, 1000)).toBe(false);
    });

    it("of another text, or for another member, is another one", async () => {
      const serviceArn = newServiceArn();
      await ledger.claimNotice(serviceArn, refusal, 1000);
      expect(await ledger.claimNotice(serviceArn, { ...refusal, text: "no role", by: "b" }, 1000)).toBe(true);
      await ledger.claimNotice(serviceArn, refusal, 1000);
      const warning = { ...refusal, member: "notifiedWarnings", by: "b" } as const;
      expect(await ledger.claimNotice(serviceArn, warning, 1000)).toBe(true);
    });

    it("that was given is claimed by nobody, until its record is removed", async () => {
      const serviceArn = newServiceArn();
      await ledger.claimNotice(serviceArn, refusal, 1000);
      expect(await ledger.recordNotice(serviceArn, refusal, { orphaned: null })).toBe(true);
      const state = await ledger.getService(serviceArn);
      expect([state?.notifiedRefusals, state?.refusalsNotice]).toEqual([refusal.text, undefined]);
      expect(await ledger.claimNotice(serviceArn, refusal, 1000)).toBe(false);
      await ledger.patchService(serviceArn, { notifiedRefusals: null });
      expect(await ledger.claimNotice(serviceArn, { ...refusal, by: "b" }, 1000)).toBe(true);
    });
  });

  describe("what a notice overtakes", () => {
    const first = {
      member: "notifiedRefusals",
      text: "host network",
      untilMs: 2000,
      read: { text: undefined },
    } as const;
    const second = { ...first, text: "no role" };

    it("records nothing over the newer notice of its member", async () => {
      const serviceArn = newServiceArn();
      await ledger.claimNotice(serviceArn, first, 1000);
      await ledger.claimNotice(serviceArn, second, 1000);
      expect(await ledger.recordNotice(serviceArn, first)).toBe(false);
      expect(await ledger.recordNotice(serviceArn, second)).toBe(true);
      expect(await ledger.recordNotice(serviceArn, first)).toBe(false);
      expect((await ledger.getService(serviceArn))?.notifiedRefusals).toBe(second.text);
    });

    it("leaves notices of other members alone", async () => {
      const serviceArn = newServiceArn();
      const warning = { ...first, member: "notifiedWarnings" } as const;
      await ledger.claimNotice(serviceArn, first, 1000);
      await ledger.claimNotice(serviceArn, warning, 1000);
      expect(await ledger.recordNotice(serviceArn, first)).toBe(true);
      expect(await ledger.recordNotice(serviceArn, warning)).toBe(true);
    });

    it("is not claimed by somebody who has read the member before it was recorded", async () => {
      const serviceArn = newServiceArn();
      await ledger.claimNotice(serviceArn, first, 1000);
      await ledger.recordNotice(serviceArn, first);
      expect(await ledger.claimNotice(serviceArn, second, 1000)).toBe(false);
      expect(await ledger.claimNotice(serviceArn, { ...second, read: { text: first.text } }, 1000)).toBe(true);
      const { read: _, ...whenever } = second;
      expect(await ledger.claimNotice(serviceArn, { ...whenever, text: "no image" }, 1000)).toBe(true);
    });
  });

  describe("a correction", () => {
    it("is reported by one, and again when it is made again later; another one at once", async () => {
      const serviceArn = newServiceArn();
      const repair = { text: "discovery", untilMs: 2000 };
      const claims = [1, 2, 3].map(() => ledger.claimRepair(serviceArn, repair, 1000));
      expect((await Promise.all(claims)).filter(Boolean)).toHaveLength(1);
      expect(await ledger.claimRepair(serviceArn, { text: "task-tags", untilMs: 2000 }, 1000)).toBe(true);
      expect(await ledger.claimRepair(serviceArn, { text: "task-tags", untilMs: 3000 }, 1999)).toBe(false);
      expect(await ledger.claimRepair(serviceArn, { text: "task-tags", untilMs: 3000 }, 2000)).toBe(true);
    });
  });

  describe("the count of stops", () => {
    it("is written from what was read, and from nothing else", async () => {
      const serviceArn = newServiceArn();
      const one = { revisionArn: "r", count: 1, sinceMs: 5, lastMs: 5, code: "c", sentence: "s", taskIds: ["a"] };
      expect(await ledger.countStops(serviceArn, undefined, one)).toBe(true);
      expect(await ledger.countStops(serviceArn, undefined, { ...one, count: 2 })).toBe(false);
      const two = { ...one, count: 2, lastMs: 6, taskIds: ["a", "b"] };
      expect(await ledger.countStops(serviceArn, one, two)).toBe(true);
      expect(await ledger.countStops(serviceArn, one, { ...two, count: 3 })).toBe(false);
      expect((await ledger.getService(serviceArn))?.stops).toEqual(two);
    });
  });

  describe("the attempt number", () => {
    it("is raised from its current value, even without an item", async () => {
      const serviceArn = newServiceArn();
      expect(await ledger.raiseAttempt(serviceArn, 0)).toBe(true);
      expect(await ledger.raiseAttempt(serviceArn, 1)).toBe(true);
      expect((await ledger.getService(serviceArn))?.attemptNumber).toBe(2);
    });

    it("is not raised from another value", async () => {
      const serviceArn = newServiceArn();
      expect(await ledger.raiseAttempt(serviceArn, 1)).toBe(false);
      expect(await ledger.getService(serviceArn)).toBeUndefined();
      await ledger.raiseAttempt(serviceArn, 0);
      expect(await ledger.raiseAttempt(serviceArn, 0)).toBe(false);
      expect((await ledger.getService(serviceArn))?.attemptNumber).toBe(1);
    });
  });

  describe("the list of services", () => {
    it("has every service on all pages, and nothing else", async () => {
      // DynamoDB's pages end at 1 MB. These items need two pages.
      const long = Array.from({ length: 1_000 }, (_, index) => `${"s".repeat(100)}:::${index}`);
      const written = Array.from({ length: 12 }, newServiceArn);
      for (const serviceArn of written) await ledger.patchService(serviceArn, { secretsInUse: long });
      await ledger.putMeshFacts({ ...facts, controlPlane: "listed" });
      const listed: string[] = [];
      for await (const state of ledger.listServices()) listed.push(state.serviceArn);
      expect(listed).toEqual(expect.arrayContaining(written));
      expect(new Set(listed).size).toBe(listed.length);
    });
  });

  describe("mesh facts", () => {
    it("are undefined before the first write", async () => {
      expect(await ledger.getMeshFacts("nobody")).toBeUndefined();
      expect(await ledger.getMesh("nobody")).toBeUndefined();
    });

    it("are the latest ones that were put", async () => {
      await ledger.putMeshFacts({ ...facts, istiodVersion: "1.28.0" });
      await ledger.putMeshFacts(facts);
      expect(await ledger.getMeshFacts("main")).toEqual(facts);
      await ledger.putMeshFacts({ ...facts, network: "eks-2" });
      expect(await ledger.getMeshFacts("main")).toEqual({ ...facts, network: "eks-2" });
    });

    it("are kept as generations, the newest last", async () => {
      const controlPlane = "generations";
      const [first, second] = [
        { ...facts, controlPlane },
        { ...facts, controlPlane, network: "eks-2" },
      ];
      for (const put of [first, first, second]) await ledger.putMeshFacts(put);
      expect(await ledger.getMesh(controlPlane)).toEqual({
        shape: 2,
        version: 3,
        changeCount: 1,
        controlPlane,
        generations: [
          { id: factsIdOf(first), facts: first },
          { id: factsIdOf(second), facts: second },
        ],
        notified: { expiryDays: {} },
      });
    });

    it("are changed by a function of their current value; the stored value and its result are returned", async () => {
      const controlPlane = "changed";
      const made = await ledger.changeMesh(controlPlane, (mesh) => ({
        next: mesh ?? newMesh(controlPlane),
        result: mesh === undefined,
      }));
      expect(made).toEqual({ stored: { ...newMesh(controlPlane), version: 1 }, result: true });
      const changed = await ledger.changeMesh(controlPlane, (mesh) => ({
        next: mesh && { ...mesh, releasedId: "a" },
        result: mesh === undefined,
      }));
      expect(changed).toEqual({ stored: { ...newMesh(controlPlane), version: 2, releasedId: "a" }, result: false });
      expect(await ledger.getMesh(controlPlane)).toEqual(changed.stored);
    });

    it("are not written when the function returns undefined", async () => {
      const controlPlane = "unchanged";
      expect(await ledger.changeMesh(controlPlane, () => ({ result: "none" }))).toEqual({ result: "none" });
      expect(await ledger.getMesh(controlPlane)).toBeUndefined();
      await ledger.putMeshFacts({ ...facts, controlPlane });
      const before = await ledger.getMesh(controlPlane);
      const mutate = (mesh: MeshState | undefined) => {
        unlessFrozen(() => mesh?.generations.pop());
        return { result: mesh?.version };
      };
      expect(await ledger.changeMesh(controlPlane, mutate)).toEqual({ stored: before, result: before?.version });
      expect(await ledger.getMesh(controlPlane)).toEqual(before);
    });

    it("get all of several concurrent changes", async () => {
      const controlPlane = "busy";
      await ledger.putMeshFacts({ ...facts, controlPlane });
      const recordNotified = (fingerprint: string) =>
        ledger.changeMesh(controlPlane, (mesh) => {
          if (!mesh) return {};
          return { next: { ...mesh, notified: { expiryDays: { ...mesh.notified.expiryDays, [fingerprint]: 7 } } } };
        });
      await Promise.all(["a", "b", "c", "d"].map(recordNotified));
      expect((await ledger.getMesh(controlPlane))?.notified.expiryDays).toEqual({ a: 7, b: 7, c: 7, d: 7 });
    });

    it.each([
      ["another shape", { controlPlane: "old", url: "https://istiod" }],
      ["the first shape", { ...facts, controlPlane: "old" }],
    ])("of %s are refused with the item's key, until they are put again", async (_what, item) => {
      const unreadable = {
        code: "ledger-item-unreadable",
        detail: expect.stringContaining("MESH#old / FACTS"),
      };
      await store.putRaw({ pk: "MESH#old", sk: "FACTS", ...item });
      await expect(ledger.getMeshFacts("old")).rejects.toMatchObject(unreadable);
      await expect(ledger.getMesh("old")).rejects.toMatchObject(unreadable);
      await expect(ledger.changeMesh("old", (mesh) => ({ next: mesh }))).rejects.toMatchObject(unreadable);
      await ledger.putMeshFacts({ ...facts, controlPlane: "old" });
      expect(await ledger.getMesh("old")).toEqual({ ...newMesh("old"), version: 1 });
    });
  });

  describe("a service that is gone", () => {
    it("leaves the ledger, unless it is there again or a roll has it", async () => {
      const [gone, back, rolling] = [newServiceArn(), newServiceArn(), newServiceArn()];
      await ledger.patchService(gone, { goneSinceMs: 1000 });
      await ledger.patchService(back, { goneSinceMs: 2000 });
      await ledger.patchService(rolling, { goneSinceMs: 1000 });
      await ledger.takeLease(rolling, lease, 0);
      expect(await ledger.dropService(gone, 1000)).toBe(true);
      expect(await ledger.dropService(gone, 1000)).toBe(false);
      expect(await ledger.dropService(back, 1000)).toBe(false);
      expect(await ledger.dropService(rolling, 1000)).toBe(false);
      expect(await ledger.getService(gone)).toBeUndefined();
      expect(await ledger.getService(back)).toBeDefined();
      expect(await ledger.getService(rolling)).toBeDefined();
    });
  });

  describe("an item of a later version", () => {
    const later = { since: 1 };

    it("keeps members that this version doesn't know through every write", async () => {
      const serviceArn = newServiceArn();
      const key = { pk: `SERVICE#${serviceArn}`, sk: "STATE" };
      await store.putRaw({ ...key, shape: 1, serviceArn, later, roll: { ...lease, later } });
      await ledger.patchService(serviceArn, { enrolled: true });
      await ledger.updateRoll(serviceArn, lease.executionName, { taskToken: "token" });
      await ledger.recordSignal(serviceArn, signal);
      expect(await store.getRaw(key)).toMatchObject({ enrolled: true, later, roll: { later, signal } });
      await ledger.finishRoll(serviceArn, lease.executionName, { attemptNumber: 1 });
      expect(await store.getRaw(key)).toMatchObject({ attemptNumber: 1, later });
    });

    it("keeps them where the whole item is written again", async () => {
      const { version: _, ...mesh } = newMesh("later");
      const generations = mesh.generations.map((one) => ({ ...one, later, facts: { ...one.facts, later } }));
      const key = { pk: "MESH#later", sk: "FACTS" };
      await store.putRaw({ ...key, ...mesh, version: 3, later, generations });
      await ledger.putMeshFacts({ ...facts, controlPlane: "later", istiodVersion: "1.29.0" });
      expect(await store.getRaw(key)).toMatchObject({
        version: 4,
        later,
        generations: [{ later, facts: { later, istiodVersion: "1.29.0" } }],
      });
    });
  });

  // These tests are the last ones, because an unreadable item makes every later list fail.
  describe("an item of another shape", () => {
    it("is refused with its key by every call that reads it", async () => {
      const serviceArn = newServiceArn();
      await store.putRaw({ pk: `SERVICE#${serviceArn}`, sk: "STATE", shape: 0, serviceArn, enrolled: "yes" });
      const unreadable = {
        code: "ledger-item-unreadable",
        detail: expect.stringContaining(`SERVICE#${serviceArn} / STATE`),
      };
      await expect(ledger.getService(serviceArn)).rejects.toMatchObject(unreadable);
      await expect(ledger.patchService(serviceArn, {})).rejects.toMatchObject(unreadable);
      await expect(ledger.takeLease(serviceArn, lease, 0)).rejects.toMatchObject(unreadable);
      await expect(drain(ledger.listServices())).rejects.toMatchObject(unreadable);
    });

    it("is left out of a list whose caller takes it", async () => {
      const serviceArn = newServiceArn();
      await ledger.patchService(serviceArn, {});
      const item = { pk: `SERVICE#${serviceArn}x`, sk: "STATE" };
      await store.putRaw({ ...item, shape: 0, serviceArn });
      const unreadable: object[] = [];
      const listed = await Array.fromAsync(ledger.listServices((one) => unreadable.push(one)));
      expect(listed.map((state) => state.serviceArn)).toContain(serviceArn);
      expect(unreadable).toContainEqual({ ...item, why: expect.stringContaining("shape") });
    });

    it("is never written", async () => {
      const serviceArn = newServiceArn();
      await ledger.takeLease(serviceArn, lease, 0);
      const before = await ledger.getService(serviceArn);
      const refused = { code: "ledger-item-unreadable", detail: expect.stringContaining(serviceArn) };
      await expect(ledger.patchService(serviceArn, { attemptNumber: -1 })).rejects.toMatchObject(refused);
      const update = ledger.updateRoll(serviceArn, lease.executionName, { leaseUntil: 0.5 }, { enrolled: true });
      await expect(update).rejects.toMatchObject(refused);
      await expect(ledger.recordSignal(serviceArn, { ...signal, deploymentId: "" })).rejects.toMatchObject(refused);
      expect(await ledger.getService(serviceArn)).toEqual(before);
    });

    it("with a time to live is read like one without", async () => {
      const serviceArn = newServiceArn();
      await store.putRaw({ pk: `SERVICE#${serviceArn}`, sk: "STATE", shape: 1, serviceArn, expiresAt: 1_800_000_000 });
      expect(await ledger.getService(serviceArn)).toEqual({ ...blank, serviceArn });
    });
  });
});

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}
