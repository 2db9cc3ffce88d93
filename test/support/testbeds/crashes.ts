import { expect } from "vitest";
import { AutopilotError } from "../../../shared/base/errors.ts";
import { Crash, crashing } from "../altered-calls.ts";
import type { RolloutTestbed } from "./rollout.ts";
import { remembered } from "./rollouts-under-way.ts";

const MAX_CALLS = 60;

/** The testbed whose calls crash: ledger, bus, executions, ECS and alarms. */
export function crashingTestbed(testbed: RolloutTestbed, at: Parameters<typeof crashing>[0]): RolloutTestbed {
  const wrap = crashing(at);
  const fleetExecutions = wrap(testbed.fleetExecutions);
  const ecs = wrap(testbed.fakeEcs);
  const alarms = wrap(testbed.fakeAlarms);
  return {
    ...testbed,
    ledger: wrap(testbed.ledger),
    bus: wrap(testbed.bus),
    fleetExecutions,
    executions: fleetExecutions,
    parameters: wrap(testbed.parameters),
    ecs: () => ecs,
    alarms: () => alarms,
  };
}

/** Whether the work ended by itself, refused by an error of ours perhaps. */
export async function ended(work: () => Promise<unknown>): Promise<"ended" | "crashed"> {
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
 * Runs a use case in equal testbeds, crashes it before and after each of its calls, runs it once more, and expects the
 * result of an undisturbed run: in the ledger, in executions and task tokens, and every event at least once. Returns
 * the number of crashes.
 */
export async function expectSameAfterCrashes(
  prepare: () => Promise<RolloutTestbed>,
  run: (testbed: RolloutTestbed) => Promise<unknown>,
): Promise<number> {
  const undisturbed = await prepare();
  await ended(() => run(undisturbed));
  const wanted = await outcome(undisturbed);
  let places = 0;
  for (const when of ["before", "after"] as const) {
    for (let calls = 1; calls <= MAX_CALLS; calls += 1) {
      const testbed = await prepare();
      if ((await ended(() => run(crashingTestbed(testbed, { calls, when })))) === "ended") break;
      places += 1;
      await ended(() => run(testbed));
      expect(await outcome(testbed), `crash ${when} call ${calls}`).toEqual(wanted);
    }
  }
  return places;
}

async function outcome(testbed: RolloutTestbed) {
  return {
    ...(await remembered(testbed)),
    running: testbed.fleetExecutions.running(),
    delivered: [...new Set(testbed.fleetExecutions.delivered.map(({ taskToken }) => taskToken))],
    events: [...new Set(testbed.bus.events.map((event) => JSON.stringify(event)))].sort(),
  };
}
