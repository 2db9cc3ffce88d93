import type * as z from "zod";
import { AutopilotError } from "../../base/errors.ts";
import { type Config, imageSchema } from "../../config/config.ts";
import { isAllowedImage } from "../../config/images.ts";
import {
  type ControlAction,
  type ReleaseRequest,
  type RolloutControl,
  type RolloutRequest,
  releaseRequestSchema,
  rolloutControlSchema,
  rolloutRequestSchema,
} from "../../events/operator.ts";
import { endedStatuses, type Rollout, type RolloutStatus, requestedKinds } from "../../model/rollout.ts";

/**
 * What an operator asks for by `Rollout Requested`. Throws `AutopilotError`: `invalid-request`, which names every wrong
 * field, and `invalid-image` for an image that is not an image reference.
 */
export function parseRolloutRequest(detail: unknown): RolloutRequest {
  const [requested, rollback] = rolloutRequestSchema.options;
  const kind = kindOf(detail);
  if (kind === rollback.shape.kind.value) return parsed(rollback, detail);
  if (!requested.shape.kind.safeParse(kind).success) {
    throw new AutopilotError("invalid-request", `kind: one of ${[...requestedKinds, "rollback"].join(", ")}.`);
  }
  const request = parsed(requested, detail);
  if (request.image === undefined) return request;
  if (request.kind !== "upgrade") throw new AutopilotError("invalid-request", "image: only an upgrade brings one.");
  return { ...request, image: checkedImage(request.image) };
}

/**
 * What an operator asks for by `Rollout Control`. Throws `AutopilotError` `invalid-request`, which names every wrong
 * field.
 */
export function parseControl(detail: unknown): RolloutControl {
  return parsed(rolloutControlSchema, detail);
}

/**
 * What an operator asks for by `Release Requested`. Throws `AutopilotError` `invalid-request`, which names every wrong
 * field.
 */
export function parseRelease(detail: unknown): ReleaseRequest {
  return parsed(releaseRequestSchema, detail);
}

/** The image reference. Throws `AutopilotError` `invalid-image` for an invalid reference. */
export function checkedImage(text: string): string {
  const image = imageSchema.safeParse(text);
  if (image.success) return image.data;
  throw new AutopilotError("invalid-image", JSON.stringify(text.slice(0, 200)), { cause: image.error });
}

/** The image reference, if the configuration allows it. Throws `invalid-image` or `image-not-allowed`. */
export function allowedImage(text: string, { ztunnel }: Pick<Config, "ztunnel">): string {
  const image = checkedImage(text);
  if (isAllowedImage(image, ztunnel)) return image;
  throw new AutopilotError("image-not-allowed", image);
}

function kindOf(detail: unknown): unknown {
  return typeof detail === "object" && detail !== null ? Reflect.get(detail, "kind") : undefined;
}

function parsed<T>(schema: z.ZodType<T>, detail: unknown): T {
  const result = schema.safeParse(detail);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) =>
    path.length > 0 ? `${path.join(".")}: ${message}` : message,
  );
  throw new AutopilotError("invalid-request", `${problems.join("; ")}.`, { cause: result.error });
}

/**
 * The phases in which an operator may ask for an action, and those in which the rollout is what it would make of it.
 */
const phases: Readonly<
  Record<ControlAction, { readonly from: readonly RolloutStatus[]; readonly done: readonly RolloutStatus[] }>
> = {
  pause: { from: ["running", "awaiting-approval", "frozen"], done: ["paused"] },
  resume: { from: ["paused"], done: ["running"] },
  approve: { from: ["awaiting-approval"], done: [] },
  abort: { from: ["waiting", "running", "paused", "awaiting-approval", "frozen"], done: ["aborted"] },
  rollback: {
    from: ["running", "paused", "awaiting-approval", "frozen", "completed", "aborted", "failed"],
    done: ["rolling-back", "rolled-back"],
  },
};

/** An emergency that ends so may leave tasks cut off. */
const repeatedAfter: readonly RolloutStatus[] = ["completed", "failed", "rolled-back"];

/**
 * `wrong-phase` when the rollout can't do what an operator asks for, `root-ca-untrusted` for the rollback of an
 * emergency, else undefined. A control that the rollout has not
 * acted on yet counts as done: after an abort, only a rollback is accepted. A repeat is accepted, see `repeatsControl`.
 */
export function allowedControl(
  rollout: Pick<Rollout, "id" | "status" | "control" | "approved" | "emergency">,
  action: ControlAction,
): AutopilotError | undefined {
  if (action === "rollback" && rollout.emergency) {
    return new AutopilotError(
      "root-ca-untrusted",
      `${rollout.id} has replaced a root CA that istiod no longer signs with.`,
    );
  }
  const phase = phaseOf(rollout);
  const { from } = phases[action];
  // An emergency that has ended is repeated by itself, until somebody stops it.
  if (action === "abort" && rollout.emergency && repeatedAfter.includes(phase)) return undefined;
  if (from.includes(phase) || repeatsControl(rollout, action)) return undefined;
  return new AutopilotError("wrong-phase", `${rollout.id} is ${phase}; ${action} needs ${from.join(", ")}.`);
}

/**
 * True if the rollout is already what the action would make of it: events may arrive twice, and operators are
 * impatient. Such a control is accepted and changes nothing.
 */
export function repeatsControl(
  rollout: Pick<Rollout, "status" | "control" | "approved">,
  action: ControlAction,
): boolean {
  const phase = phaseOf(rollout);
  if (action === "abort" && rollout.control?.action === "abort") return true;
  if (action === "approve") return rollout.approved !== undefined && phase !== "awaiting-approval";
  return phases[action].done.includes(phase);
}

const pending = { pause: "paused", abort: "aborted", rollback: "rolling-back" } as const;

/** A pause or an abort has no effect on a rollout that ended before it could act on it. */
function phaseOf({ status, control }: Pick<Rollout, "status" | "control">): RolloutStatus {
  if (!control || status === "rolling-back" || status === "rolled-back") return status;
  return control.action === "rollback" || !endedStatuses.includes(status) ? pending[control.action] : status;
}
