import * as z from "zod";
import { openEnum, openObject } from "../base/lenient.ts";
import { deploymentEventNames } from "../base/vocabulary.ts";
import { assignedImageSchema } from "./rollout.ts";

/**
 * How a roll ended. `superseded`: somebody else deployed during the roll, and nothing was touched since. `unverified`:
 * the service has its revision and runs no task that could show whether it works.
 */
export const rollOutcomes = [
  "succeeded",
  "unverified",
  "reverted",
  "superseded",
  "revert-failed",
  "failed",
  "refused",
] as const;
export type RollOutcome = (typeof rollOutcomes)[number];

/** What an ECS deployment event reported about the deployment that a roll waits for. */
export const signalSchema = openObject({
  deploymentId: z.string().min(1),
  eventName: openEnum([deploymentEventNames.completed, deploymentEventNames.failed]),
  reason: z.string(),
});
export type Signal = z.infer<typeof signalSchema>;

/** The roll that holds the service's lease. */
export const rollSchema = openObject({
  executionName: z.string().min(1),
  /** Lease's end, epoch milliseconds. */
  leaseUntil: z.int().nonnegative(),
  /** Set before the first call that changes something, so that a retry checks the effects of the earlier attempt. */
  applyStartedAt: z.iso.datetime().optional(),
  /** The deployment that is waited for, and its revision. */
  deploymentId: z.string().optional(),
  targetRevisionArn: z.string().optional(),
  /** The revision that a failed roll reverts to. A deployment of it during the roll is ECS's own rollback. */
  revisionBeforeArn: z.string().optional(),
  /** The revision that a failed roll returns to: the pinned one, its copy, or a next choice. Set before it is tried. */
  revertRevisionArn: z.string().optional(),
  /** The secret version that it pins, if it pins one. */
  revertSecret: z.string().optional(),
  /** Which of the choices it is. */
  revertChoice: z.string().optional(),
  /** The choices whose deployments failed, too. */
  failedChoices: z.array(z.string()).optional(),
  /** The tags that this roll has put on the service, and the service's `propagateTags` before it. */
  addedTagKeys: z.array(z.string()).optional(),
  propagateTagsBefore: z.string().optional(),
  taskToken: z.string().optional(),
  signal: signalSchema.optional(),
});
export type Roll = z.infer<typeof rollSchema>;

/** What a revision of a service holds outside of its task definition. */
export const heldSchema = openObject({
  namespace: z.string(),
  serviceAccount: z.string(),
  /** The role that the service account is bound to. */
  roleArn: z.string(),
  /** The secret of its token, and the role that reads it. */
  secretName: z.string(),
  executionRoleArn: z.string(),
});
export type Held = z.infer<typeof heldSchema>;

/** Tasks that died one after the other while no roll was under way. Times are epoch milliseconds. */
export const stopsSchema = openObject({
  revisionArn: z.string(),
  count: z.int().positive(),
  sinceMs: z.int().nonnegative(),
  lastMs: z.int().nonnegative(),
  /** Why the last one died. */
  code: z.string(),
  sentence: z.string(),
  /** The tasks that were counted last, so that none counts twice. */
  taskIds: z.array(z.string()),
});
export type Stops = z.infer<typeof stopsSchema>;

/** Who else uses the service's task definition family. */
export const sharedFamilySchema = openObject({
  family: z.string(),
  /** Some of the other services whose current revision is of the family, as `cluster/service`. */
  services: z.array(z.string()).default([]),
  /** A revision that somebody else has registered after the one that the service ran. */
  newer: z.string().optional(),
});
export type SharedFamily = z.infer<typeof sharedFamilySchema>;

const registeredSchema = openObject({ contentHash: z.string(), taskDefinitionArn: z.string() });

