import { afterAll, describe, expect, it } from "vitest";
import type { RolloutService } from "../../../../shared/model/rollout.ts";
import { assessWave } from "../../../../shared/use-cases/rollout/assess-wave.ts";
import { controlRollout } from "../../../../shared/use-cases/rollout/control-rollout.ts";
import { finishRollout } from "../../../../shared/use-cases/rollout/finish-rollout.ts";
import { guardRollout } from "../../../../shared/use-cases/rollout/guard-rollout.ts";
import { holdRollout } from "../../../../shared/use-cases/rollout/hold-rollout.ts";
import { nextWave } from "../../../../shared/use-cases/rollout/next-wave.ts";
import { requestPending } from "../../../../shared/use-cases/rollout/pending.ts";
import { advanceQueue } from "../../../../shared/use-cases/rollout/queue.ts";
import { requestRollout } from "../../../../shared/use-cases/rollout/request-rollout.ts";
import { startRollout } from "../../../../shared/use-cases/rollout/start-rollout.ts";
import { takeService } from "../../../../shared/use-cases/rollout/take-service.ts";
import { expectSameAfterCrashes } from "../../../support/crashes.ts";
import { fleetWorld, type RolloutWorld, readFacts, sixUnderWay, underWay } from "../../../support/rollout-calls.ts";

const IMAGE = "registry.example.com/ztunnel:1.28.2";
const ID = "upgrade-1";
/** A rollout of six services to another image, with these states of its two waves, and its services as given. */
const rolling = (
  world: RolloutWorld,
  states: Parameters<typeof sixUnderWay>[1],
  of: Parameters<typeof sixUnderWay>[2],
  given: Parameters<typeof sixUnderWay>[3] = {},
) => sixUnderWay(world, states, of, { target: { image: IMAGE }, ...given });

const changed = (ordinal: number): Partial<RolloutService> => ({
  status: "succeeded",
  fromRevisionArn: `from-${ordinal}`,
  toRevisionArn: `arn:aws:ecs:us-east-1:123456789012:task-definition/s${ordinal}:1`,
});

interface UseCase {
  readonly name: string;
  readonly prepare: () => Promise<RolloutWorld>;
  readonly run: (world: RolloutWorld) => Promise<unknown>;
}

async function started(policy: object = {}, options: Parameters<typeof fleetWorld>[0] = {}) {
  return fleetWorld({ services: 6, policy: { canaryCount: 2, waves: [100], ...policy }, ...options });
}

const upgrade = {
  kind: "upgrade",
  rolloutId: ID,
  scope: {},
  image: IMAGE,
  why: "",
  requestedBy: "ann",
  overrides: {},
} as const;

