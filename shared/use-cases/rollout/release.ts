import type { Config } from "../../config/config.ts";
import type { MeshState } from "../../model/mesh.ts";
import type { FleetState, Rollout } from "../../model/rollout.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";

export interface ReleaseCalls {
  readonly config: Pick<Config, "controlPlanes">;
  readonly ledger: Pick<RolloutLedger, "changeFleet" | "changeRollout"> & Pick<Ledger, "changeMesh">;
  readonly now: () => number;
}

/**
 * After a rollout over everything has completed: what it brought is what every service should have from now on, also
 * those that it left out. What they should have had before is noted in the rollout first.
 */
export async function releaseToFleet(rollout: Rollout, calls: ReleaseCalls): Promise<void> {
  if (!isWhole(rollout)) return;
  const { kind, target } = rollout;
  const { image, settings } = target;
  if (kind === "upgrade" && image !== undefined) {
    await exchange(rollout, calls, {
      of: ({ image: given }) => given?.image,
      to: image,
      with: (fleet) => ({ ...fleet, image: { image, assignedAtMs: calls.now() } }),
      note: (before) => ({ image: before }),
    });
  }
  if (kind === "reconfigure" && settings !== undefined) {
    await exchange(rollout, calls, {
      of: (fleet) => fleet.settings,
      to: settings,
      with: (fleet) => ({ ...fleet, settings }),
      note: (before) => ({ settings: before }),
    });
  }
  if (kind === "rotate") await releaseFacts(rollout, calls);
}

/**
 * Before a rollout that had completed goes back: every service should have again what it should have had before.
 * Otherwise a look at a service that is back would bring it forward again.
 */
export async function withdrawFromFleet({ kind, target, before }: Rollout, calls: ReleaseCalls): Promise<void> {
  const { ledger, now } = calls;
  const { image, settings, factsId } = before;
  await ledger.changeFleet((fleet) => {
    if (kind === "upgrade" && image !== undefined && fleet.image?.image === target.image) {
      return { ...fleet, image: { image, assignedAtMs: now() } };
    }
    if (kind === "reconfigure" && settings !== undefined && fleet.settings === target.settings) {
      return { ...fleet, settings };
    }
    return undefined;
  });
  if (kind === "rotate" && target.controlPlane !== undefined && factsId !== undefined) {
    await ledger.changeMesh(target.controlPlane, (mesh) =>
      mesh && mesh.releasedId === target.factsId ? released(mesh, factsId) : undefined,
    );
  }
}

/** Only a rollout over everything changes what every service should have. */
function isWhole({ kind, scope }: Rollout): boolean {
  const { controlPlane, ...narrower } = scope;
  return Object.values(narrower).every((given) => given === undefined) && (kind === "rotate" || !controlPlane);
}

async function exchange(
  rollout: Rollout,
  { ledger }: ReleaseCalls,
  change: {
    readonly of: (fleet: FleetState) => string | undefined;
    readonly to: string;
    readonly with: (fleet: FleetState) => FleetState;
    readonly note: (before: string) => Rollout["before"];
  },
): Promise<void> {
  const before = change.of(await ledger.changeFleet(() => undefined));
  if (before !== undefined && before !== change.to) await noteBefore(rollout, change.note(before), ledger);
  await ledger.changeFleet((fleet) => (change.of(fleet) === change.to ? undefined : change.with(fleet)));
}

async function noteBefore(
  { id }: Rollout,
  before: Rollout["before"],
  ledger: Pick<RolloutLedger, "changeRollout">,
): Promise<void> {
  await ledger.changeRollout(id, (current) => ({ ...current, before: { ...before, ...current.before } }));
}

/** The generation that was asked for is every service's now; a newer one has a rollout of its own. */
async function releaseFacts(rollout: Rollout, calls: ReleaseCalls): Promise<void> {
  const { scope, target } = rollout;
  const planes = scope.controlPlane ? [scope.controlPlane] : calls.config.controlPlanes.map(({ name }) => name);
  for (const plane of planes) {
    const mesh = await calls.ledger.changeMesh(plane, () => undefined);
    const before = mesh?.releasedId;
    const id = target.factsId ?? mesh?.generations.at(-1)?.id;
    if (id === undefined || before === id) continue;
    if (before !== undefined && scope.controlPlane) await noteBefore(rollout, { factsId: before }, calls.ledger);
    await calls.ledger.changeMesh(plane, (current) => (current ? released(current, id) : undefined));
  }
}

function released(mesh: MeshState, id: string): MeshState | undefined {
  const known = mesh.generations.some((generation) => generation.id === id);
  return known && mesh.releasedId !== id ? { ...mesh, releasedId: id } : undefined;
}
