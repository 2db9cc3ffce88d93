import { expect } from "vitest";
import { AutopilotError } from "../../shared/base/errors.ts";
import { Crash, crashing } from "./fakes.ts";
import { type RolloutWorld, remembered } from "./rollout-calls.ts";

const MAX_CALLS = 60;

/** The world whose calls crash: ledger, bus, executions, ECS and alarms. */
function crashingWorld(world: RolloutWorld, at: Parameters<typeof crashing>[0]): RolloutWorld {
  const wrap = crashing(at);
  const fleetExecutions = wrap(world.fleetExecutions);
  const ecs = wrap(world.fakeEcs);
  const alarms = wrap(world.fakeAlarms);
  return {
    ...world,
    ledger: wrap(world.ledger),
    bus: wrap(world.bus),
    fleetExecutions,
    executions: fleetExecutions,
    parameters: wrap(world.parameters),
    ecs: () => ecs,
    alarms: () => alarms,
  };
}

async function ended(work: () => Promise<unknown>): Promise<"ended" | "crashed"> {
  try {
    await work();
    return "ended";
  } catch (error) {
    if (error instanceof Crash || (error instanceof Error && error.cause instanceof Crash)) return "crashed";
    if (error instanceof AutopilotError) return "ended";
    throw error;
  }
}

/**
 * Runs a use case in worlds alike, with a crash before and after each of its calls and then once more, and expects what an
 * undisturbed run leaves: in the ledger, of executions and task tokens, and every event at least once. Returns how many
 * places to crash at there were.
 */
export async function expectSameAfterCrashes(
  prepare: () => Promise<RolloutWorld>,
  run: (world: RolloutWorld) => Promise<unknown>,
): Promise<number> {
  const undisturbed = await prepare();
  await ended(() => run(undisturbed));
  const wanted = await outcome(undisturbed);
  let places = 0;
  for (const when of ["before", "after"] as const) {
    for (let calls = 1; calls <= MAX_CALLS; calls += 1) {
      const world = await prepare();
      if ((await ended(() => run(crashingWorld(world, { calls, when })))) === "ended") break;
      places += 1;
      await ended(() => run(world));
      expect(await outcome(world), `crash ${when} call ${calls}`).toEqual(wanted);
    }
  }
  return places;
}

async function outcome(world: RolloutWorld) {
  return {
    ...(await remembered(world)),
    running: world.fleetExecutions.running(),
    delivered: [...new Set(world.fleetExecutions.delivered.map(({ taskToken }) => taskToken))],
    told: [...new Set(world.bus.events.map((event) => JSON.stringify(event)))].sort(),
  };
}