/** How often a service got its sidecar or its settings again after the same content was deployed. */
export const correctionsSchema = openObject({
  /** What was deployed, as a hash. */
  content: z.string(),
  /** Epoch milliseconds, those of an hour. */
  atMs: z.array(z.int().nonnegative()),
  /** Another controller puts the content back: how many waits there were, and the end of the last one. */
  waits: z.int().nonnegative(),
  untilMs: z.int().nonnegative().optional(),
});
export type Corrections = z.infer<typeof correctionsSchema>;

/** What somebody is about to notify people of: nobody else does the same until then, epoch milliseconds. */
const noticeSchema = openObject({
  text: z.string(),
  by: z.string().optional(),
  untilMs: z.int().nonnegative(),
});

/** The members that record of what people were notified, and where somebody who is about to do so says so. */
export const noticeMembers = {
  notifiedRefusals: "refusalsNotice",
  notifiedWarnings: "warningsNotice",
  notifiedUnhealthy: "unhealthyNotice",
  notifiedContested: "contestedNotice",
  notifiedThrottled: "throttledNotice",
  notifiedShared: "sharedNotice",
  notifiedOrphaned: "orphanedNotice",
} as const;
export type NoticeMember = keyof typeof noticeMembers;

export const serviceStateSchema = openObject({
  shape: z.literal(1),
  serviceArn: z.string().min(1),
  /** When ECS created the service, epoch milliseconds: one of the same name that is created later is another one. */
  createdAtMs: z.int().nonnegative().optional(),
  /** True once the autopilot has put (or found) its sidecar; false after unenrolling. */
  enrolled: z.boolean().default(false),
  /**
   * The control plane whose mesh it is in. It stays when the configuration changes. Absent where an earlier version
   * enrolled the service and no sweep has seen it since.
   */
  controlPlane: z.string().min(1).optional(),
  /** No sweep can read it any more: why, since when, and whether people know. Epoch milliseconds. */
  orphaned: openObject({
    why: z.string(),
    sinceMs: z.int().nonnegative(),
    isNotified: z.boolean().default(false),
  }).optional(),
  /** ECS does not have it any more: since when, as a sweep has found it, epoch milliseconds. */
  goneSinceMs: z.int().nonnegative().optional(),
  /** Number of the next roll: rises when one ends. Part of the execution's name. */
  attemptNumber: z.int().nonnegative().default(0),
  /** What the failed rolls tried: observed revision and desired content, hashed. */
  failedAttemptKey: z.string().optional(),
  consecutiveFailures: z.int().nonnegative().default(0),
  /** The same situation is not tried again before this time, epoch milliseconds. */
  notBefore: z.int().nonnegative().optional(),
  roll: rollSchema.optional(),
  lastGoodRevisionArn: z.string().optional(),
  /** The secret version that it pins. Absent where it pins none, or where that was not recorded. */
  lastGoodSecret: z.string().optional(),
  /** The image of the sidecar that the last good revision in the mesh has. Absent where that was not recorded. */
  lastGoodImage: z.string().optional(),
  /**
   * A revision that was deployed while the service ran no task, and the revision to return to if its first tasks fail.
   * They are verified once there are any.
   */
  unverified: openObject({
    revisionArn: z.string(),
    pinnedRevisionArn: z.string(),
    pinnedSecret: z.string().nullable(),
    /** The content that its roll brought, as a hash. Absent where an earlier version deployed it. */
    content: z.string().optional(),
  }).optional(),
  /** Secret versions that the running and the last good revision pin: `secret-arn:::version-id`. */
  secretsInUse: z.array(z.string()).default([]),
  /** The secret that its revision pins, as a sweep has found it deleted for good. */
  secretGone: z.string().optional(),
  /**
   * What its revisions hold outside of their task definitions, the latest last. It is recorded before it is given.
   * Absent where an earlier version enrolled the service and no sweep has seen it since.
   */
  held: z.array(heldSchema).optional(),
  lastOutcome: openObject({
    outcome: openEnum(rollOutcomes),
    reason: z.string(),
    executionName: z.string(),
    at: z.iso.datetime(),
  }).optional(),
  /** Its last change could not be reverted: since when, and why. What ends without a change leaves it so. */
  stranded: openObject({ since: z.iso.datetime(), reason: z.string() }).optional(),
  /** The refusals that were notified last, so that each is notified once. */
  notifiedRefusals: z.string().optional(),
  notifiedWarnings: z.string().optional(),
  /** The series of deaths, or the day without anybody's action, that was notified last. */
  notifiedUnhealthy: z.string().optional(),
  /** The content that another controller puts back, which was notified last. */
  notifiedContested: z.string().optional(),
  /** Until when its tags had to wait when people were notified of that last. */
  notifiedThrottled: z.iso.datetime().optional(),
  /** The failure of something that services share, and the day, of which people were notified last. */
  notifiedShared: z.string().optional(),
  /** Why no sweep can read it any more, as people were notified last. */
  notifiedOrphaned: z.string().optional(),
  corrections: correctionsSchema.optional(),
  stops: stopsSchema.optional(),
  /** The rollout that has given it its revision: tasks that die are that rollout's failures while it runs. */
  rolledBy: openObject({ id: z.string(), ordinal: z.int().nonnegative() }).optional(),
  /** A correction without a deployment that was reported: nobody reports the same until then, epoch milliseconds. */
  repaired: openObject({ text: z.string(), untilMs: z.int().nonnegative() }).optional(),
  refusalsNotice: noticeSchema.optional(),
  warningsNotice: noticeSchema.optional(),
  unhealthyNotice: noticeSchema.optional(),
  contestedNotice: noticeSchema.optional(),
  throttledNotice: noticeSchema.optional(),
  sharedNotice: noticeSchema.optional(),
  orphanedNotice: noticeSchema.optional(),
  /** Something asked for a reconcile while a roll held the lease: the end of the roll leads to one. */
  recheckRequested: z.literal(true).optional(),
  /**
   * The change that it lacked when a restored ledger adopted it, as an attempt key: that one waits for a rollout which
   * somebody approves.
   */
  adopted: z.string().optional(),
  /** Tags that istiod reads and that the autopilot has added: unenrolling takes them away. */
  addedTagKeys: z.array(z.string()).default([]),
  /** The service's `propagateTags` before its enrollment has set it: unenrolling gives it back. */
  propagateTagsBefore: z.string().optional(),
  /** Its tasks were read and carry the tags of this `taskTagsMark`. */
  taskTags: z.string().optional(),
  /** What the last deployment for the tasks' tags was to bring (`taskTagsKey`), until tasks are read that carry it. */
  taskTagsTried: z.string().optional(),
  /** When a sweep last found that somebody had changed the tags of running tasks themselves, epoch milliseconds. */
  taskTagsChangedMs: z.int().nonnegative().optional(),
  /** As sweeps have found it. Absent where nobody else uses the family. */
  sharedFamily: sharedFamilySchema.optional(),
  /** The value of the ports tag that the autopilot has added: another one is somebody else's. */
  givenPorts: z.string().optional(),
  /** The image that a rollout has given it. Counts until the whole fleet is given one later. */
  image: assignedImageSchema.optional(),
  /** A revision that was registered for a content: registering it again is not needed. */
  registered: registeredSchema.optional(),
  /** The one before it, for tags that alternate. */
  registeredBefore: registeredSchema.optional(),
  /** When rolls were started for other wishes, within an hour: epoch milliseconds, the oldest first. */
  wishRolls: z.array(z.int().nonnegative()).optional(),
});
export type ServiceState = z.infer<typeof serviceStateSchema>;

/** Members to set; `null` removes a member. */
export type ServicePatch = {
  readonly [K in Exclude<keyof ServiceState, "shape" | "serviceArn" | "roll">]?: ServiceState[K] | null;
};
export type RollPatch = { readonly [K in Exclude<keyof Roll, "executionName">]?: Roll[K] | null };

/** True while a roll holds the service's lease. */
export function holdsLease(state: ServiceState | undefined, nowMs: number): boolean {
  return state?.roll !== undefined && state.roll.leaseUntil > nowMs;
}
