import { rootCaEmergency } from "../../events/root-ca-events.ts";
import type { MeshEmergency, MeshState } from "../../model/mesh.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { BusCalls } from "../../ports/ports.ts";
import { emergencyNotice } from "../../rollout/emergency.ts";
import { dropsReleased } from "../../trust/dropped.ts";
import { newestOf } from "../../trust/record.ts";
import { claimNews } from "./claim-news.ts";
import { type CutOff, cutOffServices, type GateCalls } from "./gate.ts";

export interface EmergencyCalls extends GateCalls {
  readonly ledger: GateCalls["ledger"] & Pick<Ledger, "changeMesh">;
  readonly bus: BusCalls;
  readonly now: () => number;
}

/** More services than this are not named: their rotation takes the whole control plane. */
const MAX_NAMED = 50;

/**
 * Counts who is cut off while somebody is, and notifies: once when the first rotation has left somebody cut off, when
 * an operator has stopped it and when it is over, and of what lasts once a day. The rotations themselves are repeated
 * by `rollout/request`, by what is recorded here. `counted`: who is cut off, if that was counted just now.
 */
export async function followEmergency(
  mesh: MeshState,
  counted: CutOff | undefined,
  calls: EmergencyCalls,
): Promise<void> {
  if (!mesh.emergency && !counted?.services.length) return;
  const cutOff = counted ?? (await cutOffServices(mesh, calls));
  if (cutOff.services.length === 0 && cutOff.isComplete && !dropsReleased(mesh)) return end(mesh, calls);
  const { stored } = await calls.ledger.changeMesh(mesh.controlPlane, (current) => ({
    next: current && {
      ...current,
      emergency: { ...current.emergency, ...recorded(current.emergency, cutOff, calls.now()) },
    },
  }));
  if (stored?.emergency) await notify(stored, stored.emergency, calls);
}

/** Where some could not be read and the others are fine, nothing is known. */
function recorded(before: MeshEmergency | undefined, cutOff: CutOff, nowMs: number) {
  const { services, unreachable, tasks, isComplete } = cutOff;
  const at = new Date(nowMs).toISOString();
  const { since = at, attempts = 0 } = before ?? {};
  if (!isComplete && before && services.length === 0) return before;
  const reached = services.filter((arn) => !unreachable.includes(arn));
  const serviceArns = reached.length <= MAX_NAMED ? [...reached] : [];
  const counts = { services: services.length, unreachable: unreachable.length, tasks };
  return { since, attempts, serviceArns, ...counts, countedAt: at };
}

async function notify(mesh: MeshState, emergency: MeshEmergency, calls: EmergencyCalls): Promise<void> {
  const { rolloutId } = emergency;
  const last = rolloutId === undefined ? undefined : await calls.ledger.getRollout(rolloutId);
  const notice = emergencyNotice(emergency, last, calls.now());
  if (!notice) return;
  const key = `emergency ${notice.key}`;
  const newsIn = (current: MeshState) => (current.emergency?.notified === notice.key ? [] : [key]);
  if ((await claimNews(mesh.controlPlane, [key], newsIn, calls)).length === 0) return;
  const by = notice.state === "stopped" ? { by: notice.by } : {};
  await calls.bus.putEvents([rootCaEmergency({ ...detailOf(mesh, emergency), state: notice.state, ...by })]);
  await calls.ledger.changeMesh(mesh.controlPlane, (current) => ({
    next: current?.emergency && { ...current, emergency: { ...current.emergency, notified: notice.key } },
  }));
}

async function end(mesh: MeshState, calls: EmergencyCalls): Promise<void> {
  const { emergency, controlPlane } = mesh;
  if (!emergency) return;
  if (emergency.notified !== undefined) {
    const key = `over ${emergency.since}`;
    const newsIn = (current: MeshState) => (current.emergency?.since === emergency.since ? [key] : []);
    if ((await claimNews(controlPlane, [key], newsIn, calls)).length === 0) return;
    const none = { ...emergency, services: 0, tasks: 0 };
    await calls.bus.putEvents([rootCaEmergency({ ...detailOf(mesh, none), state: "over" })]);
  }
  await calls.ledger.changeMesh(controlPlane, (current) => {
    if (!current?.emergency || current.emergency.rolloutId !== emergency.rolloutId) return {};
    const { emergency: _, ...next } = current;
    return { next };
  });
}

function detailOf(mesh: MeshState, emergency: MeshEmergency) {
  const { services, unreachable = 0, tasks, since, attempts, rolloutId } = emergency;
  const { network } = newestOf(mesh).facts;
  const of = { controlPlane: mesh.controlPlane, network, services, tasks, since, attempts };
  return { ...of, ...(unreachable > 0 && { unreachable }), ...(rolloutId !== undefined && { rolloutId }) };
}
