import { AutopilotError, asAutopilotError } from "../../base/errors.ts";
import { settingsHash } from "../../enrollment/settings-hash.ts";
import { rolloutRefused } from "../../events/rollout-events.ts";
import type { MeshFacts } from "../../model/mesh.ts";
import type { FleetState } from "../../model/rollout.ts";
import type { Log, ParameterCalls } from "../../ports/ports.ts";
import { factsSubject } from "../../rollout/contested.ts";
import { currentValue, type FleetValue, fleetValueOf } from "../../rollout/fleet-value.ts";
import { rolloutIdOf } from "../../rollout/identity.ts";
import { factsKindOf } from "../../rollout/kinds.ts";
import { AUTOPILOT, hasBegun, hasOtherWish } from "../../rollout/wish.ts";
import { parseBundle } from "../../trust/bundle.ts";
import { dropsReleased } from "../../trust/dropped.ts";
import { sight } from "./contested.ts";
import { advanceQueue } from "./queue.ts";
import { recordAttempt } from "./record-attempt.ts";
import { type RepeatCalls, repeatEmergency } from "./repeat-emergency.ts";
import { queueRollout, runnableImage, type Wanted } from "./request-rollout.ts";
import { allowedImage } from "./validate.ts";
import { openRollouts, withdraw } from "./withdraw.ts";

export interface PendingCalls extends RepeatCalls {
  readonly parameters: ParameterCalls;
  readonly log: Log;
}

/**
 * Requests the rollouts that changes of the whole fleet call for: another image in the parameter or the configuration,
 * other sidecar settings by configuration or release, other mesh facts of a control plane. What it compares with is in
 * the ledger, so that a lost event only delays it, and the same change starts no second rollout. Returns the ids of the
 * requested rollouts.
 */
export async function requestPending(calls: PendingCalls): Promise<readonly string[]> {
  const requested: string[] = [];
  await adoptFirstSeen(calls);
  for (const find of [newImage, newSettings, ...calls.config.controlPlanes.map(({ name }) => newFacts(name))]) {
    const fleet = await calls.ledger.getFleet();
    const change = await find(fleet, calls);
    if (!change) continue;
    if (change.wanted) {
      await queueRollout(change.wanted, calls);
      requested.push(change.wanted.id);
      const { id, emergency, target } = change.wanted;
      if (emergency && target.controlPlane !== undefined)
        await recordAttempt(target.controlPlane, { id, isFirst: true }, calls);
    }
    // Last, so that after a crash before it the same id is requested again.
    await calls.ledger.changeFleet((current) => ({
      next: {
        ...withoutContest(current, change.rests),
        requestedFor: {
          ...current.requestedFor,
          ...change.seen(current),
          changeCount: current.requestedFor.changeCount + 1,
        },
      },
    }));
  }
  for (const { name } of calls.config.controlPlanes) {
    const repeated = await repeatEmergency(name, calls);
    if (repeated !== undefined) requested.push(repeated);
  }
  await advanceQueue(calls);
  return requested;
}

function withoutContest(fleet: FleetState, key: string | undefined): FleetState {
  const sighting = key === undefined ? undefined : fleet.sightings?.[key];
  if (key === undefined || !sighting) return fleet;
  const { contestedSince: _, notifyUntilMs: __, ...settled } = sighting;
  return { ...fleet, sightings: { ...fleet.sightings, [key]: settled } };
}

/** A change of the fleet: the rollout that it calls for, if any, and what to remember so that it is seen once. */
interface FleetChange {
  readonly wanted: Wanted | undefined;
  readonly seen: (fleet: FleetState) => Partial<FleetState["requestedFor"]>;
  /** The key of what was contested and rests: the rollout of what remains is requested. */
  readonly rests?: string;
}
type Find = (fleet: FleetState, calls: PendingCalls) => Promise<FleetChange | undefined>;

/** Adopts the values that the fleet has at first sight as the desired ones: no rollout is requested for them. */
async function adoptFirstSeen(calls: PendingCalls): Promise<void> {
  const { image, settings } = await calls.ledger.getFleet();
  if (image !== undefined && settings !== undefined) return;
  const first = await wishedImage(calls);
  const hash = settingsHash(calls.config);
  await calls.ledger.changeFleet((fleet) => ({
    next: {
      ...fleet,
      image: fleet.image ?? { image: first, assignedAtMs: calls.now() },
      settings: fleet.settings ?? hash,
      requestedFor: {
        ...fleet.requestedFor,
        image: fleet.requestedFor.image ?? first,
        settings: fleet.requestedFor.settings ?? hash,
      },
    },
  }));
}

