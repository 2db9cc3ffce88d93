import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { memoryLedger } from "../../lab/ledger/ledger-memory.ts";
import { dynamoDbLedger } from "../../shared/gateways/ledger/ledger-dynamodb.ts";
import { type FleetState, newFleetState, type Rollout, type RolloutService } from "../../shared/model/rollout.ts";
import type { Ledgers } from "../../shared/ports/ledger.ts";
import { ledgerStores, localDynamoDb, type Store, TABLE, unlessFrozen } from "../support/ledger-stores.ts";
import { rollout as anyRollout, rolloutService } from "../support/rollouts.ts";

const newClients = localDynamoDb();
const EXPIRES_AT = 1_800_000_000;

// Tests share the stores, so that each test has its own rollouts and lanes.
let names = 0;
function newName(): string {
  names += 1;
  return `rotate-${names}`;
}

const rollout = (id: string, more: Partial<Rollout> = {}): Rollout =>
  anyRollout({ id, kind: "rotate", status: "waiting", expiresAt: EXPIRES_AT, ...more });

const service = (rolloutId: string, ordinal: number, more: Partial<RolloutService> = {}): RolloutService =>
  rolloutService(ordinal, { rolloutId, expiresAt: EXPIRES_AT, ...more });

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  return Array.fromAsync(items);
}