const useCases: readonly UseCase[] = [
  {
    name: "starting a rollout",
    prepare: async () => {
      const world = await started();
      await underWay(world, { target: { image: IMAGE } });
      return world;
    },
    run: (world) => startRollout(ID, world),
  },
  {
    name: "starting a rollout that finds nothing",
    prepare: async () => {
      const world = await started({}, { services: 0 });
      await underWay(world, { target: { image: IMAGE } });
      return world;
    },
    run: (world) => startRollout(ID, world),
  },
  {
    name: "starting to take the fleet out of the mesh",
    prepare: async () => {
      const world = await started();
      await underWay(world, { kind: "unenroll" });
      return world;
    },
    run: (world) => startRollout(ID, world),
  },
  {
    name: "starting the rollback of a rollout that had completed",
    prepare: async () => {
      const world = await started();
      await rolling(world, ["done", "done"], changed, {
        status: "completed",
        nextWaveIndex: 2,
        before: { image: "registry.example.com/ztunnel:1.28.0" },
        control: { action: "rollback", by: "ann", at: "2026-11-23T12:00:00.000Z" },
      });
      await world.ledger.changeFleet((fleet) => ({ next: { ...fleet, image: { image: IMAGE, assignedAtMs: 1 } } }));
      return world;
    },
    run: (world) => startRollout(ID, world),
  },
  {
    name: "the next wave",
    prepare: async () => {
      const world = await started();
      await rolling(world, ["done", "waiting"], () => ({}));
      return world;
    },
    run: (world) => nextWave({ rolloutId: ID, executionName: "upgrade-1-1", passes: 1 }, world),
  },
  {
    name: "a hold",
    prepare: async () => {
      const world = await started({ approveAfterCanary: true });
      await rolling(world, ["done", "waiting"], () => ({}));
      world.fleetExecutions.wait("token", "upgrade-1-1");
      return world;
    },
    run: async (world) => {
      await nextWave({ rolloutId: ID, executionName: "upgrade-1-1", passes: 1 }, world);
      await holdRollout(ID, "token", world);
    },
  },
  {
    name: "going on in a new execution",
    prepare: async () => {
      const world = await started();
      await rolling(world, ["done", "waiting"], () => ({}));
      return world;
    },
    run: (world) => nextWave({ rolloutId: ID, executionName: "upgrade-1-1", passes: 10_000 }, world),
  },
  {
    name: "taking a service",
    prepare: async () => {
      const world = await started();
      await rolling(world, ["rolling", "waiting"], () => ({}));
      return world;
    },
    run: async (world) => {
      const { ledger } = world;
      // The quota's bucket may have given a turn to a try that crashed: that is no part of the end.
      await takeService({ id: ID, ordinal: 1, phase: "forward" }, { ...world, ledger });
    },
  },
  {
    name: "taking a service for its rollback",
    prepare: async () => {
      const world = await started();
      await rolling(world, ["rolling", "waiting"], changed, { status: "rolling-back" });
      return world;
    },
    run: (world) => takeService({ id: ID, ordinal: 1, phase: "rollback" }, world),
  },
  {
    name: "judging a wave",
    prepare: async () => {
      const world = await started({ bakeMinutes: 0 });
      await rolling(world, ["rolling", "waiting"], changed);
      return world;
    },
    run: (world) => assessWave({ rolloutId: ID, phase: "forward", wave: 0, after: "roll" }, world),
  },
  {
    name: "judging a wave with a service whose roll recorded no outcome",
    prepare: async () => {
      const world = await started({ failureBudget: { inAll: { count: 0 } } });
      await rolling(world, ["rolling", "waiting"], (ordinal) =>
        ordinal === 1 ? { status: "rolling" } : changed(ordinal),
      );
      return world;
    },
    run: (world) => assessWave({ rolloutId: ID, phase: "forward", wave: 0, after: "roll" }, world),
  },
  {
    name: "judging a wave again after its bake",
    prepare: async () => {
      const world = await started({ failureBudget: { inAll: { count: 0 } } });
      await rolling(world, ["baking", "waiting"], changed);
      for (const service of [...world.fakeEcs.services.values()].slice(0, 1)) {
        const [primary] = service.deployments;
        if (primary) world.fakeEcs.change({ deployments: [{ ...primary, runningCount: 0 }] }, service.ref);
      }
      return world;
    },
    run: (world) => assessWave({ rolloutId: ID, phase: "forward", wave: 0, after: "bake" }, world),
  },
  {
    name: "judging a wave that was rolled back",
    prepare: async () => {
      const world = await started();
      await rolling(
        world,
        ["rolling-back", "waiting"],
        (ordinal) => (ordinal === 0 ? { status: "rolled-back" } : { ...changed(ordinal), status: "rolling-back" }),
        { status: "rolling-back" },
      );
      return world;
    },
    run: (world) => assessWave({ rolloutId: ID, phase: "rollback", wave: 0, after: "roll" }, world),
  },
  {
    name: "finishing a rollout that has completed, with another one behind it",
    prepare: async () => {
      const world = await started();
      await rolling(world, ["done", "done"], changed, { nextWaveIndex: 2 });
      await world.ledger.changeFleet((fleet) => ({ next: { ...fleet, image: { image: "a:1", assignedAtMs: 1 } } }));
      await requestRollout({ ...upgrade, rolloutId: "upgrade-2", image: "a:3" }, "event", world);
      return world;
    },
    run: (world) => finishRollout(ID, null, world),
  },
  {
    name: "finishing a rollout that was rolled back",
    prepare: async () => {
      const world = await started();
      await rolling(
        world,
        ["rolled-back", "waiting"],
        (ordinal) => ({ status: ordinal === 0 ? "stuck" : "rolled-back" }),
        {
          kind: "unenroll",
          status: "rolling-back",
          stuckOrdinals: [0],
          reason: { code: "alarm-fired", detail: "errors" },
        },
      );
      await world.ledger.changeFleet((fleet) => ({
        next: {
          ...fleet,
          unenrolledBy: { rolloutId: ID, at: "2026-11-23T11:00:00.000Z" },
        },
      }));
      return world;
    },
    run: (world) => finishRollout(ID, null, world),
  },
  {
    name: "finishing a rollout that could not go on",
    prepare: async () => {
      const world = await started();
      await rolling(world, ["rolling", "waiting"], changed);
      return world;
    },
    run: (world) =>
      finishRollout(ID, { error: "Autopilot.Terminal", cause: '{"errorMessage":"access-denied: no"}' }, world),
  },
  ...(["resume", "approve", "abort", "rollback", "pause"] as const).map(
    (action): UseCase => ({
      name: `an operator's ${action}`,
      prepare: async () => {
        const world = await started();
        const held = { resume: "paused", approve: "awaiting-approval", abort: "paused", rollback: "paused" } as const;
        const status = action === "pause" ? "running" : held[action];
        await rolling(world, ["done", "waiting"], changed, {
          status,
          holdToken: "token",
          ...(status === "paused" && { control: { action: "pause", by: "ann", at: "2026-11-23T11:30:00.000Z" } }),
        });
        return world;
      },
      run: (world) => controlRollout({ rolloutId: ID, action, requestedBy: "ann" }, world),
    }),
  ),
  {
    name: "an operator's rollback of a rollout that has completed",
    prepare: async () => {
      const world = await started();
      await rolling(world, ["done", "done"], changed, { status: "completed", nextWaveIndex: 2 });
      await world.ledger.changeFleet(({ currentRolloutId: _, ...fleet }) => ({ next: fleet }));
      world.fleetExecutions.end("upgrade-1-1");
      return world;
    },
    run: (world) => controlRollout({ rolloutId: ID, action: "rollback", requestedBy: "ann" }, world),
  },
  {
    name: "an operator's abort of a rollout that waits",
    prepare: async () => {
      const world = await started();
      await underWay(world);
      await requestRollout({ ...upgrade, rolloutId: "upgrade-2" }, "event", world);
      return world;
    },
    run: (world) => controlRollout({ rolloutId: "upgrade-2", action: "abort", requestedBy: "ann" }, world),
  },
  {
    name: "an operator's command that can't be done",
    prepare: async () => {
      const world = await started();
      await underWay(world);
      return world;
    },
    run: (world) => controlRollout({ rolloutId: ID, action: "approve", requestedBy: "ann" }, world),
  },
  {
    name: "a request",
    prepare: () => started(),
    run: (world) => requestRollout(upgrade, "event", world),
  },
  {
    name: "a request that supersedes one that waits",
    prepare: async () => {
      const world = await started();
      await underWay(world);
      await requestRollout({ ...upgrade, rolloutId: "upgrade-2" }, "event", world);
      return world;
    },
    run: (world) => requestRollout({ ...upgrade, rolloutId: "upgrade-3", image: "a:3" }, "event", world),
  },
  {
    name: "a request that can't be carried out",
    prepare: () => started(),
    run: (world) => requestRollout({ ...upgrade, image: "no image" }, "event", world),
  },
  {
    name: "changes of image, settings and root CA at once",
    prepare: async () => {
      const parameterConfig = { ztunnel: { ...(await started()).config.ztunnel, imageParameter: "/image" } };
      const world = await started({}, { config: parameterConfig });
      world.parameters.values.set("/image", "registry.example.com/ztunnel:1.28.1");
      await readFacts(world, "a");
      await requestPending(world);
      world.parameters.values.set("/image", IMAGE);
      await readFacts(world, "ab", "2026-11-23T12:01:00.000Z");
      const { ztunnel } = world.config;
      return { ...world, config: { ...world.config, ztunnel: { ...ztunnel, startTimeoutSeconds: 60 } } };
    },
    run: (world) => requestPending(world),
  },
  {
    name: "guarding a rollout whose execution is dead",
    prepare: async () => {
      const world = await started();
      await rolling(world, ["rolling", "waiting"], changed);
      world.fleetExecutions.end("upgrade-1-1");
      return world;
    },
    run: (world) => guardRollout(world),
  },
  {
    name: "guarding a rollout while an alarm is in ALARM",
    prepare: async () => {
      const world = await started({ alarms: [{ name: "errors" }] });
      await rolling(world, ["baking", "waiting"], changed, { holdToken: "token" });
      world.fakeAlarms.set("errors", "ALARM");
      return world;
    },
    run: (world) => guardRollout(world),
  },
  {
    name: "advancing a queue whose rollout has ended",
    prepare: async () => {
      const world = await started();
      await underWay(world);
      await requestRollout({ ...upgrade, rolloutId: "upgrade-2" }, "event", world);
      await world.ledger.changeRollout(ID, (one) => ({ next: { ...one, status: "aborted" } }));
      world.fleetExecutions.end("upgrade-1-1");
      return world;
    },
    run: (world) => advanceQueue(world),
  },
];

describe("a function crashes before or after any of its calls, and is run again: the end is the same after", () => {
  const places: Record<string, number> = {};
  it.each(useCases.map((one) => [one.name, one] as const))("%s", async (name, { prepare, run }) => {
    places[name] = await expectSameAfterCrashes(prepare, run);
    expect(places[name]).toBeGreaterThan(1);
  });

  afterAll(() => {
    expect(Object.values(places).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(200);
  });
});
