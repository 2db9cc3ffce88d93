import { agreeing, counted } from "../../base/plural.ts";
import type { MeshState } from "../../model/mesh.ts";
import { factsSubject } from "../../rollout/contested.ts";
import { emergencyStep } from "../../rollout/emergency.ts";
import { rolloutIdOf, rotates } from "../../rollout/identity.ts";
import { AUTOPILOT } from "../../rollout/wish.ts";
import { dropsReleased } from "../../trust/dropped.ts";
import { newestOf } from "../../trust/record.ts";
import { type RecordAttemptCalls, recordAttempt } from "./record-attempt.ts";
import { queueRollout, type RequestCalls, type Wanted } from "./request-rollout.ts";
import { openRollouts } from "./withdraw.ts";

export type RepeatCalls = RequestCalls & RecordAttemptCalls;

/**
 * Requests a rotation again that has left tasks cut off, if it is time. It takes the services that are cut off, or all
 * of the control plane's while what they should have was not released. Returns its id; undefined when none was due.
 */
export async function repeatEmergency(controlPlane: string, calls: RepeatCalls): Promise<string | undefined> {
  const { ledger, now } = calls;
  const mesh = await ledger.getMesh(controlPlane);
  const { emergency } = mesh ?? {};
  const fleet = await ledger.getFleet();
  const { unenrolledBy, sightings } = fleet;
  // While two writers change the root CA in turns, no rotation can end it.
  const isContested = sightings?.[factsSubject(controlPlane)]?.contestedSince !== undefined;
  if (!mesh || !emergency || unenrolledBy || isContested) return undefined;
  const wanted = repetition(mesh, emergency, emergency.attempts + 1);
  if (await ledger.getRollout(wanted.id)) {
    // An earlier run has crashed before it recorded the attempt.
    await recordAttempt(controlPlane, wanted, calls);
    return undefined;
  }
  if (emergency.services > 0 && emergency.unreachable === emergency.services && !dropsReleased(mesh)) return undefined;
  const last = emergency.rolloutId === undefined ? undefined : await ledger.getRollout(emergency.rolloutId);
  const isRotating = (await openRollouts(fleet, ledger)).some((rollout) => rotates(rollout, controlPlane));
  const known = { isRotating, nowMs: now() };
  const step = emergencyStep(emergency, last, known);
  if (step.do !== "repeat") return undefined;
  await queueRollout(wanted, calls);
  await recordAttempt(controlPlane, wanted, calls);
  return wanted.id;
}

function whyAgain(services: number, controlPlane: string): string {
  if (services === 0) return `The root CAs of ${controlPlane} were not given to all of its services`;
  const trust = agreeing(services, "trusts", "trust");
  return `${counted(services, "service")} of ${controlPlane} ${trust} none of its root CAs`;
}

function repetition(mesh: MeshState, emergency: NonNullable<MeshState["emergency"]>, attempt: number): Wanted {
  const { controlPlane } = mesh;
  const { services, serviceArns, since, firstRolloutId } = emergency;
  const { id: factsId } = newestOf(mesh);
  const someOf = serviceArns.length > 0 && !dropsReleased(mesh) ? { services: [...serviceArns] } : {};
  return {
    id: rolloutIdOf({ kind: "rotate", key: [controlPlane, factsId, since, `attempt ${attempt}`].join("\n") }),
    kind: "rotate",
    scope: { controlPlane, ...someOf },
    target: { controlPlane, factsId },
    why: `${whyAgain(services, controlPlane)}: attempt ${attempt}.`,
    requestedBy: AUTOPILOT,
    overrides: {},
    emergency: true,
    ...(firstRolloutId !== undefined && { repeats: firstRolloutId }),
  };
}
