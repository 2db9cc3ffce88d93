import { controlRollout } from "../../shared/use-cases/rollout/control-rollout.ts";
import { finishRollout } from "../../shared/use-cases/rollout/finish-rollout.ts";
import { guardRollout } from "../../shared/use-cases/rollout/guard-rollout.ts";
import { nextWave } from "../../shared/use-cases/rollout/next-wave.ts";
import { advanceQueue } from "../../shared/use-cases/rollout/queue.ts";
import { rollout, wave } from "../support/rollouts.ts";
import { underWay } from "../support/testbeds/rollouts-under-way.ts";
import { NOON } from "../support/times.ts";
import type { Actor, Scenario } from "./explorer.ts";
import { type FleetWorld, fleetWorld, guardCalls, queueViolations, seenBy, snapshotOf } from "./fleet-world.ts";

const ID = "upgrade-1";
const EMERGENCY = "rotate-1";
const at = new Date(NOON).toISOString();

/** A paused upgrade holds, and an emergency waits behind it. */
async function overtaken(): Promise<FleetWorld> {
  const world = fleetWorld();
  const { ledger } = world.testbed;
  const waves = [wave("canary", 0, 0, "done"), wave("rest", 1, 1, "waiting")];
  const held = { id: ID, status: "paused", holdToken: "token", startedAt: at, heldSince: at } as const;
  await underWay(world.testbed, { ...held, control: { action: "pause", by: "ann", at }, waves, nextWaveIndex: 1 });
  await ledger.createRollout(rollout({ id: EMERGENCY, kind: "rotate", emergency: true, status: "waiting" }));
  await ledger.changeFleet((fleet) => ({ next: { ...fleet, queuedRolloutIds: [EMERGENCY] } }));
  return world;
}

/** Lambda tries an operator's command again after a crash. */
const operator = (action: "abort" | "resume" | "rollback"): Actor<FleetWorld> => ({
  name: action,
  crashes: true,
  act: async (world, gate) => {
    world.answers[action] ||= await controlRollout(
      { rolloutId: ID, action, requestedBy: "ann" },
      "event-1",
      seenBy(world, gate),
    );
  },
});

const guard: Actor<FleetWorld> = {
  name: "guard",
  crashes: true,
  act: async (world, gate) => {
    await guardRollout(seenBy(world, gate));
  },
};

/** The execution of the upgrade, woken: one step, which ends it or begins a wave. */
const execution: Actor<FleetWorld> = {
  name: "execution",
  act: async (world, gate) => {
    const input = { rolloutId: ID, executionName: "upgrade-1-1", passes: 0 };
    const step = await nextWave(input, seenBy(world, gate));
    world.answers.rolls = step.do === "roll";
    if (step.do === "hold") return;
    if (step.do === "finish") await finishRollout(ID, null, seenBy(world, gate));
    if (step.do !== "roll")
      await gate.call("execution ends", async () => world.testbed.fleetExecutions.end("upgrade-1-1", "SUCCEEDED"));
  },
};

const queue: Actor<FleetWorld> = {
  name: "request",
  act: async (world, gate) => {
    await advanceQueue(seenBy(world, gate));
  },
};

async function endViolations(world: FleetWorld): Promise<readonly string[]> {
  const { testbed, answers } = world;
  await guardCalls(world);
  const { status } = (await testbed.ledger.getRollout(ID)) ?? {};
  const { currentRolloutId } = await testbed.ledger.getFleet();
  const ends = testbed.bus.events.filter(({ detailType }) => detailType === "Rollout Completed");
  const isAborted = answers.abort === true && !answers.rolls && currentRolloutId !== ID;
  return [
    ...(answers.rolls ? [] : await queueViolations(world)),
    ...(isAborted && status !== "aborted" ? [`an accepted abort waits for a turn: ${status}`] : []),
    ...(status === "aborted" && ends.length === 0 ? ["nobody reads of the end"] : []),
    ...(answers.rolls && currentRolloutId !== ID ? ["it rolls without its turn"] : []),
  ];
}

/** After the emergency, the rollback has its turn; people know by then, by `most` notices, why it had to wait. */
async function turnViolations(world: FleetWorld, most: number): Promise<readonly string[]> {
  const { testbed, answers } = world;
  const { ledger, bus, clock } = testbed;
  await guardCalls(world);
  // The rollback has woken its execution, which starts nothing without its turn.
  const step = await nextWave({ rolloutId: ID, executionName: "upgrade-1-1", passes: 0 }, testbed);
  if (step.do === "end") testbed.fleetExecutions.end("upgrade-1-1", "SUCCEEDED");
  clock.nowMs += 120_000;
  await guardCalls(world);
  const before = await ledger.getFleet();
  const notices = bus.events.filter(({ detail }) => "hold" in detail && detail.hold === "turn");
  const queued = await queueViolations(world);
  if (before.currentRolloutId === EMERGENCY) {
    await ledger.changeRollout(EMERGENCY, (one) => ({ next: { ...one, status: "completed", finishedAt: at } }));
    await guardCalls(world);
  }
  const { currentRolloutId } = await ledger.getFleet();
  return [
    ...queued,
    ...(answers.rollback === true ? [] : ["the rollback was not accepted"]),
    ...(currentRolloutId === ID ? [] : [`the rollback has no turn: ${currentRolloutId}`]),
    ...(before.currentRolloutId === EMERGENCY && notices.length === 0 ? ["nobody reads that it waits"] : []),
    ...(notices.length > most ? [`${notices.length} notices of one rollback`] : []),
    ...(before.currentRolloutId === ID && notices.length > 0 ? ["it waits, and has its turn"] : []),
  ];
}

function withoutCrashes({ crashes: _, ...actor }: Actor<FleetWorld>): Actor<FleetWorld> {
  return actor;
}

const common = { snapshot: snapshotOf, create: overtaken, maxInterruptions: 3, violations: endViolations } as const;

/** A rollout on hold loses its turn to a more urgent one, and is to end meanwhile. */
export const parkedScenarios: readonly Scenario<FleetWorld>[] = [
  {
    ...common,
    name: "an emergency overtakes a paused rollout, an operator rolls that back, and two guards come by",
    actors: [queue, operator("rollback"), guard, { ...guard, name: "second guard" }].map(withoutCrashes),
    violations: (world) => turnViolations(world, 1),
  },
  {
    ...common,
    name: "an emergency overtakes a paused rollout, an operator rolls that back, and a guard dies",
    actors: [queue, operator("rollback"), guard, withoutCrashes({ ...guard, name: "second guard" })],
    violations: (world) => turnViolations(world, 2),
  },
  {
    ...common,
    name: "an emergency overtakes a paused rollout, an operator aborts that, and the guard comes by",
    actors: [queue, operator("abort"), guard],
  },
  {
    ...common,
    name: "an emergency overtakes a paused rollout that is woken and aborted",
    actors: [queue, operator("abort"), execution],
  },
  {
    ...common,
    name: "an emergency overtakes a paused rollout that an operator resumes",
    actors: [queue, operator("resume"), execution, guard],
  },
];
