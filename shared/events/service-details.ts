import * as z from "zod";
import { serviceArnSchema } from "../base/arn.ts";
import { driftReasonNames, refusalNames, warningNames } from "../model/reasons.ts";
import { failureCode, text, version } from "./fields.ts";

/*
 * Details of the events about one service. Unknown members are errors: what is not named here, a token least of all, is
 * not emitted.
 */

/** The members that name the service. */
export const serviceFields = {
  version,
  serviceArn: serviceArnSchema,
  clusterArn: z.string(),
  account: z.string(),
  region: z.string(),
};
/** Set when the roll belongs to a rollout, which has a message of its own. */
const inRollout = { rolloutId: z.string().optional() };
/** What the end of a roll may say, besides how the roll ended. */
const rollEnd = {
  /** Something asked to reconcile the service during the roll. */
  recheckRequested: z.literal(true).optional(),
  /** People have been notified of the very same before. */
  known: z.literal(true).optional(),
};
const changeFields = {
  ...serviceFields,
  executionName: z.string(),
  ...inRollout,
  /** The revision that the service runs now, and the one before. */
  taskDefinitionArn: z.string(),
  previousTaskDefinitionArn: z.string().optional(),
  /**
   * `pending`: the service runs no task that could show whether its revision works. `late`: its first tasks since have
   * shown that. Absent: verified by the roll that deployed it.
   */
  verification: z.enum(["pending", "late"]).optional(),
};
const sidecarFields = {
  namespace: z.string().optional(),
  serviceAccount: z.string().optional(),
  image: z.string().optional(),
  secretVersionId: z.string().optional(),
};
const drift = z.enum(driftReasonNames);

/** `Service Enrolled`: the service is in the mesh, verified unless it runs no task. */
export const enrolledDetail = () => z.strictObject({ ...changeFields, ...sidecarFields });

/** `Service Updated`: the service was in the mesh and is as desired again, verified unless it runs no task. */
export const updatedDetail = () =>
  z.strictObject({
    ...changeFields,
    ...sidecarFields,
    drift: z.array(drift),
    recheckRequested: rollEnd.recheckRequested,
  });

/** `Service Unenrolled`: the service is out of the mesh, its definition as it was before. */
export const unenrolledDetail = () =>
  z.strictObject({ ...changeFields, reason: z.enum(["tag-removed", "tag-false"]).optional() });

/** `Service Refused`: the service is tagged, and its tags or what it runs can't be followed. Nothing was changed. */
export const refusedDetail = () =>
  z.strictObject({
    ...serviceFields,
    executionName: z.string().optional(),
    ...inRollout,
    ...rollEnd,
    /** The service is in the mesh, and stays there as it is. */
    enrolled: z.literal(true).optional(),
    refusals: z.array(z.strictObject({ reason: z.enum(refusalNames), detail: text })).min(1),
  });

/** `Service Warned`: the service is enrolled nevertheless. */
export const warnedDetail = () =>
  z.strictObject({
    ...serviceFields,
    warnings: z.array(z.strictObject({ code: z.enum(warningNames), detail: text })).min(1),
  });

/** `Service Roll Failed`. */
export const rollFailedDetail = () =>
  z.strictObject({
    ...serviceFields,
    executionName: z.string(),
    ...inRollout,
    ...rollEnd,
    code: failureCode,
    /** Which container of which task failed, and how. */
    sentence: text,
    /** True: the service runs `revertedTo` again. False: it does not, and somebody has to check it. */
    reverted: z.boolean(),
    /** The roll has deployed nothing: the service runs on as it was. */
    unchanged: z.literal(true).optional(),
    failedTaskDefinitionArn: z.string().optional(),
    revertedTo: z.string().optional(),
    consecutiveFailures: z.int().positive().optional(),
    /** The same change is not tried again before. */
    nextAttemptAt: z.iso.datetime().optional(),
  });

/** `Service Unhealthy`: an enrolled service's tasks keep dying while no roll is under way, or it waits for somebody. */
export const unhealthyDetail = () =>
  z.strictObject({
    ...serviceFields,
    taskDefinitionArn: z.string(),
    code: failureCode,
    /** Which container of which task died last, and how; or how many tasks run. */
    sentence: text,
    since: z.iso.datetime(),
    /** How many have died since; absent where the last roll could not be reverted. */
    stoppedTasks: z.int().positive().optional(),
  });

/** `Service Contested`: another controller puts its revision back after each correction. */
export const contestedDetail = () =>
  z.strictObject({
    ...serviceFields,
    /** The revision that the other controller deploys, and the autopilot's own. */
    taskDefinitionArn: z.string(),
    ownRevisionArn: z.string().optional(),
    /** How often it was corrected. */
    corrections: z.int().positive(),
    /** The next correction. */
    until: z.iso.datetime(),
  });

/** `Service Throttled`: its tags change too often: what they ask for then is done later. */
export const throttledDetail = () =>
  z.strictObject({ ...serviceFields, rolls: z.int().positive(), until: z.iso.datetime() });

/** `Service Roll Superseded`: somebody else deployed during the roll, which ended without touching anything more. */
export const rollSupersededDetail = () =>
  z.strictObject({
    ...serviceFields,
    executionName: z.string(),
    ...inRollout,
    recheckRequested: rollEnd.recheckRequested,
    reason: text,
  });

/**
 * `Drift Corrected`: somebody else's change had taken the service out of what it should be, and it is so again. Without
 * `executionName`, no roll was needed.
 */
export const driftCorrectedDetail = () =>
  z.strictObject({ ...changeFields, executionName: z.string().optional(), drift: z.array(drift).min(1) });
