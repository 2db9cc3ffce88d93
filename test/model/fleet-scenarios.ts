import type { Wave } from "../../shared/model/rollout.ts";
import { assessWave } from "../../shared/use-cases/rollout/assess-wave.ts";
import { controlRollout } from "../../shared/use-cases/rollout/control-rollout.ts";
import { finishRollout } from "../../shared/use-cases/rollout/finish-rollout.ts";
import { guardRollout } from "../../shared/use-cases/rollout/guard-rollout.ts";
import { holdRollout } from "../../shared/use-cases/rollout/hold-rollout.ts";
import { nextWave } from "../../shared/use-cases/rollout/next-wave.ts";
import { requestRollout } from "../../shared/use-cases/rollout/request-rollout.ts";
import { startRollout } from "../../shared/use-cases/rollout/start-rollout.ts";
import { takeService } from "../../shared/use-cases/rollout/take-service.ts";
import { serviceArn } from "../support/arns.ts";
import { rollout, rolloutService, wave } from "../support/rollouts.ts";
import { underWay } from "../support/testbeds/rollouts-under-way.ts";
import { NOON } from "../support/times.ts";
import type { Actor, Scenario } from "./explorer.ts";
import { type FleetWorld, fleetWorld, guardCalls, queueViolations, seenBy, snapshotOf } from "./fleet-world.ts";

const ID = "upgrade-1";
const startedAt = new Date(NOON).toISOString();
const image = "registry.example.com/ztunnel:2";
const rollback = { rolloutId: ID, action: "rollback", requestedBy: "ann" } as const;

type FleetActor = Actor<FleetWorld>;

const guard: FleetActor = {
  name: "guard",
  act: async (world, gate) => {
    await guardRollout(seenBy(world, gate));
  },
};

/** Lambda tries an operator's command again after a crash. */
const operator: FleetActor = {
  name: "operator",
  crashes: true,
  act: async (world, gate) => {
    const accepted = await controlRollout(rollback, "event-1", seenBy(world, gate));
    world.answers.rollback ||= accepted;
  },
};

/** The last step; its execution ends with it. */
const finish: FleetActor = {
  name: "finish",
  crashes: true,
  act: async (world, gate) => {
    await finishRollout(ID, null, seenBy(world, gate));
    await gate.call("execution ends", async () => world.testbed.fleetExecutions.end("upgrade-1-1", "SUCCEEDED"));
  },
};

/** A try of the last step that Step Functions has given up: it still runs. */
const lateFinish: FleetActor = {
  name: "late finish",
  act: async (world, gate) => {
    await finishRollout(ID, null, seenBy(world, gate));
  },
};

const done: readonly Wave[] = [];

async function inLastStep(): Promise<FleetWorld> {
  const world = fleetWorld();
  await underWay(world.testbed, { id: ID, waves: [...done], nextWaveIndex: 0, startedAt, target: { image } });
  return world;
}

async function withNext(world: FleetWorld): Promise<FleetWorld> {
  const { ledger } = world.testbed;
  await ledger.createRollout(rollout({ id: "upgrade-2", status: "waiting" }));
  await ledger.changeFleet((fleet) => ({ next: { ...fleet, queuedRolloutIds: ["upgrade-2"] } }));
  return world;
}

/** Carries everything to its end: each rollout under way is finished once, by an execution of its own. */
async function carriedOut(world: FleetWorld): Promise<void> {
  const { testbed } = world;
  for (let turn = 0; turn < 6; turn += 1) {
    for (const name of testbed.fleetExecutions.running()) testbed.fleetExecutions.end(name, "SUCCEEDED");
    const { rolloutId } = await guardRollout(testbed);
    if (rolloutId === null) return;
    await finishRollout(rolloutId, null, testbed);
  }
}

