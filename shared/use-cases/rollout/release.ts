import { AutopilotError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import type { MeshState } from "../../model/mesh.ts";
import type { Rollout } from "../../model/rollout.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";
import { currentValue, type FleetValue, fleetValueOf, withValue } from "../../rollout/fleet-value.ts";
import { bringsFacts } from "../../rollout/kinds.ts";

export interface ReleaseCalls {
  readonly config: Pick<Config, "controlPlanes">;
  readonly ledger: Pick<RolloutLedger, "getFleet" | "changeFleet" | "changeRollout"> &
    Pick<Ledger, "getMesh" | "changeMesh">;
  readonly now: () => number;
}

/**
 * Makes the target of a completed rollout over everything what every service should have, also those that the rollout
 * left out. First it records in the rollout what they should have had before. Does nothing for a rollout over a part.
 */
export async function releaseToFleet(rollout: Rollout, calls: ReleaseCalls): Promise<void> {
  if (!coversEverything(rollout)) return;
  if (bringsFacts(rollout.kind)) return releaseFacts(rollout, calls);
  const target = fleetValueOf(rollout.kind, rollout.target);
  if (target) await releaseValue(rollout, target, calls);
}

/**
 * Withdraws the target of a completed rollout before the rollout is rolled back: the values that were
 * desired before the rollout are desired again. Otherwise the next reconcile of a service would bring the target back.
 */
export async function withdrawFromFleet({ id, kind, target, before }: Rollout, calls: ReleaseCalls): Promise<void> {
  const { ledger, now } = calls;
  const earlier = fleetValueOf(kind, before);
  await ledger.changeFleet((fleet) =>
    earlier && fleet.currentRolloutId === id && currentValue(fleet, earlier.member) === target[earlier.member]
      ? { next: withValue(fleet, earlier, now()) }
      : {},
  );
  const { factsId } = before;
  if (bringsFacts(kind) && target.controlPlane !== undefined && factsId !== undefined) {
    await changeWhileCurrent(id, target.controlPlane, calls, (mesh) =>
      mesh.releasedId === target.factsId ? released(mesh, factsId) : undefined,
    );
  }
}

/**
 * Only a rollout over everything changes what every service should have; of a rotation, all of one control plane is.
 */
function coversEverything({ kind, scope }: Rollout): boolean {
  const { controlPlane, ...narrower } = scope;
  return Object.values(narrower).every((given) => given === undefined) && (bringsFacts(kind) || !controlPlane);
}

async function releaseValue(rollout: Rollout, target: FleetValue, { ledger, now }: ReleaseCalls): Promise<void> {
  const { member, value } = target;
  const before = currentValue(await ledger.getFleet(), member);
  if (before !== undefined && before !== value) await recordBefore(rollout, { [member]: before }, ledger);
  await ledger.changeFleet((fleet) =>
    currentValue(fleet, member) === value || fleet.currentRolloutId !== rollout.id
      ? {}
      : { next: withValue(fleet, target, now()) },
  );
}

/** Releases the generation that the rollout was asked for. A newer generation gets a rollout of its own. */
async function releaseFacts(rollout: Rollout, calls: ReleaseCalls): Promise<void> {
  const { config, ledger } = calls;
  const { scope, target } = rollout;
  const planes = scope.controlPlane ? [scope.controlPlane] : config.controlPlanes.map(({ name }) => name);
  for (const plane of planes) {
    const mesh = await ledger.getMesh(plane);
    const before = mesh?.releasedId;
    const id = target.factsId ?? mesh?.generations.at(-1)?.id;
    if (id === undefined || before === id) continue;
    if (before !== undefined && scope.controlPlane) await recordBefore(rollout, { factsId: before }, ledger);
    await changeWhileCurrent(rollout.id, plane, calls, (current) => released(current, id));
  }
}

const MAX_RACES = 50;

/**
 * Changes a mesh while the rollout is the one under way: a try of a step that was given up may still run when another
 * rollout has its turn. As long as nobody has written the mesh since before that was read, it still holds.
 */
async function changeWhileCurrent(
  rolloutId: string,
  controlPlane: string,
  { ledger }: Pick<ReleaseCalls, "ledger">,
  change: (mesh: MeshState) => MeshState | undefined,
): Promise<void> {
  for (let races = 0; races < MAX_RACES; races += 1) {
    const before = await ledger.getMesh(controlPlane);
    if (!before || (await ledger.getFleet()).currentRolloutId !== rolloutId) return;
    const { result } = await ledger.changeMesh(controlPlane, (mesh) =>
      mesh?.version === before.version ? { next: change(mesh), result: "done" } : { result: "written-since" },
    );
    if (result === "done") return;
  }
  throw new AutopilotError("throttled", `The mesh of ${controlPlane} was written ${MAX_RACES} times meanwhile.`);
}

/** Keeps the record of an earlier attempt, if there is one. */
async function recordBefore(
  { id }: Rollout,
  before: Rollout["before"],
  ledger: Pick<RolloutLedger, "changeRollout">,
): Promise<void> {
  await ledger.changeRollout(id, (current) => ({ next: { ...current, before: { ...before, ...current.before } } }));
}

function released(mesh: MeshState, id: string): MeshState | undefined {
  const known = mesh.generations.some((generation) => generation.id === id);
  return known && mesh.releasedId !== id ? { ...mesh, releasedId: id } : undefined;
}