/** The image that is asked for now; the configuration's where the parameter has none that is taken. */
export async function wishedImage(calls: PendingCalls): Promise<string> {
  const wanted = await fleetImage(calls);
  return "image" in wanted ? wanted.image : calls.config.ztunnel.image;
}

/**
 * The image that the fleet should have, or what stands in its place and why it is not taken. A parameter that has had a
 * value and is gone says nothing about the image: nobody has asked for the configuration's.
 */
async function fleetImage(calls: PendingCalls) {
  const { config, parameters } = calls;
  const { imageParameter, image } = config.ztunnel;
  if (imageParameter === undefined) return { image };
  const text = (await parameters.getParameter(imageParameter))?.trim();
  const isSeen = (await calls.ledger.getFleet()).requestedFor.imageParameter === imageParameter;
  if (text === undefined) {
    if (!isSeen) return { image };
    const failure = new AutopilotError("image-parameter-missing", imageParameter);
    return { rejected: `no parameter ${imageParameter}`, failure };
  }
  if (!isSeen) {
    await calls.ledger.changeFleet((fleet) => ({
      next: { ...fleet, requestedFor: { ...fleet.requestedFor, imageParameter } },
    }));
  }
  try {
    return { image: allowedImage(text, config) };
  } catch (error) {
    return { rejected: text, failure: asAutopilotError(error) };
  }
}

/** The same, without an image that is newer than istiod: it is asked for again when istiod has another version. */
async function newFleetImage(current: string | undefined, calls: PendingCalls) {
  const found = await fleetImage(calls);
  if (!("image" in found) || found.image === current) return found;
  try {
    return { image: await runnableImage(found.image, {}, calls) };
  } catch (error) {
    const failure = asAutopilotError(error);
    if (failure.code !== "version-skew") throw failure;
    return { rejected: failure.detail, failure };
  }
}

const newImage: Find = async (fleet, calls) => {
  const found = await newFleetImage(fleet.image?.image, calls);
  if ("image" in found) {
    const why = `The fleet's image is ${found.image} now.`;
    return newValue({ member: "image", value: found.image }, why, fleet, calls);
  }
  const seenText = { value: found.rejected, shown: found.rejected };
  const standing = await sight({ key: "image", of: "image" }, seenText, [], calls);
  if (standing === "contested") return undefined;
  // Nothing can be rolled out once the writers rest: the contest is over nevertheless.
  const rested = standing === "rests" && { rests: "image" };
  const seen = () => ({ image: found.rejected });
  if (found.rejected === fleet.requestedFor.image) return rested ? { wanted: undefined, seen, ...rested } : undefined;
  if (!(await claimRefusal(found.rejected, calls))) return undefined;
  const { code, detail } = found.failure;
  const id = rolloutIdOf({ kind: "upgrade", key: [found.rejected, fleet.requestedFor.changeCount].join("\n") });
  await calls.bus.putEvents([rolloutRefused({ rolloutId: id, kind: "upgrade", requestedBy: AUTOPILOT, code, detail })]);
  return { wanted: undefined, seen, ...rested };
};

/** How long a run may take to notify people, after which another one does. */
const NOTIFY_MS = 60_000;

/** True if the caller is to notify people of the refused image: nobody has, or is about to. */
async function claimRefusal(image: string, { ledger, now }: PendingCalls): Promise<boolean> {
  const { result = false } = await ledger.changeFleet((fleet) => {
    const { refusing } = fleet;
    const isClaimed = refusing?.image === image && refusing.untilMs > now();
    if (isClaimed || fleet.requestedFor.image === image) return {};
    return { next: { ...fleet, refusing: { image, untilMs: now() + NOTIFY_MS } }, result: true };
  });
  return result;
}

const newSettings: Find = async (fleet, calls) => {
  const why = "The sidecar's settings have changed, by the configuration or by a release of the autopilot.";
  return newValue({ member: "settings", value: settingsHash(calls.config) }, why, fleet, calls);
};

/**
 * Another value that the whole fleet should have. Open rollouts are compared with it: where it is the one that was
 * released last, they are rolled back; else the rollout that it calls for takes their place.
 */
