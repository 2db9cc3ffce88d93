import { describe, expect, it } from "vitest";
import { controlRollout } from "../../../../shared/use-cases/rollout/control-rollout.ts";
import { finishRollout } from "../../../../shared/use-cases/rollout/finish-rollout.ts";
import { requestPending } from "../../../../shared/use-cases/rollout/pending.ts";
import { requestRollout } from "../../../../shared/use-cases/rollout/request-rollout.ts";
import { crashing } from "../../../support/altered-calls.ts";
import { meshAfter } from "../../../support/meshes.ts";
import { type RolloutTestbed, rolloutTestbed } from "../../../support/testbeds/rollout.ts";

const MINUTE = 60_000;
const ARN = "arn:aws:ecs:us-east-1:123456789012:service/prod/api";
const emergencyOf = async ({ ledger }: RolloutTestbed) => (await ledger.getMesh("main"))?.emergency;

const atEveryCall = (["before", "after"] as const).flatMap((when) =>
  Array.from({ length: 40 }, (_, call) => [when, call + 1] as const),
);

/** One service is cut off by the count of this moment. `released`: the fleet should have the new root already. */
async function counted(testbed: RolloutTestbed, released = false): Promise<void> {
  const at = new Date(testbed.now()).toISOString();
  await testbed.ledger.changeMesh("main", (mesh) => ({
    next: mesh && {
      ...mesh,
      ...(released && { releasedId: mesh.generations.at(-1)?.id }),
      emergency: {
        since: at,
        attempts: 0,
        ...mesh.emergency,
        serviceArns: [ARN],
        services: 1,
        tasks: 2,
        countedAt: at,
      },
    },
  }));
}

/** A control plane whose old root was dropped, and the rotation that was requested for it. */
async function dropped(): Promise<{ readonly testbed: RolloutTestbed; readonly first: string }> {
  const testbed = rolloutTestbed();
  await requestPending(testbed);
  const { version: _, ...mesh } = meshAfter("a", "b");
  await testbed.ledger.changeMesh("main", (stored) => ({ next: { ...mesh, version: stored?.version ?? 0 } }));
  const [first = ""] = await requestPending(testbed);
  return { testbed, first };
}

/** The rotation ends in this way, and time passes. */
async function ended(testbed: RolloutTestbed, id: string, minutes: number, how: "failed" | "completed" = "completed") {
  await testbed.ledger.changeRollout(id, (current) => ({ next: { ...current, status: "running" } }));
  await finishRollout(id, how === "failed" ? { error: "States.Timeout", cause: "" } : null, testbed);
  testbed.clock.nowMs += minutes * MINUTE;
}

describe("the rotation for tasks that are cut off", () => {
  it("is recorded as the first attempt, and repeated for those that are cut off still", async () => {
    const { testbed, first } = await dropped();
    expect(await emergencyOf(testbed)).toMatchObject({ rolloutId: first, attempts: 1 });
    await ended(testbed, first, 5);
    expect(await requestPending(testbed)).toEqual([]); // nobody has counted yet
    await counted(testbed, true);
    const [second = ""] = await requestPending(testbed);
    const scope = { controlPlane: "main", services: [ARN] };
    expect(await testbed.ledger.getRollout(second)).toMatchObject({ emergency: true, scope, repeats: first });
    expect(await emergencyOf(testbed)).toMatchObject({ rolloutId: second, attempts: 2 });
    expect(await requestPending(testbed)).toEqual([]);
  });

  it("takes the whole control plane again where what the fleet should have was not released", async () => {
    const { testbed, first } = await dropped();
    await ended(testbed, first, 6, "failed");
    await counted(testbed);
    const [second = ""] = await requestPending(testbed);
    expect(await testbed.ledger.getRollout(second)).toMatchObject({ scope: { controlPlane: "main" } });
    expect((await testbed.ledger.getRollout(second))?.scope.services).toBeUndefined();
  });

  it("is requested once, also by two at the same time and after a crash at any call", async () => {
    for (const [when, call] of atEveryCall) {
      const { testbed, first } = await dropped();
      await ended(testbed, first, 6);
      await counted(testbed, true);
      const ledger = crashing({ calls: call, when })(testbed.ledger);
      await requestPending({ ...testbed, ledger }).catch(() => undefined);
      await Promise.all([requestPending(testbed), requestPending(testbed)]);
      const rollouts = await Array.fromAsync(testbed.ledger.listRollouts());
      expect(rollouts).toHaveLength(2);
      expect(await emergencyOf(testbed)).toMatchObject({ attempts: 2 });
    }
  });

  it("is stopped by an abort, before its end, after it, and while it ends; and goes on when somebody requests it", async () => {
    const abort = (id: string) => ({ rolloutId: id, action: "abort", requestedBy: "ann" }) as const;
    for (const when of ["before", "after"] as const) {
      const { testbed, first } = await dropped();
      if (when === "before") await controlRollout(abort(first), "event-1", testbed);
      await ended(testbed, first, 6, when === "before" ? "failed" : "completed");
      if (when === "after") expect(await controlRollout(abort(first), "event-1", testbed)).toBe(true);
      if (when === "after") expect(await controlRollout(abort(first), "event-1", testbed)).toBe(true);
      await counted(testbed, true);
      testbed.clock.nowMs += 1000 * MINUTE;
      expect(await requestPending(testbed)).toEqual([]);
      const scope = { controlPlane: "main" };
      const asked = { kind: "rotate", rolloutId: "again", scope, why: "", requestedBy: "bob", overrides: {} } as const;
      await requestRollout(asked, "e1", testbed);
      expect(await testbed.ledger.getRollout("again")).toMatchObject({ emergency: true });
      await ended(testbed, "again", 30);
      await counted(testbed, true);
      expect(await requestPending(testbed)).toHaveLength(1);
    }
  });

  it.each([
    [0, "The root CAs of main were not given to all of its services: attempt 2."],
    [1, "1 service of main trusts none of its root CAs: attempt 2."],
    [2, "2 services of main trust none of its root CAs: attempt 2."],
  ])("says why in words that fit %i services", async (services, why) => {
    const { testbed, first } = await dropped();
    await ended(testbed, first, 6);
    await counted(testbed);
    await testbed.ledger.changeMesh("main", (mesh) => ({
      next: mesh?.emergency && { ...mesh, emergency: { ...mesh.emergency, services } },
    }));
    const [again = ""] = await requestPending(testbed);
    expect((await testbed.ledger.getRollout(again))?.why).toBe(why);
  });

  it("is not repeated once the fleet has left the mesh", async () => {
    const { testbed, first } = await dropped();
    await ended(testbed, first, 6);
    await counted(testbed, true);
    const unenrolledBy = { rolloutId: "unenroll-1", at: new Date(testbed.now()).toISOString() };
    await testbed.ledger.changeFleet((fleet) => ({ next: { ...fleet, unenrolledBy } }));
    expect(await requestPending(testbed)).toEqual([]);
  });
});
