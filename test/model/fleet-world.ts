import { type LedgerItems, memoryLedger } from "../../lab/ledger/ledger-memory.ts";
import { guardRollout } from "../../shared/use-cases/rollout/guard-rollout.ts";
import { hasEnded } from "../../shared/use-cases/rollout/queue.ts";
import { type RolloutTestbed, rolloutTestbed } from "../support/testbeds/rollout.ts";
import type { Gate } from "./explorer.ts";

/** The fleet's part of the product, and what its callers were answered. */
export interface FleetWorld {
  readonly testbed: RolloutTestbed;
  readonly items: LedgerItems;
  /** The answer that a caller was given, by name: an accepted command is a promise. */
  readonly answers: Record<string, unknown>;
}

/** A world of its own for each run. */
export function fleetWorld(options: Parameters<typeof rolloutTestbed>[0] = {}): FleetWorld {
  const items: LedgerItems = new Map();
  return { testbed: { ...rolloutTestbed(options), ledger: memoryLedger(items) }, items, answers: {} };
}

/** The product's calls as one caller makes them: each waits for its turn. */
export function seenBy({ testbed }: FleetWorld, gate: Gate): RolloutTestbed {
  const executions = gate.over("sfn", testbed.fleetExecutions);
  return {
    ...testbed,
    ledger: gate.over("ledger", testbed.ledger),
    bus: gate.over("bus", testbed.bus),
    fleetExecutions: executions,
    executions,
  };
}

/** All that the future of the world depends on. */
export function snapshotOf({ testbed, items, answers }: FleetWorld): string {
  const { fleetExecutions, clock, bus } = testbed;
  const { statuses, delivered } = fleetExecutions;
  return JSON.stringify([[...items].sort(), [...statuses], delivered, clock.nowMs, bus.types(), answers]);
}

/** The guard comes by until nothing changes. */
export async function guardCalls({ testbed }: FleetWorld): Promise<void> {
  for (let minute = 0; minute < 3; minute += 1) await guardRollout(testbed);
}

/** What holds of the queue in every order of calls, in words where it does not. */
export async function queueViolations({ testbed }: FleetWorld): Promise<readonly string[]> {
  const { currentRolloutId, queuedRolloutIds } = await testbed.ledger.getFleet();
  const queued = currentRolloutId === undefined ? queuedRolloutIds : [currentRolloutId, ...queuedRolloutIds];
  const rollouts = await Array.fromAsync(testbed.ledger.listRollouts());
  const open = rollouts.filter((one) => !hasEnded(one)).map(({ id }) => id);
  const atWork = testbed.fleetExecutions.running().filter((name) => open.some((id) => name.startsWith(`${id}-`)));
  return [
    ...open.filter((id) => !queued.includes(id)).map((id) => `${id} is open and forgotten`),
    ...queued.filter((id) => !open.includes(id)).map((id) => `${id} has ended and is queued`),
    ...(new Set(queued).size < queued.length ? ["a rollout is queued twice"] : []),
    ...(atWork.length > 1 ? [`two executions work: ${atWork.join(", ")}`] : []),
    ...(currentRolloutId !== undefined && atWork.length === 0 ? [`nobody carries ${currentRolloutId}`] : []),
  ];
}