async function newValue(
  wished: FleetValue,
  why: string,
  fleet: FleetState,
  calls: PendingCalls,
): Promise<FleetChange | undefined> {
  const { member, value } = wished;
  const open = (await openRollouts(fleet, calls.ledger)).filter(
    ({ kind, target }) => fleetValueOf(kind, target)?.member === member,
  );
  const standing = await sight({ key: member, of: member }, { value, shown: value }, open, calls);
  if (standing === "contested") return undefined;
  const rests = standing === "rests";
  const others = open.filter((one) => hasOtherWish(one, wished));
  if (!rests && value === fleet.requestedFor[member] && others.length === 0) return undefined;
  const seen = () => ({ [member]: value });
  const takesOver = rests || others.some(hasBegun);
  const canReturn = !rests && value === currentValue(fleet, member) && !others.some((one) => one.takesOver);
  if (canReturn && (await withdraw(others, why, calls))) {
    const now = await calls.ledger.getFleet();
    // A rollout may have ended, and have been released, just before its wish was gone.
    const isSettled = value === currentValue(now, member) && !(await isUnderWay(wished, now, calls));
    if (isSettled) return { wanted: undefined, seen };
  }
  const kind = member === "image" ? "upgrade" : "reconfigure";
  const id = rolloutIdOf({ kind, key: [value, fleet.requestedFor.changeCount].join("\n") });
  return {
    wanted: { ...automatic(id, why), kind, target: { [member]: value }, ...(takesOver && { takesOver }) },
    seen,
    ...(rests && { rests: member }),
  };
}

/** True while an operator's rollout of another value is under way or queued: this value will not last. */
async function isUnderWay(
  { member, value }: FleetValue,
  fleet: FleetState,
  { ledger }: PendingCalls,
): Promise<boolean> {
  const open = await openRollouts(fleet, ledger);
  return open.some(({ kind, target, requestedBy }) => {
    const brought = fleetValueOf(kind, target);
    return requestedBy !== AUTOPILOT && brought?.member === member && brought.value !== value;
  });
}

function newFacts(controlPlane: string): Find {
  return async (fleet, calls) => {
    const mesh = await calls.ledger.getMesh(controlPlane);
    const newest = mesh?.generations.at(-1);
    const before = fleet.requestedFor.factsIds[controlPlane];
    if (!mesh || !newest) return undefined;
    // Rolls read the facts themselves: where these changed and came back in between, some services may have others.
    const now = mesh.changeCount > 0 ? `${newest.id} ${mesh.changeCount}` : newest.id;
    const open = (await openRollouts(fleet, calls.ledger)).filter((one) => one.target.controlPlane === controlPlane);
    const subject = { key: factsSubject(controlPlane), of: "mesh-facts", controlPlane } as const;
    const standing = await sight(subject, { value: now, shown: factsWords(newest.facts) }, open, calls);
    if (standing === "contested") return undefined;
    const rests = standing === "rests";
    if (!rests && now === before) return undefined;
    const seen = ({ requestedFor: { factsIds } }: FleetState) => ({ factsIds: { ...factsIds, [controlPlane]: now } });
    if (before === undefined && mesh.generations.length === 1) return { wanted: undefined, seen };
    const kind = factsKindOf(mesh);
    const id = rolloutIdOf({
      kind,
      key: [controlPlane, newest.id, fleet.requestedFor.changeCount].join("\n"),
    });
    const wanted: Wanted = {
      ...automatic(id, whyOf(kind, controlPlane, newest.facts)),
      kind,
      scope: { controlPlane },
      target: { controlPlane, factsId: newest.id },
      emergency: dropsReleased(mesh),
    };
    return { wanted, seen, ...(rests && { rests: subject.key }) };
  };
}

/** The root CAs and the address, for people. */
function factsWords({ rootCaPem, istiodUrl }: MeshFacts): string {
  const roots = parseBundle(rootCaPem).certificates.map(({ subject, fingerprint256 }) => {
    return `${subject} (${fingerprint256.slice(0, 11)})`;
  });
  return `${roots.join(", ")}, ${istiodUrl}`;
}

function whyOf(kind: "rotate" | "endpoint", plane: string, { istiodUrl }: MeshFacts): string {
  if (kind === "rotate") return `The root CA or another fact of ${plane} has changed.`;
  return `istiod of ${plane} has the address ${istiodUrl} now: tasks that start with the old one can't reach it.`;
}

function automatic(id: string, why: string) {
  return { id, why, scope: {}, requestedBy: AUTOPILOT, overrides: {}, emergency: false } as const;
}
