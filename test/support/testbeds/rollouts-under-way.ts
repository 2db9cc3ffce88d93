import type { MeshFacts } from "../../../shared/model/mesh.ts";
import type { Rollout, RolloutService, Wave } from "../../../shared/model/rollout.ts";
import { withReading } from "../../../shared/trust/record.ts";
import { serviceArn } from "../arns.ts";
import { factsWith } from "../meshes.ts";
import { rollout, rolloutService, wave } from "../rollouts.ts";
import { NOON } from "../times.ts";
import type { RolloutTestbed } from "./rollout.ts";

/** Puts a rollout into the ledger, as the one under way. */
export async function underWay(testbed: RolloutTestbed, given: Partial<Rollout> = {}): Promise<Rollout> {
  const one = rollout({ executionName: "upgrade-1-1", executionCount: 1, ...given });
  await testbed.ledger.createRollout(one);
  await testbed.ledger.changeFleet((fleet) => ({ next: { ...fleet, currentRolloutId: one.id } }));
  if (one.executionName) testbed.fleetExecutions.statuses.set(one.executionName, "RUNNING");
  if (one.holdToken) testbed.fleetExecutions.wait(one.holdToken, one.executionName);
  return one;
}

/** A rollout of six services under way, in two waves with these states: a canary of two, and the others. */
export async function sixUnderWay(
  testbed: RolloutTestbed,
  states: readonly [Wave["state"], Wave["state"]],
  of: (ordinal: number) => Partial<RolloutService> = () => ({}),
  given: Partial<Rollout> = {},
): Promise<Rollout> {
  const service = (ordinal: number) =>
    rolloutService(ordinal, { serviceArn: serviceArn(`s${ordinal}`), waveIndex: ordinal < 2 ? 0 : 1, ...of(ordinal) });
  await testbed.ledger.putRolloutServices([0, 1, 2, 3, 4, 5].map(service));
  return underWay(testbed, {
    startedAt: "2026-11-23T11:00:00.000Z",
    serviceCount: 6,
    waves: [wave("canary", 0, 1, states[0]), wave("us-east-1 100%", 2, 5, states[1])],
    nextWaveIndex: states[0] === "done" ? 1 : 0,
    ...given,
  });
}

/** The control plane `main` is read: its bundle has these roots now. */
export async function readFacts(
  testbed: RolloutTestbed,
  roots: "a" | "ab" | "b" | "d" | "D",
  readAt = new Date(NOON).toISOString(),
  istiodVersion = "1.28.0",
  changes: Partial<MeshFacts> = {},
): Promise<void> {
  const facts = factsWith(roots, { readAt, istiodVersion, ...changes });
  await testbed.ledger.changeMesh("main", (mesh) => ({ next: withReading(mesh, facts) }));
}

/** All of the ledger that matters here, for a comparison. Versions, times and the numbers of tries are left out. */
export async function remembered(testbed: RolloutTestbed) {
  const without = ({ version: _, startTryCount: __, ...rest }: { readonly version: number; startTryCount?: number }) =>
    rest;
  const rollouts = [];
  const services = [];
  for await (const one of testbed.ledger.listRollouts()) {
    rollouts.push(without(one));
    const listed = await Array.fromAsync(testbed.ledger.listRolloutServices(one.id));
    services.push(...listed.map(({ startTry: _, ...rest }) => rest));
  }
  const states = await Array.fromAsync(testbed.ledger.listServices());
  return {
    fleet: without(await testbed.ledger.getFleet()),
    rollouts: rollouts.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    services,
    states,
  };
}
