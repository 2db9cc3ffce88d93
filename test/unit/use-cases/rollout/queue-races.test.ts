import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { controlRollout } from "../../../../shared/use-cases/rollout/control-rollout.ts";
import { finishRollout } from "../../../../shared/use-cases/rollout/finish-rollout.ts";
import { guardRollout } from "../../../../shared/use-cases/rollout/guard-rollout.ts";
import { hasEnded } from "../../../../shared/use-cases/rollout/queue.ts";
import { requestRollout } from "../../../../shared/use-cases/rollout/request-rollout.ts";
import { type RolloutTestbed, rolloutTestbed } from "../../../support/testbeds/rollout.ts";

const ask = (rolloutId: string, regions: readonly string[]) => ({
  kind: "upgrade" as const,
  rolloutId,
  scope: { regions: [...regions] },
  image: "registry.example.com/ztunnel:2",
  why: "",
  requestedBy: "ann",
  overrides: {},
});

const rollback = { rolloutId: "up-one", action: "rollback", requestedBy: "ann" } as const;

/** A rollout in its last step, and one behind it. */
async function lastStep(rolling: "back" | "forward"): Promise<RolloutTestbed> {
  const testbed = rolloutTestbed();
  await requestRollout(ask("up-one", ["eu-*"]), "e1", testbed);
  await requestRollout(ask("up-two", ["us-*"]), "e2", testbed);
  await testbed.ledger.changeRollout("up-one", (one) => ({
    next: { ...one, status: "running", startedAt: one.requestedAt },
  }));
  if (rolling === "back") await controlRollout(rollback, testbed);
  return testbed;
}

/** The testbed as one of several callers sees it: each call to the ledger waits until the scheduler lets it go. */
function scheduled(testbed: RolloutTestbed, scheduler: fc.Scheduler, who: string): RolloutTestbed {
  const ledger = new Proxy(testbed.ledger, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== "function" || String(key).startsWith("list")) return member;
      return async (...args: unknown[]): Promise<unknown> => {
        await scheduler.schedule(Promise.resolve(), `${who} ${String(key)}`);
        return member.apply(target, args);
      };
    },
  });
  return { ...testbed, ledger };
}

/** What holds in any order: nothing that is open is forgotten, nothing that has ended waits. */
async function expectSound({ ledger }: RolloutTestbed): Promise<void> {
  const fleet = await ledger.getFleet();
  const queued = [fleet.currentRolloutId, ...fleet.queuedRolloutIds];
  for await (const rollout of ledger.listRollouts()) {
    const { id, status, control } = rollout;
    expect(queued.includes(id), `${id} is ${status}, asked to ${control?.action}`).toBe(!hasEnded(rollout));
  }
}

/** Carries the rollout under way to its end, once. */
async function carryOn(testbed: RolloutTestbed): Promise<void> {
  for (const name of testbed.fleetExecutions.running()) testbed.fleetExecutions.end(name);
  const { rolloutId } = await guardRollout(testbed);
  if (rolloutId !== null) await finishRollout(rolloutId, null, testbed);
}

describe("the queue, in every order of calls", () => {
  it.each(["forward", "back"] as const)("keeps the rollback that comes while a rollout ends (%s)", async (rolling) => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const testbed = await lastStep(rolling);
        const as = (who: string) => scheduled(testbed, scheduler, who);
        const acts = [
          finishRollout("up-one", null, as("finish")),
          controlRollout(rollback, as("operator")),
          guardRollout(as("guard")),
        ];
        await scheduler.waitFor(Promise.all(acts));
        const accepted = await acts[1];
        await expectSound(testbed);
        for (let turn = 0; turn < 4; turn += 1) await carryOn(testbed);
        const expected = accepted || rolling === "back" ? "rolled-back" : "completed";
        expect((await testbed.ledger.getRollout("up-one"))?.status).toBe(expected);
        expect((await testbed.ledger.getRollout("up-two"))?.status).toBe("completed");
        const { currentRolloutId, queuedRolloutIds } = await testbed.ledger.getFleet();
        expect([currentRolloutId, queuedRolloutIds]).toEqual([undefined, []]);
      }),
      { numRuns: 2000 },
    );
  });
});
