import { isDeepStrictEqual } from "node:util";
import { AutopilotError, asAutopilotError, type FailureCode } from "../../base/errors.ts";
import { matches } from "../../base/wildcard.ts";
import type { Config, ControlPlaneConfig } from "../../config/config.ts";
import { openWindow } from "../../config/freeze.ts";
import { settingsHash } from "../../enrollment/settings-hash.ts";
import { refusedSkew, wordsOf } from "../../enrollment/version-skew.ts";
import type { RolloutRequest } from "../../events/operator.ts";
import { rolloutRefused } from "../../events/rollout-events.ts";
import { type Rollout, type RolloutKind, rolloutSchema, type Scope } from "../../model/rollout.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";
import type { BusCalls, ExecutionCalls } from "../../ports/ports.ts";
import { expiryAfter } from "../../rollout/expiry.ts";
import { rolloutIdOf } from "../../rollout/identity.ts";
import { resolvedPolicy } from "../../rollout/pace.ts";
import { afterMovedOn, hasMovedOn, isReplaced } from "../../rollout/wish.ts";
import { tokensOf, waits, wake } from "./hold-rollout.ts";
import { notifyRefusal } from "./notify-refusal.ts";
import { advanceQueue, announce, enqueue, hasEnded, leaveQueue, openIds, type QueueCalls } from "./queue.ts";
import { type RecordAttemptCalls, recordAttempt } from "./record-attempt.ts";
import { allowedImage } from "./validate.ts";

export interface RequestCalls extends QueueCalls {
  readonly config: Config;
  readonly ledger: QueueCalls["ledger"] &
    Pick<RolloutLedger, "createRollout"> &
    Pick<Ledger, "getMesh"> &
    RecordAttemptCalls["ledger"];
  readonly fleetExecutions: QueueCalls["fleetExecutions"] & Pick<ExecutionCalls, "sendTaskSuccess">;
  readonly bus: BusCalls;
  readonly now: () => number;
}

/** A rollout as an operator, or a change of the fleet, asks for it. */
export interface Wanted {
  readonly id: string;
  readonly kind: RolloutKind;
  readonly scope: Scope;
  readonly target: Rollout["target"];
  readonly why: string;
  readonly requestedBy: string;
  readonly overrides: Rollout["overrides"];
  readonly emergency: boolean;
  /** The rollout of the same emergency that came first. */
  readonly repeats?: string;
  /** It waits for somebody before its first wave. */
  readonly control?: Rollout["control"];
  /** It goes on where a rollout under way stops, whose wish has moved on. */
  readonly takesOver?: boolean;
}

type NewRollout = Exclude<RolloutRequest, { kind: "rollback" }>;

export type Requested =
  | { readonly did: "queued" | "exists"; readonly rolloutId: string }
  | { readonly did: "refused"; readonly rolloutId: string; readonly code: FailureCode };

/**
 * Queues the rollout that an operator asks for, and starts it if no other is under way. A request that can't be carried
 * out changes nothing: it is refused with a code, by an event, and recorded under its id. `eventId` identifies the
 * rollout where the request does not.
 */
export async function requestRollout(
  request: RolloutRequest,
  eventId: string,
  calls: RequestCalls,
): Promise<Requested> {
  if (request.kind === "rollback") throw new AutopilotError("invalid-request", "A rollback is a matter of control.");
  const rolloutId = request.rolloutId ?? rolloutIdOf({ kind: request.kind, key: eventId });
  const { kind, scope, why, requestedBy, overrides } = request;
  const asked = { id: rolloutId, kind, scope, why, requestedBy, overrides };
  const known = await calls.ledger.getRollout(rolloutId);
  if (known && isAnother(known, request)) {
    const detail = `rolloutId: ${rolloutId} is another rollout's: leave it out, or choose another.`;
    const code = "invalid-request";
    await notifyRefusal(eventId, rolloutRefused({ rolloutId, kind, requestedBy, code, detail }), calls);
    return { did: "refused", rolloutId, code };
  }
  try {
    const target = await targetOf(request, calls);
    const emergency = await isEmergency({ kind, target }, calls);
    checkFreeze({ overrides, emergency }, calls);
    return await queueAsked({ ...asked, target, emergency }, calls);
  } catch (error) {
    const failure = asAutopilotError(error);
    if (failure.retryable) throw failure;
    return refuse({ ...asked, target: {}, emergency: false }, failure, eventId, calls);
  }
}