async function rollbackViolations(world: FleetWorld): Promise<readonly string[]> {
  await guardCalls(world);
  const queue = await queueViolations(world);
  await carriedOut(world);
  const status = (await world.testbed.ledger.getRollout(ID))?.status;
  const lost = world.answers.rollback === true && status !== "rolled-back";
  return [...queue, ...(lost ? [`an accepted rollback is lost: ${status}`] : [])];
}

const common = { snapshot: snapshotOf, maxInterruptions: 3 } as const;

/** The fleet's protocol: the queue, the end of a rollout, and what an operator asks for meanwhile. */
export const fleetScenarios: readonly Scenario<FleetWorld>[] = [
  {
    ...common,
    name: "a rollout ends, an operator asks for its rollback, and the guard comes by",
    create: inLastStep,
    actors: [finish, operator, guard],
    violations: rollbackViolations,
  },
  {
    ...common,
    name: "a rollout ends with another behind it, and an operator asks for its rollback",
    create: async () => withNext(await inLastStep()),
    actors: [finish, operator],
    violations: rollbackViolations,
  },
  {
    ...common,
    name: "the last step is tried twice at once, and an operator asks for the rollback",
    create: async () => withNext(await inLastStep()),
    actors: [finish, lateFinish, operator],
    violations: rollbackViolations,
  },
  {
    ...common,
    name: "two requests, and an abort of the first",
    create: async () => fleetWorld(),
    actors: [
      ...[ID, "upgrade-2"].map(
        (rolloutId): FleetActor => ({
          name: `request of ${rolloutId}`,
          crashes: true,
          act: async (world, gate) => {
            const scope = { regions: [rolloutId === ID ? "eu-*" : "us-*"] };
            const asked = {
              kind: "upgrade",
              rolloutId,
              scope,
              image,
              why: "",
              requestedBy: "ann",
              overrides: {},
            } as const;
            await requestRollout(asked, rolloutId, seenBy(world, gate));
          },
        }),
      ),
      {
        name: "abort",
        act: async (world, gate) => {
          await controlRollout({ rolloutId: ID, action: "abort", requestedBy: "ann" }, "event-1", seenBy(world, gate));
        },
      },
    ],
    violations: async (world) => {
      await guardCalls(world);
      return queueViolations(world);
    },
  },
  {
    ...common,
    name: "a late finish of an upgrade comes after the next upgrade is done",
    create: async () => withNext(await inLastStep()),
    actors: [
      lateFinish,
      {
        name: "fleet",
        act: async (world, gate) => {
          await finishRollout(ID, null, world.testbed);
          await world.testbed.ledger.changeRollout("upgrade-2", (one) => ({
            next: { ...one, status: "running", startedAt, target: { image: `${image}.1` } },
          }));
          await gate.call("the next one ends", () => finishRollout("upgrade-2", null, world.testbed));
        },
      },
    ],
    violations: async (world) => {
      const released = (await world.testbed.ledger.getFleet()).image?.image;
      return released === `${image}.1` ? [] : [`the fleet should have ${released}`];
    },
  },
  {
    ...common,
    name: "a hold is tried twice, the earlier attempt is slow, and an operator resumes",
    create: async () => {
      const world = fleetWorld();
      const control = { action: "pause", by: "ann", at: startedAt } as const;
      const waves = [...done, wave("us-east-1 100%", 0, 0, "waiting")];
      await underWay(world.testbed, { id: ID, status: "paused", control, waves, nextWaveIndex: 0, startedAt });
      world.testbed.fleetExecutions.wait("second", "upgrade-1-1");
      return world;
    },
    actors: [
      {
        name: "late hold",
        act: async (world, gate) => {
          await holdRollout(ID, "first", seenBy(world, gate));
        },
      },
      {
        name: "hold",
        act: async (world, gate) => {
          await holdRollout(ID, "second", seenBy(world, gate));
        },
      },
      {
        name: "operator",
        act: async (world, gate) => {
          const control = { rolloutId: ID, action: "resume", requestedBy: "ann" } as const;
          world.answers.resume = await controlRollout(control, "event-1", seenBy(world, gate));
        },
      },
    ],
    violations: async (world) => {
      await guardCalls(world);
      const woken = world.testbed.fleetExecutions.delivered.some(({ taskToken }) => taskToken === "second");
      return woken || world.answers.resume !== true ? [] : ["resume was accepted, and nobody wakes the rollout"];
    },
  },
  {
    ...common,
    name: "a service is taken twice, the earlier attempt is slow, and its roll ends",
    create: async () => {
      const world = fleetWorld();
      const waves = [wave("canary", 0, 0, "rolling")];
      await underWay(world.testbed, { id: ID, waves, serviceCount: 1, startedAt, target: { image } });
      await world.testbed.ledger.putRolloutServices([rolloutService(0, { serviceArn: serviceArn("s0") })]);
      return world;
    },
    actors: [
      {
        name: "late take",
        act: async (world, gate) => {
          await takeService({ id: ID, ordinal: 0, phase: "forward" }, seenBy(world, gate));
        },
      },
      {
        name: "fleet",
        act: async (world, gate) => {
          const { ledger } = world.testbed;
          const taken = await takeService({ id: ID, ordinal: 0, phase: "forward" }, seenBy(world, gate));
          if (taken.do !== "roll") return;
          const skipped = { status: "skipped", reason: "already-as-desired" } as const;
          await gate.call("its roll ends", () => ledger.patchRolloutService(ID, 0, {}, skipped));
          world.answers.rolled = true;
        },
      },
    ],
    violations: async (world) => {
      const status = (await world.testbed.ledger.getRolloutService(ID, 0))?.status;
      return world.answers.rolled && status !== "skipped" ? [`a service whose roll ended is ${status}`] : [];
    },
  },
  {
    ...common,
    name: "the first step is tried twice, the earlier attempt is slow, and the wave is rolled",
    create: async () => {
      const world = fleetWorld({ services: 2, policy: { canaryCount: 0, waves: [100], bakeMinutes: 0 } });
      await world.testbed.enroll();
      for (const name of world.testbed.names) {
        await world.testbed.ledger.patchService(serviceArn(name), { enrolled: true });
      }
      await underWay(world.testbed, { id: ID, status: "waiting", target: { image } });
      return world;
    },
    actors: [
      {
        name: "late start",
        act: async (world, gate) => {
          await startRollout(ID, seenBy(world, gate));
        },
      },
      {
        name: "fleet",
        act: async (world, gate) => {
          const { testbed } = world;
          await startRollout(ID, seenBy(world, gate));
          const execution = { rolloutId: ID, executionName: "upgrade-1-1", passes: 0 };
          const next = await nextWave(execution, testbed);
          for (const ordinal of [0, 1]) {
            const taken = await takeService({ id: ID, ordinal, phase: "forward" }, testbed);
            if (taken.do !== "roll") continue;
            const rolled = { status: "succeeded", fromRevisionArn: "web:1", toRevisionArn: "web:2" } as const;
            await gate.call(`roll ${ordinal} succeeds`, () =>
              testbed.ledger.patchRolloutService(ID, ordinal, {}, rolled),
            );
            world.answers[`rolled ${ordinal}`] = true;
          }
          const assessment = { rolloutId: ID, phase: "forward", wave: next.wave, after: "roll" } as const;
          await gate.call("the wave is judged", () => assessWave(assessment, testbed));
        },
      },
    ],
    violations: async (world) => {
      const services = await Array.fromAsync(world.testbed.ledger.listRolloutServices(ID));
      return services
        .filter(({ ordinal }) => world.answers[`rolled ${ordinal}`] === true)
        .filter(({ toRevisionArn, status }) => toRevisionArn === undefined || status !== "succeeded")
        .map(({ status }) => `a service that was rolled is ${status}`);
    },
  },
];
