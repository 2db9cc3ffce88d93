import { describe, expect, it } from "vitest";
import { memoryLedger } from "../../../../lab/ledger/ledger-memory.ts";
import type { OrphanReason } from "../../../../shared/model/reasons.ts";
import type { ServicePatch } from "../../../../shared/model/service-state.ts";
import type { BusEvent } from "../../../../shared/ports/ports.ts";
import { followOrphans } from "../../../../shared/use-cases/reconcile/orphans.ts";
import { releaseServices } from "../../../../shared/use-cases/reconcile/release-services.ts";
import { Sighting } from "../../../../shared/use-cases/reconcile/sighting.ts";
import { serviceNamed } from "../../../support/arns.ts";
import { config } from "../../../support/services.ts";
import { NOW } from "../../../support/times.ts";

const MINUTE_MS = 60_000;
const web = serviceNamed("web").serviceArn;
const cluster = "arn:aws:ecs:us-east-1:123456789012:cluster/prod";
const other = web.replace("123456789012", "999999999999");

/** A sighting of the place of `web`. */
function seen(found: {
  readonly isRefused?: boolean;
  readonly clusters?: readonly string[];
  readonly refused?: boolean;
}) {
  const sighting = new Sighting();
  sighting.isRefused = found.isRefused ?? false;
  sighting.clustersListed = true;
  for (const arn of found.clusters ?? [cluster]) sighting.clusters.add(arn);
  if (found.refused) sighting.refusedClusters.add(cluster);
  return new Map([["123456789012/us-east-1", sighting]]);
}

function testbed() {
  const clock = { nowMs: NOW };
  const events: BusEvent[] = [];
  const bus = { putEvents: async (more: readonly BusEvent[]) => void events.push(...more) };
  const calls = { config: config(), ledger: memoryLedger(), bus, now: () => clock.nowMs };
  const follow = async (sightings: ReturnType<typeof seen>) =>
    followOrphans(await Array.fromAsync(calls.ledger.listServices()), sightings, calls);
  const add = (arn: string, patch: ServicePatch = {}) => calls.ledger.patchService(arn, { enrolled: true, ...patch });
  const why = async (arn: string) => (await calls.ledger.getService(arn))?.orphaned?.why;
  return { ...calls, clock, events, follow, add, why };
}

describe("services in the mesh that no sweep reads", () => {
  it.each([
    ["unreadable", web, { isRefused: true, clusters: [] }],
    ["unreadable", web, { refused: true }],
    ["cluster-gone", web, { clusters: [] }],
    ["account", other, {}],
    [undefined, web, {}],
  ] as const)("are recorded as %s", async (why: OrphanReason | undefined, arn, found) => {
    const { follow, add, why: recorded } = testbed();
    await add(arn);
    await follow(seen(found));
    expect(await recorded(arn)).toBe(why);
  });

  it("are notified once, all together; those that are refused after an hour", async () => {
    const { clock, events, follow, add } = testbed();
    for (let n = 0; n < 30; n += 1) await add(`${other}-${n}`);
    await add(web);
    await follow(seen({ isRefused: true }));
    expect(events.map(({ detail }) => detail)).toMatchObject([{ state: "orphaned", services: 30 }]);
    clock.nowMs += 59 * MINUTE_MS;
    await follow(seen({ isRefused: true }));
    expect(events).toHaveLength(1);
    clock.nowMs += MINUTE_MS;
    for (let n = 0; n < 3; n += 1) await follow(seen({ isRefused: true }));
    expect(events.slice(1).map(({ detail }) => detail.named)).toEqual([[{ serviceArn: web, why: "unreadable" }]]);
  });

  it("are kept again once they are read, and are notified again the next time", async () => {
    const { events, follow, add, why } = testbed();
    await add(web);
    await follow(seen({ clusters: [] }));
    await follow(seen({}));
    expect(await why(web)).toBeUndefined();
    await follow(seen({ clusters: [] }));
    expect(events).toHaveLength(2);
  });

  it("are notified once by two sweeps at the same time, and by the next one where a sweep died before its event", async () => {
    const { clock, events, follow, add, ledger, ...calls } = testbed();
    await add(web);
    await add(other);
    const bus = { putEvents: () => Promise.reject(new Error("it dies")) };
    const states = await Array.fromAsync(ledger.listServices());
    const dies = followOrphans(states, seen({ clusters: [] }), { ...calls, ledger, bus });
    await expect(dies).rejects.toThrow("it dies");
    clock.nowMs += 15 * MINUTE_MS;
    // Both have read the services before either has notified.
    const read = await Array.fromAsync(ledger.listServices());
    for (let sweep = 0; sweep < 2; sweep += 1) {
      await followOrphans(read, seen({ clusters: [] }), { ...calls, ledger });
      clock.nowMs += 1;
    }
    await follow(seen({ clusters: [] }));
    expect(events.map(({ detail }) => detail)).toMatchObject([{ state: "orphaned", services: 2 }]);
  });

  it("are notified again once the reason returns that another one has replaced for a while", async () => {
    const { clock, events, follow, add } = testbed();
    await add(web);
    await follow(seen({ clusters: [] }));
    await follow(seen({ isRefused: true }));
    clock.nowMs += 15 * MINUTE_MS;
    await follow(seen({ clusters: [] }));
    await follow(seen({ clusters: [] }));
    expect(events).toHaveLength(2);
  });

  it("do not matter once they are out of the mesh", async () => {
    const { events, follow, add } = testbed();
    await add(other, { enrolled: false });
    await follow(seen({}));
    expect(events).toEqual([]);
  });
});

describe("the release of services", () => {
  it("takes them out of the ledger's mesh, is said once, and is safe to repeat", async () => {
    const calls = testbed();
    await calls.add(other, { secretsInUse: ["token"], controlPlane: "main" });
    const request = { serviceArns: [other], requestedBy: "ann" };
    expect(await releaseServices(request, calls)).toEqual({ released: [other], refused: [] });
    expect(await calls.ledger.getService(other)).toMatchObject({ enrolled: false, secretsInUse: [] });
    expect(await releaseServices(request, calls)).toEqual({ released: [], refused: [] });
    expect(calls.events.map(({ detail }) => detail)).toMatchObject([{ state: "released", services: 1, by: "ann" }]);
  });

  it("also ends a roll that nobody can finish, and refuses one that is under way", async () => {
    const calls = testbed();
    await calls.add(other);
    await calls.ledger.takeLease(other, { executionName: "r", leaseUntil: NOW + MINUTE_MS }, NOW);
    const request = { serviceArns: [other], requestedBy: "ann" };
    expect(await releaseServices(request, calls)).toEqual({ released: [], refused: [other] });
    calls.clock.nowMs += 2 * MINUTE_MS;
    expect(await releaseServices(request, calls)).toEqual({ released: [other], refused: [] });
    expect(await calls.ledger.getService(other)).not.toHaveProperty("roll");
  });

  it("refuses a service that sweeps read: it leaves by its tag", async () => {
    const calls = testbed();
    await calls.add(web);
    expect(await releaseServices({ serviceArns: [web], requestedBy: "ann" }, calls)).toEqual({
      released: [],
      refused: [web],
    });
    expect(calls.events).toEqual([]);
  });
});