/**
 * True for a rollout that the request did not lead to: it does something else, or was refused. A request that is
 * delivered again is known by its event, where it was refused.
 */
function isAnother(known: Rollout, { kind, scope, overrides, image }: NewRollout): boolean {
  if (known.status === "refused") return true;
  const isSame = known.kind === kind && (kind !== "upgrade" || known.target.image === image);
  return !isSame || !isDeepStrictEqual([known.scope, known.overrides], [scope, overrides]);
}

/** While tasks are cut off, the rotation of their control plane is an emergency, also where an operator asks for it. */
async function isEmergency(
  { kind, target: { controlPlane } }: Pick<Wanted, "kind" | "target">,
  { ledger }: RequestCalls,
): Promise<boolean> {
  if (kind !== "rotate" || controlPlane === undefined) return false;
  return (await ledger.getMesh(controlPlane))?.emergency !== undefined;
}

/** Throws `frozen` where a freeze window would hold it at once. */
function checkFreeze(wanted: Pick<Wanted, "overrides" | "emergency">, { config, now }: RequestCalls): void {
  const policy = config.policy.rollout;
  const window = openWindow(policy.freezeWindows, now());
  if (!window || resolvedPolicy(wanted, policy).ignoreFreeze) return;
  throw new AutopilotError("frozen", `It ends at ${new Date(window.until).toISOString()}.`);
}

async function queueAsked(wanted: Wanted, calls: RequestCalls): Promise<Requested> {
  const { controlPlane } = wanted.target;
  // A request that comes again, after others, is not the last attempt.
  if (wanted.emergency && controlPlane !== undefined && !(await calls.ledger.getRollout(wanted.id)))
    await recordAttempt(controlPlane, wanted, calls);
  return queueRollout(wanted, calls);
}

/** Records the rollout and puts it at the end of the queue, once for an id. Starts it if no other is under way. */
export async function queueRollout(wanted: Wanted, calls: RequestCalls): Promise<Requested> {
  await announce(wanted.id, calls);
  const created = await calls.ledger.createRollout(rolloutOf(wanted, "waiting", calls));
  const rollout = await calls.ledger.getRollout(wanted.id);
  if (rollout && !hasEnded(rollout)) await supersedeOlder(rollout, calls);
  if (rollout) await enqueue(rollout.id, calls);
  await advanceQueue(calls);
  return { did: created ? "queued" : "exists", rolloutId: wanted.id };
}

/**
 * A newer rollout of the same kind and scope takes the place of one that has not begun, and of one under way whose wish
 * has moved on.
 */
async function supersedeOlder(newer: Rollout, calls: RequestCalls): Promise<void> {
  const at = new Date(calls.now()).toISOString();
  const fleet = await calls.ledger.getFleet();
  for (const id of openIds(fleet).filter((one) => one !== newer.id)) {
    const hasTurn = id === fleet.currentRolloutId;
    const changed = await calls.ledger.changeRollout(id, (older) => {
      if (!hasTurn && isReplaced(newer, older)) {
        const reason = { code: "superseded", detail: `by ${newer.id}` };
        return { next: { ...older, status: "superseded", reason, finishedAt: at } };
      }
      if (!hasMovedOn(newer, older)) return {};
      const next = afterMovedOn(older, { why: newer.why, at, hasTurn });
      return { next, result: waits(next) ? [] : tokensOf(older) };
    });
    await wake(changed?.result ?? [], calls.fleetExecutions);
    if (!hasTurn && (!changed || hasEnded(changed.stored))) await leaveQueue(id, calls);
  }
}