describe.each(ledgerStores(newClients))("the ledger of rollouts %s", (_name, open) => {
  let store: Store;
  let ledger: Ledgers;
  beforeAll(() => {
    store = open();
    ledger = store.ledger;
  });

  describe("the fleet", () => {
    it("is new before the first write, and is not written when a change returns undefined", async () => {
      expect(await ledger.getFleet()).toEqual(newFleetState);
      const spoil = (fleet: FleetState) => {
        unlessFrozen(() => fleet.queuedRolloutIds.push("rotate-0"));
        return { result: fleet.version };
      };
      expect(await ledger.changeFleet(spoil)).toEqual({ stored: newFleetState, result: 0 });
      expect(await ledger.getFleet()).toEqual(newFleetState);
    });

    it("is replaced by a change, and its version rises", async () => {
      const image = { image: "example.com/ztunnel:1.28.2", assignedAtMs: 5 };
      const { stored } = await ledger.changeFleet((fleet) => ({
        next: { ...fleet, image, currentRolloutId: "rotate-0" },
      }));
      expect(stored).toEqual({ ...newFleetState, version: 1, image, currentRolloutId: "rotate-0" });
      const { currentRolloutId: _, ...rest } = stored;
      const without = await ledger.changeFleet(() => ({ next: rest }));
      expect(without.stored).toEqual({ ...newFleetState, version: 2, image });
      const blank = await ledger.changeFleet((fleet) => ({ next: { ...fleet, image: undefined } }));
      expect(blank.stored).not.toHaveProperty("image");
      expect(await ledger.getFleet()).toEqual({ ...newFleetState, version: 3 });
    });

    it("gets all of several concurrent changes", async () => {
      const { stored } = await ledger.changeFleet((fleet) => ({ next: { ...fleet, queuedRolloutIds: [] } }));
      const ids = ["rotate-a", "rotate-b", "rotate-c", "rotate-d", "rotate-e"];
      await Promise.all(
        ids.map((id) =>
          ledger.changeFleet((fleet) => ({ next: { ...fleet, queuedRolloutIds: [...fleet.queuedRolloutIds, id] } })),
        ),
      );
      const fleet = await ledger.getFleet();
      expect(fleet.queuedRolloutIds.toSorted()).toEqual(ids);
      expect(fleet.version).toBe(stored.version + ids.length);
    });

    it("returns to each of many changes at once what that change was decided from", async () => {
      const { stored: start } = await ledger.changeFleet((fleet) => ({ next: { ...fleet, queuedRolloutIds: [] } }));
      const ids = ["rotate-a", "rotate-b", "rotate-c", "rotate-d", "rotate-e"];
      const changes = await Promise.all(
        ids.map((id) =>
          ledger.changeFleet((fleet) => ({
            next: { ...fleet, queuedRolloutIds: [...fleet.queuedRolloutIds, id] },
            result: { id, from: fleet.version, behind: fleet.queuedRolloutIds },
          })),
        ),
      );
      for (const { stored, result } of changes) {
        expect(stored.version).toBe(result.from + 1);
        expect(stored.queuedRolloutIds).toEqual([...result.behind, result.id]);
      }
      expect(new Set(changes.map(({ result }) => result.from)).size).toBe(ids.length);
      expect((await ledger.getFleet()).version).toBe(start.version + ids.length);
    });

    it("is not written when the change would make it unreadable", async () => {
      const before = await ledger.getFleet();
      await expect(
        ledger.changeFleet((fleet) => ({ next: { ...fleet, currentRolloutId: "Not An Id" } })),
      ).rejects.toMatchObject({
        code: "ledger-item-unreadable",
        detail: expect.stringContaining("FLEET / STATE: currentRolloutId"),
      });
      expect(await ledger.getFleet()).toEqual(before);
    });

    it("is not changed by a change that throws, and passes on the error", async () => {
      const before = await ledger.getFleet();
      const refuse = () => {
        throw new RangeError("not now");
      };
      await expect(ledger.changeFleet(refuse)).rejects.toThrow("not now");
      expect(await ledger.getFleet()).toEqual(before);
    });

    it("is not listed as a service", async () => {
      await ledger.changeFleet((fleet) => ({ next: { ...fleet, settings: "ab" } }));
      await ledger.reserveStart(newName(), 0, { intervalMs: 1, burst: 1 });
      await ledger.putRolloutServices([service(newName(), 0)]);
      const { serviceArn } = await ledger.patchService("arn:aws:ecs:us-east-1:123456789012:service/c/web", {});
      expect((await all(ledger.listServices())).map((state) => state.serviceArn)).toEqual([serviceArn]);
    });
  });

  describe("a rollout", () => {
    it("is undefined before it is created", async () => {
      const id = newName();
      expect(await ledger.getRollout(id)).toBeUndefined();
      expect(await ledger.changeRollout(id, (known) => ({ next: known, result: "changed" }))).toBeUndefined();
      expect(await ledger.getRollout(id)).toBeUndefined();
    });

    it("is created once, and not changed by a second creation", async () => {
      const id = newName();
      const first = rollout(id, { waves: [{ name: "canary", canary: true, lanes: [], state: "waiting" }] });
      expect(await ledger.createRollout(first)).toBe(true);
      expect(await ledger.createRollout(rollout(id, { why: "again" }))).toBe(false);
      expect(await ledger.getRollout(id)).toEqual(first);
    });

    it("is created by exactly one of many concurrent calls", async () => {
      const id = newName();
      const asked = Array.from({ length: 6 }, (_, index) => ledger.createRollout(rollout(id, { why: `${index}` })));
      expect((await Promise.all(asked)).filter(Boolean)).toHaveLength(1);
    });

    it("is changed, and raises its version", async () => {
      const id = newName();
      await ledger.createRollout(rollout(id));
      const changed = await ledger.changeRollout(id, (known) => ({
        next: { ...known, status: "running", nextWaveIndex: 2 },
        result: known.status,
      }));
      const stored = rollout(id, { version: 1, status: "running", nextWaveIndex: 2 });
      expect(changed).toEqual({ stored, result: "waiting" });
      expect(await ledger.changeRollout(id, () => ({ result: "as it is" }))).toEqual({ stored, result: "as it is" });
      expect(await ledger.changeRollout(id, () => ({}))).toEqual({ stored });
      expect(await ledger.getRollout(id)).toEqual(stored);
    });

    it("gets all of several concurrent changes", async () => {
      const id = newName();
      await ledger.createRollout(rollout(id));
      const fail = (ordinal: number) =>
        ledger.changeRollout(id, (known) => ({
          next: { ...known, failedOrdinals: [...known.failedOrdinals, ordinal] },
        }));
      await Promise.all([0, 1, 2, 3].map(fail));
      const { failedOrdinals: failed = [], version } = (await ledger.getRollout(id)) ?? {};
      expect({ failed: failed.toSorted(), version }).toEqual({ failed: [0, 1, 2, 3], version: 4 });
    });

    it("doesn't change with objects that were passed or returned", async () => {
      const id = newName();
      const created = rollout(id);
      await ledger.createRollout(created);
      created.failedOrdinals.push(1);
      const changed = await ledger.changeRollout(id, (known) => ({ next: known }));
      unlessFrozen(() => changed?.stored.failedOrdinals.push(2));
      const read = await ledger.getRollout(id);
      unlessFrozen(() => read?.failedOrdinals.push(3));
      expect((await ledger.getRollout(id))?.failedOrdinals).toEqual([]);
    });

    it("has its time to live in the table's attribute", async () => {
      const id = newName();
      await ledger.createRollout(rollout(id));
      await ledger.putRolloutServices([service(id, 4)]);
      const items = [
        { pk: `ROLLOUT#${id}`, sk: "META" },
        { pk: `ROLLOUT#${id}`, sk: "SERVICE#000004" },
      ];
      for (const key of items) expect(await store.getRaw(key)).toMatchObject({ expiresAt: EXPIRES_AT });
    });

    it("is listed with the others, without its services", async () => {
      const [a, b] = [rollout(newName()), rollout(newName())];
      for (const one of [a, b]) await ledger.createRollout(one);
      await ledger.putRolloutServices([service(a.id, 0)]);
      const listed = await all(ledger.listRollouts());
      expect(listed).toEqual(expect.arrayContaining([a, b]));
      expect(new Set(listed.map(({ id }) => id)).size).toBe(listed.length);
    });
  });

  describe("a rollout's services", () => {
    it("are empty before the first write", async () => {
      expect(await ledger.getRolloutService(newName(), 0)).toBeUndefined();
      expect(await all(ledger.listRolloutServices(newName()))).toEqual([]);
      await ledger.putRolloutServices([]);
    });

    it("are read one by one, and replaced by another write", async () => {
      const id = newName();
      await ledger.putRolloutServices([service(id, 0, { tryCount: 1, detail: "old" }), service(id, 1)]);
      expect(await ledger.getRolloutService(id, 0)).toEqual(service(id, 0, { tryCount: 1, detail: "old" }));
      await ledger.putRolloutServices([service(id, 0)]);
      expect(await ledger.getRolloutService(id, 0)).toEqual(service(id, 0));
      expect(await ledger.getRolloutService(id, 1)).toEqual(service(id, 1));
      expect(await ledger.getRolloutService(id, 2)).toBeUndefined();
    });

    it("stay as a later try of the first step has written them", async () => {
      const id = newName();
      await ledger.putRolloutServices([service(id, 0, { startTry: 2, detail: "second" })]);
      await ledger.putRolloutServices([0, 1].map((ordinal) => service(id, ordinal, { startTry: 1, detail: "first" })));
      const details = (await all(ledger.listRolloutServices(id))).map(({ detail }) => detail);
      expect(details).toEqual(["second", "first"]);
      await ledger.putRolloutServices([service(id, 1, { startTry: 2, detail: "second" })]);
      expect((await ledger.getRolloutService(id, 1))?.detail).toBe("second");
    });

    it("are written, however many there are, each once", async () => {
      const id = newName();
      const written = Array.from({ length: 120 }, (_, ordinal) => service(id, ordinal));
      await ledger.putRolloutServices(written);
      expect(await all(ledger.listRolloutServices(id))).toEqual(written);
    });

    it("are patched if they are as expected, and else left alone", async () => {
      const id = newName();
      await ledger.putRolloutServices([service(id, 0)]);
      const asRead = { status: "waiting", tryCount: 0, executionName: undefined } as const;
      const taken = { status: "rolling", tryCount: 1, executionName: "a" } as const;
      expect(await ledger.patchRolloutService(id, 0, asRead, taken)).toEqual({ ...service(id, 0), ...taken });
      expect(await ledger.patchRolloutService(id, 0, asRead, { status: "skipped" })).toBeUndefined();
      expect(await ledger.patchRolloutService(id, 0, { executionName: "b" }, { status: "skipped" })).toBeUndefined();
      expect(await ledger.getRolloutService(id, 0)).toEqual({ ...service(id, 0), ...taken });
      expect(await ledger.patchRolloutService(id, 0, taken, { status: "skipped" })).toMatchObject({
        status: "skipped",
      });
      await expect(ledger.patchRolloutService(id, 7, asRead, taken)).rejects.toMatchObject({
        code: "unknown-rollout",
      });
      expect(await ledger.getRolloutService(id, 7)).toBeUndefined();
    });

    it("are listed in the order of their ordinals, all of them or a range", async () => {
      const id = newName();
      const ordinals = Array.from({ length: 333 }, (_, index) => index);
      await ledger.putRolloutServices(ordinals.toReversed().map((ordinal) => service(id, ordinal)));
      await ledger.putRolloutServices([service(`${id}-other`, 7)]);
      const listed = async (...range: Parameters<Ledgers["listRolloutServices"]>) =>
        (await all(ledger.listRolloutServices(...range))).map(({ ordinal }) => ordinal);
      expect(await listed(id)).toEqual(ordinals);
      expect(await listed(id, { first: 9, last: 101 })).toEqual(ordinals.slice(9, 102));
      expect(await listed(id, { first: 330, last: 2_000_000 })).toEqual([330, 331, 332]);
      expect(await listed(id, { first: 7, last: 7 })).toEqual([7]);
      expect(await listed(id, { first: 7, last: 6 })).toEqual([]);
    });

    it("are listed on all pages", async () => {
      const id = newName();
      // DynamoDB's pages end at 1 MB. These items need two pages.
      const detail = "d".repeat(50_000);
      const written = Array.from({ length: 25 }, (_, ordinal) => service(id, ordinal, { detail }));
      await ledger.putRolloutServices(written);
      expect(await all(ledger.listRolloutServices(id))).toEqual(written);
    });

    it("are changed by the members of a patch, in which null is a value", async () => {
      const id = newName();
      await ledger.putRolloutServices([service(id, 0, { detail: "kept" })]);
      const patch = { status: "rolling", tryCount: 1, imageBefore: null, detail: undefined, reason: "r" } as const;
      const patched = await ledger.patchRolloutService(id, 0, {}, patch);
      expect(patched).toEqual({ ...service(id, 0), ...patch, detail: "kept" });
      expect(await ledger.getRolloutService(id, 0)).toEqual(patched);
      const imageBefore = { image: "example.com/ztunnel:1.28.1", assignedAtMs: 3 };
      expect(await ledger.patchRolloutService(id, 0, {}, { imageBefore })).toEqual({ ...patched, imageBefore });
    });

    it("get concurrent patches of different members", async () => {
      const id = newName();
      await ledger.putRolloutServices([service(id, 0)]);
      await Promise.all([
        ledger.patchRolloutService(id, 0, {}, { status: "rolling" }),
        ledger.patchRolloutService(id, 0, {}, { executionName: "roll-1" }),
      ]);
      expect(await ledger.getRolloutService(id, 0)).toMatchObject({ status: "rolling", executionName: "roll-1" });
    });

    it("are not created by a patch", async () => {
      const id = newName();
      for (const expected of [{}, { tryCount: 1 }]) {
        await expect(ledger.patchRolloutService(id, 3, expected, { tryCount: 1 })).rejects.toMatchObject({
          code: "unknown-rollout",
          detail: `ROLLOUT#${id} / SERVICE#000003`,
        });
      }
      expect(await ledger.getRolloutService(id, 3)).toBeUndefined();
    });
  });

  describe("a lane's starts", () => {
    const pace = { intervalMs: 1_000, burst: 3 };

    it("are a burst first, then one per interval", async () => {
      const lane = newName();
      const starts: number[] = [];
      for (let calls = 0; calls < 6; calls += 1) starts.push(await ledger.reserveStart(lane, 10_000, pace));
      expect(starts).toEqual([10_000, 10_000, 10_000, 11_000, 12_000, 13_000]);
    });

    it("become available again while the lane is idle, up to the burst", async () => {
      const lane = newName();
      for (let calls = 0; calls < 5; calls += 1) await ledger.reserveStart(lane, 0, pace);
      // The bucket is full again at 5 s, and has one start at 3 s.
      expect(await ledger.reserveStart(lane, 3_000, pace)).toBe(3_000);
      expect(await ledger.reserveStart(lane, 3_000, pace)).toBe(4_000);
      const later: number[] = [];
      for (let calls = 0; calls < 4; calls += 1) later.push(await ledger.reserveStart(lane, 60_000, pace));
      expect(later).toEqual([60_000, 60_000, 60_000, 61_000]);
    });

    it("can be reserved together: the first time is returned, and later calls get later times", async () => {
      const lane = newName();
      expect(await ledger.reserveStart(lane, 0, { ...pace, count: 5 })).toBe(0);
      expect(await ledger.reserveStart(lane, 0, { ...pace, count: 2 })).toBe(3_000);
      expect(await ledger.reserveStart(lane, 0, pace)).toBe(5_000);
    });

    it("are independent of other lanes", async () => {
      const lane = newName();
      await ledger.reserveStart(lane, 0, { ...pace, count: 9 });
      expect(await ledger.reserveStart(`${lane}/b`, 0, pace)).toBe(0);
    });

    it("are reserved once each by concurrent calls", async () => {
      const lane = newName();
      const asked = Array.from({ length: 12 }, () => ledger.reserveStart(lane, 5_000, { intervalMs: 100, burst: 1 }));
      const starts = (await Promise.all(asked)).toSorted((a, b) => a - b);
      expect(starts).toEqual(Array.from({ length: 12 }, (_, index) => 5_000 + index * 100));
    });

    it("are never more in a span of time than the burst and one per interval", async () => {
      const pacing = fc.record({
        intervalMs: fc.integer({ min: 1, max: 2_000 }),
        burst: fc.integer({ min: 1, max: 20 }),
      });
      // The callers' clocks may differ, so that the times are not sorted.
      const times = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 25 });
      const property = fc.asyncProperty(pacing, times, async (pace, nows) => {
        const lane = newName();
        const starts: number[] = [];
        for (const nowMs of nows) {
          const start = await ledger.reserveStart(lane, nowMs, pace);
          expect(start).toBeGreaterThanOrEqual(nowMs);
          starts.push(start);
        }
        const sorted = starts.toSorted((a, b) => a - b);
        for (const [from, first] of sorted.entries()) {
          for (const [more, last] of sorted.slice(from).entries()) {
            expect(more + 1).toBeLessThanOrEqual(pace.burst + (last - first) / pace.intervalMs);
          }
        }
      });
      await fc.assert(property, { numRuns: 40 });
    });
  });

  // These tests are the last ones, because an unreadable item makes every later list fail.
  describe("an item of another shape", () => {
    it("is refused with its key by every call that reads it", async () => {
      const id = newName();
      const named = (key: string) => ({ code: "ledger-item-unreadable", detail: expect.stringContaining(key) });
      await store.putRaw({ pk: `ROLLOUT#${id}`, sk: "META", ...rollout(id), shape: 0 });
      const meta = named(`ROLLOUT#${id} / META: shape`);
      await expect(ledger.getRollout(id)).rejects.toMatchObject(meta);
      await expect(ledger.changeRollout(id, (known) => ({ next: known }))).rejects.toMatchObject(meta);
      await expect(all(ledger.listRollouts())).rejects.toMatchObject(meta);

      await ledger.putRolloutServices([service(id, 0), service(id, 1)]);
      await store.putRaw({ pk: `ROLLOUT#${id}`, sk: "SERVICE#000001", ...service(id, 1), status: "lost" });
      const lost = named(`ROLLOUT#${id} / SERVICE#000001: status`);
      await expect(ledger.getRolloutService(id, 1)).rejects.toMatchObject(lost);
      await expect(ledger.patchRolloutService(id, 1, {}, { tryCount: 1 })).rejects.toMatchObject(lost);
      await expect(all(ledger.listRolloutServices(id))).rejects.toMatchObject(lost);
      expect(await all(ledger.listRolloutServices(id, { first: 0, last: 0 }))).toEqual([service(id, 0)]);

      await store.putRaw({ pk: "FLEET", sk: "STATE", shape: 1, version: "two" });
      await expect(ledger.getFleet()).rejects.toMatchObject(named("FLEET / STATE: version"));
      await expect(ledger.changeFleet((fleet) => ({ next: fleet }))).rejects.toMatchObject(
        named("FLEET / STATE: version"),
      );
    });

    it("is not one that only has a time to live in addition", async () => {
      const { version } = newFleetState;
      await store.putRaw({ pk: "FLEET", sk: "STATE", shape: 1, version, expiresAt: EXPIRES_AT });
      expect(await ledger.getFleet()).toEqual(newFleetState);
      const { stored } = await ledger.changeFleet((fleet) => ({ next: fleet }));
      expect(stored).toEqual({ ...newFleetState, version: version + 1 });
    });

    it("is refused before it is written", async () => {
      const id = newName();
      await expect(ledger.createRollout({ ...rollout(id), why: "w".repeat(501) })).rejects.toMatchObject({
        code: "ledger-item-unreadable",
      });
      await expect(ledger.putRolloutServices([{ ...service(id, 0), tryCount: -1 }])).rejects.toMatchObject({
        code: "ledger-item-unreadable",
      });
      expect(await ledger.getRollout(id)).toBeUndefined();
      expect(await ledger.getRolloutService(id, 0)).toBeUndefined();
    });
  });
});

