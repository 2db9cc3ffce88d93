import type { Place } from "../../shared/base/arn.ts";
import type { Config } from "../../shared/config/config.ts";
import type { Rollout, RolloutService, Wave } from "../../shared/model/rollout.ts";
import { withReading } from "../../shared/trust/record.ts";
import { revisionArn, serviceArn, serviceNamed } from "./arns.ts";
import { completedDeployment } from "./deployments.ts";
import { FakeAlarms } from "./fake-alarms.ts";
import { FakeParameters } from "./fake-parameters.ts";
import { FakeBus, FakeExecutions, rollWorld } from "./fakes.ts";
import { factsWith } from "./meshes.ts";
import { rollout, rolloutService, wave } from "./rollouts.ts";
import { config as configOf, service } from "./services.ts";

/** Noon of a Monday. */
export const NOON = Date.parse("2026-11-23T12:00:00Z");

export { serviceArn };

/** An enrolled fleet of so many services, and all that a rollout of it talks to. */
export function rolloutWorld(
  options: { readonly services?: number; readonly policy?: object; readonly config?: Partial<Config> } = {},
) {
  const { services = 0, policy } = options;
  const config = { ...configOf(policy ? { policy: { rollout: policy } } : {}), ...options.config };
  const world = rollWorld({ config });
  world.clock.nowMs = NOON;
  world.ecs.services.clear();
  const names = Array.from({ length: services }, (_, index) => `s${index}`);
  const enroll = async () => {
    for (const name of names) {
      const ref = serviceNamed(name);
      const taskDefinitionArn = revisionArn(name, 1);
      const primary = completedDeployment({ id: `ecs-svc/${name}`, taskDefinitionArn });
      world.ecs.add(service({ ref, taskDefinitionArn, deployments: [primary] }));
      await world.ledger.patchService(ref.serviceArn, { enrolled: true, lastGoodRevisionArn: taskDefinitionArn });
    }
  };
  const alarms = new FakeAlarms();
  const fleetExecutions = new FakeExecutions();
  return {
    ...world,
    names,
    enroll,
    bus: new FakeBus(),
    ecs: (_place: Place) => world.ecs,
    fakeEcs: world.ecs,
    alarms: (_place: Place) => alarms,
    fakeAlarms: alarms,
    parameters: new FakeParameters(),
    fleetExecutions,
    /** For `holdRollout`, whose executions are RollFleet's. */
    executions: fleetExecutions,
  };
}
export type RolloutWorld = ReturnType<typeof rolloutWorld>;

/** A world with an enrolled fleet. */
export async function fleetWorld(...given: Parameters<typeof rolloutWorld>): Promise<RolloutWorld> {
  const world = rolloutWorld(...given);
  await world.enroll();
  return world;
}

/** Puts a rollout into the ledger, as the one under way. */
export async function underWay(world: RolloutWorld, given: Partial<Rollout> = {}): Promise<Rollout> {
  const one = rollout({ executionName: "upgrade-1-1", executionCount: 1, ...given });
  await world.ledger.createRollout(one);
  await world.ledger.changeFleet((fleet) => ({ next: { ...fleet, currentRolloutId: one.id } }));
  if (one.executionName) world.fleetExecutions.statuses.set(one.executionName, "RUNNING");
  if (one.holdToken) world.fleetExecutions.wait(one.holdToken, one.executionName);
  return one;
}

/** A rollout of six services under way, in two waves with these states: a canary of two, and the others. */
export async function sixUnderWay(
  world: RolloutWorld,
  states: readonly [Wave["state"], Wave["state"]],
  of: (ordinal: number) => Partial<RolloutService> = () => ({}),
  given: Partial<Rollout> = {},
): Promise<Rollout> {
  const service = (ordinal: number) =>
    rolloutService(ordinal, { serviceArn: serviceArn(`s${ordinal}`), waveIndex: ordinal < 2 ? 0 : 1, ...of(ordinal) });
  await world.ledger.putRolloutServices([0, 1, 2, 3, 4, 5].map(service));
  return underWay(world, {
    startedAt: "2026-11-23T11:00:00.000Z",
    serviceCount: 6,
    waves: [wave("canary", 0, 1, states[0]), wave("us-east-1 100%", 2, 5, states[1])],
    nextWaveIndex: states[0] === "done" ? 1 : 0,
    ...given,
  });
}

/** The control plane `main` is read: its bundle has these roots now. */
export async function readFacts(
  world: RolloutWorld,
  roots: "a" | "ab" | "b",
  readAt = new Date(NOON).toISOString(),
): Promise<void> {
  await world.ledger.changeMesh("main", (mesh) => ({ next: withReading(mesh, factsWith(roots, { readAt })) }));
}

/** All of the ledger that matters here, for a comparison. Versions and times are left out. */
export async function remembered(world: RolloutWorld) {
  const without = ({ version: _, ...rest }: { readonly version: number }) => rest;
  const rollouts = [];
  const services = [];
  for await (const one of world.ledger.listRollouts()) {
    rollouts.push(without(one));
    services.push(...(await Array.fromAsync(world.ledger.listRolloutServices(one.id))));
  }
  const states = await Array.fromAsync(world.ledger.listServices());
  return {
    fleet: without(await world.ledger.getFleet()),
    rollouts: rollouts.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    services,
    states,
  };
}