async function targetOf(request: NewRollout, calls: RequestCalls): Promise<Rollout["target"]> {
  const { kind, image, scope } = request;
  if (kind !== "upgrade" && image !== undefined) {
    throw new AutopilotError("invalid-request", `An image goes with an upgrade, not with ${kind}.`);
  }
  if (scope.controlPlane !== undefined && !isControlPlane(scope.controlPlane, calls.config)) {
    throw new AutopilotError("invalid-request", `There is no control plane called ${scope.controlPlane}.`);
  }
  switch (kind) {
    case "upgrade":
      if (image === undefined) throw new AutopilotError("invalid-request", "An upgrade needs an image.");
      return { image: await runnableImage(allowedImage(image, calls.config), scope, calls) };
    case "rotate": {
      if (scope.controlPlane === undefined) return {};
      const mesh = await calls.ledger.getMesh(scope.controlPlane);
      const factsId = mesh?.generations.at(-1)?.id;
      return { controlPlane: scope.controlPlane, ...(factsId !== undefined && { factsId }) };
    }
    case "reconfigure":
      return { settings: settingsHash(calls.config) };
    case "unenroll":
      if (Object.keys(scope).length > 0) {
        throw new AutopilotError("invalid-request", "Only the whole fleet leaves by a rollout: untag single services.");
      }
      return {};
  }
}

/**
 * The image, unless it is newer than the istiod of a control plane that the scope may have services of. Throws
 * `version-skew`.
 */
export async function runnableImage(
  image: string,
  scope: Scope,
  { config, ledger }: Pick<RequestCalls, "config" | "ledger">,
): Promise<string> {
  for (const plane of config.controlPlanes.filter((one) => mayServe(one, scope))) {
    const mesh = await ledger.getMesh(plane.name);
    const skew = refusedSkew(image, mesh?.generations.at(-1)?.facts.istiodVersion, config);
    if (skew) throw new AutopilotError("version-skew", `${image} in ${plane.name}: ${wordsOf(skew)}`);
  }
  return image;
}

/** True if the control plane may have services in the scope, by its accounts and regions. */
function mayServe({ name, serves }: ControlPlaneConfig, { controlPlane, accounts, regions }: Scope): boolean {
  if (controlPlane !== undefined) return controlPlane === name;
  return serves.some(
    (one) =>
      (accounts?.includes(one.account) ?? true) &&
      (regions?.some((pattern) => one.regions.some((region) => matches(pattern, region))) ?? true),
  );
}

function isControlPlane(name: string, { controlPlanes }: Config): boolean {
  return controlPlanes.some((plane) => plane.name === name);
}

async function refuse(
  wanted: Wanted,
  failure: AutopilotError,
  eventId: string,
  calls: RequestCalls,
): Promise<Requested> {
  const { id: rolloutId, kind, requestedBy } = wanted;
  const { code, detail } = failure;
  const reason = { code, detail };
  const refused = { ...rolloutOf(wanted, "refused", calls), reason, finishedAt: new Date(calls.now()).toISOString() };
  // Emit before recording: after a crash in between, the event is emitted twice rather than never.
  if (!(await calls.ledger.getRollout(rolloutId))) {
    await notifyRefusal(eventId, rolloutRefused({ rolloutId, kind, requestedBy, code, detail }), calls);
    await calls.ledger.createRollout(refused);
  }
  return { did: "refused", rolloutId, code };
}

function rolloutOf(wanted: Wanted, status: Rollout["status"], { now, config }: RequestCalls): Rollout {
  const { retentionDays } = config.policy.rollout;
  return rolloutSchema.parse({
    shape: 1,
    version: 0,
    ...wanted,
    requestedAt: new Date(now()).toISOString(),
    status,
    expiresAt: expiryAfter(now(), retentionDays),
  });
}