describe("a ledger in DynamoDB", () => {
  /** A ledger, and another one that writes the rollout before each of its first `times` writes. */
  async function outrunOn(id: string, times: number) {
    const other = dynamoDbLedger(newClients().home, { tableName: TABLE });
    await other.createRollout(rollout(id));
    const clients = newClients();
    let left = times;
    clients.home(DynamoDBClient).middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName === "PutItemCommand" && left > 0) {
            left -= 1;
            await other.changeRollout(id, (known) => ({
              next: { ...known, executionCount: known.executionCount + 1 },
            }));
          }
          return next(args);
        },
      { step: "initialize", name: "outrun" },
    );
    return { ledger: dynamoDbLedger(clients.home, { tableName: TABLE }), other };
  }

  it("gives up as throttled when others always write first", async () => {
    const id = newName();
    const { ledger, other } = await outrunOn(id, Number.POSITIVE_INFINITY);
    await expect(ledger.changeRollout(id, (known) => ({ next: { ...known, nextWaveIndex: 9 } }))).rejects.toMatchObject(
      { code: "throttled", retryable: true },
    );
    expect(await other.getRollout(id)).toMatchObject({ nextWaveIndex: 0, version: 20 });
  });

  it("runs a change again when others write first, and returns the result of the run that was stored", async () => {
    const id = newName();
    const { ledger } = await outrunOn(id, 2);
    const runs: number[] = [];
    const changed = await ledger.changeRollout(id, (known) => {
      runs.push(known.executionCount);
      return { next: { ...known, nextWaveIndex: 9 }, result: `run ${runs.length} on ${known.executionCount}` };
    });
    expect(runs).toEqual([0, 1, 2]);
    expect(changed).toMatchObject({
      stored: { nextWaveIndex: 9, executionCount: 2, version: 3 },
      result: "run 3 on 2",
    });
  });

  it("returns the result of the last run also when that run leaves the rollout as it is", async () => {
    const id = newName();
    const { ledger } = await outrunOn(id, 1);
    const changed = await ledger.changeRollout(id, (known) =>
      known.executionCount > 0 ? { result: "too late" } : { next: { ...known, nextWaveIndex: 9 }, result: "changed" },
    );
    expect(changed).toMatchObject({ stored: { nextWaveIndex: 0, executionCount: 1, version: 1 }, result: "too late" });
  });

  it("reads consistently, by every call", async () => {
    const id = newName();
    const clients = newClients();
    let reads: unknown[] = [];
    clients.home(DynamoDBClient).middlewareStack.add(
      (next, { commandName = "" }) =>
        async (args) => {
          // The middleware's types know no single command: every command that reads has this member.
          const { ConsistentRead } = args.input as { ConsistentRead?: boolean };
          if (/^(GetItem|Query|Scan)/.test(commandName)) reads.push(ConsistentRead);
          return next(args);
        },
      { step: "initialize", name: "reads", priority: "low" },
    );
    const ledger = dynamoDbLedger(clients.home, { tableName: TABLE });
    await ledger.createRollout(rollout(id));
    await ledger.putRolloutServices([service(id, 0)]);
    const calls: Readonly<Record<string, () => Promise<unknown>>> = {
      getService: () => ledger.getService("arn"),
      listServices: () => all(ledger.listServices()),
      getMesh: () => ledger.getMesh(id),
      changeMesh: () => ledger.changeMesh(id, () => ({})),
      getMeshFacts: () => ledger.getMeshFacts(id),
      getFleet: () => ledger.getFleet(),
      getRollout: () => ledger.getRollout(id),
      changeRollout: () => ledger.changeRollout(id, () => ({})),
      listRollouts: () => all(ledger.listRollouts()),
      getRolloutService: () => ledger.getRolloutService(id, 0),
      patchRolloutService: () => ledger.patchRolloutService(id, 0, { tryCount: 99 }, { detail: "" }),
      listRolloutServices: () => all(ledger.listRolloutServices(id)),
    };
    for (const [name, send] of Object.entries(calls)) {
      reads = [];
      // Earlier tests have left items of another shape. The read is sent nevertheless, and fails.
      await send().catch((error: unknown) => expect(error).toMatchObject({ code: "ledger-item-unreadable" }));
      expect(new Set(reads), name).toEqual(new Set([true]));
    }
  });
});

describe("a ledger in memory", () => {
  it("finds a rollout's services that another ledger has written to the same items", async () => {
    const items = new Map<string, object>();
    await memoryLedger(items).putRolloutServices([service("rotate-x", 3), service("rotate-x", 12)]);
    const listed = await all(memoryLedger(items).listRolloutServices("rotate-x"));
    expect(listed.map(({ ordinal }) => ordinal)).toEqual([3, 12]);
  });
});
