import { hoursToMs } from "../../base/durations.ts";
import { rootCaRetirable, rootCaStage } from "../../events/root-ca-events.ts";
import type { MeshSigner, MeshState, RootStage } from "../../model/mesh.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { BusCalls } from "../../ports/ports.ts";
import { parseBundle } from "../../trust/bundle.ts";
import { newestOf } from "../../trust/record.ts";
import { rootStageOf } from "../../trust/stages.ts";
import { namedOf } from "../../trust/validity.ts";
import { claimNews } from "./claim-news.ts";
import { type GateCalls, retirableRotation } from "./gate.ts";
import { type ReadSignerCalls, readSigner } from "./read-signer.ts";
import { anchorsAmong, type RootRotation, rotationOf } from "./root-rotation.ts";

export interface FollowGateCalls extends GateCalls, Pick<ReadSignerCalls, "controlPlane" | "serving"> {
  readonly ledger: GateCalls["ledger"] & Pick<Ledger, "changeMesh">;
  readonly bus: BusCalls;
  readonly log: GateCalls["log"] & ReadSignerCalls["log"];
}

/**
 * Follows a rotation from the bundle with both roots to the one with the new root alone: which stage it is in is
 * recorded and notified once, and at last, once for each generation, that the old root may go. True if it has now.
 */
export async function followGate(mesh: MeshState, calls: FollowGateCalls): Promise<boolean> {
  const { id } = newestOf(mesh);
  if (mesh.notified.retirableId === id) return false;
  const nowMs = calls.now();
  const rotation = rotationOf(mesh, nowMs);
  if (!rotation) {
    if (mesh.stage || mesh.signer) await forget(mesh, calls);
    return false;
  }
  const seen = await readSigner(mesh, calls);
  const signer = "why" in seen ? undefined : seen;
  if (signer && signer !== mesh.signer) await change(mesh, calls, { signer });
  const remaining = anchorsAmong(mesh, rotation.remaining);
  const isHeld = (await retirableRotation(mesh, calls, trustedBy(signer, rotation, mesh))) === undefined;
  const { leafLifetimeHours } = calls.config.policy;
  const name = rootStageOf({ isHeld, signer, remaining, leafLifetimeHours, nowMs });
  const known = mesh.stage?.factsId === id ? mesh.stage : undefined;
  // It can be seen again in a moment.
  if (known?.name === name || (name === "unknown" && known && known.name !== "distributing")) return false;
  const until = signer && new Date(Date.parse(signer.since) + hoursToMs(leafLifetimeHours)).toISOString();
  const why = name === "unknown" && "why" in seen ? { why: seen.why } : {};
  if (!(await claimStage(mesh, name, calls))) return false;
  await notify(mesh, rotation, { name, ...(name === "running-out" && until && { until }), ...why }, calls);
  const stage = { factsId: id, name, since: new Date(nowMs).toISOString(), ...why };
  await change(mesh, calls, { stage, ...(name === "retirable" && { notified: { retirableId: id } }) });
  return name === "retirable";
}

/** Once a new root signs, it is that one which tasks have to trust: another one that remains does not help. */
function trustedBy(signer: MeshSigner | undefined, rotation: RootRotation, mesh: MeshState): RootRotation {
  const { certificates } = parseBundle(newestOf(mesh).facts.rootCaPem);
  const signs = certificates.filter(({ anchor }) => anchor === signer?.anchor).map((one) => one.fingerprint256);
  const remaining = rotation.remaining.filter((fingerprint) => signs.includes(fingerprint));
  return remaining.length > 0 ? { ...rotation, remaining } : rotation;
}

/** True if the caller is to notify people of the stage: nobody has, or is about to. */
async function claimStage(mesh: MeshState, name: RootStage, calls: FollowGateCalls): Promise<boolean> {
  const { id } = newestOf(mesh);
  const key = `stage ${id} ${name}`;
  const newsIn = ({ stage }: MeshState) => (stage?.factsId === id && stage.name === name ? [] : [key]);
  return (await claimNews(mesh.controlPlane, [key], newsIn, calls)).length > 0;
}

type Stage = Pick<NonNullable<MeshState["stage"]>, "name" | "why"> & { readonly until?: string };

async function notify(mesh: MeshState, rotation: RootRotation, stage: Stage, calls: FollowGateCalls): Promise<void> {
  const { controlPlane } = mesh;
  const { network, rootCaPem } = newestOf(mesh).facts;
  const [retire, keep] = [rotation.retiring, rotation.remaining].map((some) => namedOf(rootCaPem, calls.now(), some));
  const about = { controlPlane, network, retire, keep };
  const { name, until, why } = stage;
  // Emit before recording: after a crash in between, the event is emitted again rather than never.
  if (name === "retirable") {
    const fingerprints = { fingerprints: [...rotation.retiring], remaining: [...rotation.remaining] };
    await calls.bus.putEvents([rootCaRetirable({ ...about, ...fingerprints })]);
  } else if (name === "sign-with-new" || name === "unknown" || name === "running-out") {
    const more = { ...(until !== undefined && { until }), ...(why !== undefined && { why }) };
    await calls.bus.putEvents([rootCaStage({ ...about, stage: name, ...more })]);
  }
}

interface Recorded {
  readonly signer?: MeshSigner;
  readonly stage?: MeshState["stage"];
  readonly notified?: { readonly retirableId: string };
}

async function change({ controlPlane }: MeshState, { ledger }: FollowGateCalls, recorded: Recorded): Promise<void> {
  const { notified, ...members } = recorded;
  await ledger.changeMesh(controlPlane, (current) => ({
    next: current && { ...current, ...members, notified: { ...current.notified, ...notified } },
  }));
}

async function forget({ controlPlane }: MeshState, { ledger }: FollowGateCalls): Promise<void> {
  await ledger.changeMesh(controlPlane, (current) => {
    if (!current) return {};
    const { signer: _, stage: __, ...next } = current;
    return { next };
  });
}
