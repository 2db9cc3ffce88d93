/**
 * What the steps of RollService hand on. Parsed at every step. Never holds a token or a task definition.
 *
 * An execution that is under way goes on with the code of a later or an earlier version: members that this one doesn't
 * know are ignored, new ones have defaults. What only ends a roll, `Finish` and `Revert`, takes all that it can work
 * with: a service that is not returned and a lease that is not released are worse than an ending that lacks a detail.
 */
import * as z from "zod";
import { serviceArnSchema } from "../../base/arn.ts";
import { failureCodeOf } from "../../base/errors.ts";
import { rollOrderSchema } from "../../rollout/steps.ts";

/**
 * `rollback`: return to the revision before a rollout. `verify`: nothing is changed; the first tasks of a revision that
 * was deployed while the service ran none are verified.
 */
export const changeSchema = z.enum(["enroll", "update", "unenroll", "rollback", "verify"]);

const refusalSchema = z.object({ reason: z.string(), detail: z.string() });

const applyPlanSchema = z.object({
  action: z.literal("apply"),
  outcome: z.literal("planned"),
  change: changeSchema,
  /** Reasons that a later version has found may be among them. */
  drift: z.array(z.string()),
  observedRevisionArn: z.string(),
  /** The revision that a failed roll reverts to. */
  pinnedRevisionArn: z.string(),
  /** The secret version that the pinned revision starts from, if it has one. */
  pinnedSecret: z.string().nullable().default(null),
  /** When the service was created that this plan is for; null where that is not known. */
  serviceCreatedAtMs: z.int().nullable().default(null),
  /** What it is to bring to the tags of tasks, where that is why it deploys. */
  taskTagsTried: z.string().nullable().default(null),
  /** The cluster's tags that decisions depend on, so that the next step need not read them again. */
  clusterTags: z.record(z.string(), z.string()),
  /** False where the cluster has no room for the tag by which istiod finds its tasks: nothing can prove them. */
  isDiscovered: z.boolean().default(true),
  /**
   * The workload's Kubernetes namespace and service account, and its ztunnel's image; null when it leaves the mesh.
   */
  namespace: z.string().nullable(),
  serviceAccount: z.string().nullable(),
  image: z.string().nullable(),
  /** The ports tag that a rollback gives the service where it has none; null where it needs none. */
  ports: z.string().nullable().default(null),
  /** An update whose service account is bound to its role already: namespace and binding stay as they are. */
  isBound: z.boolean().default(false),
  /** Why the service goes on with the identity that it runs with, instead of the one that its tags ask for. */
  identityConflict: z.string().nullable().default(null),
  startedAtMs: z.int(),
  /** What failed attempts at this change are counted under. */
  attemptKey: z.string(),
  /** The content that the roll brings or verifies, as a hash; null where there is none, or by an older plan. */
  content: z.string().nullable().default(null),
  /** What its rollout brings to the service beside the newest mesh facts; null: it belongs to none. */
  rollout: z.object({ image: z.string().nullable(), leave: z.boolean() }).nullable().default(null),
});

const finishPlanSchema = z.object({
  action: z.literal("finish"),
  outcome: z.enum(["superseded", "refused"]),
  reason: z.string(),
  refusals: z.array(refusalSchema).default([]),
});

/** What the plan step decided. `finish` ends the roll without a change. */
export const planSchema = z.discriminatedUnion("action", [applyPlanSchema, finishPlanSchema]);
export type Plan = z.infer<typeof planSchema>;
export type ApplyPlan = Extract<Plan, { action: "apply" }>;

/** The awaited deployment. */
export const watchSchema = z.object({
  deploymentId: z.string(),
  targetRevisionArn: z.string(),
  /** ECS's circuit breaker returns to this revision; null where the watched deployment itself is a revert. */
  revisionBeforeArn: z.string().nullable(),
  deadlineMs: z.int(),
  pollIntervalSeconds: z.int().positive(),
  desiredCount: z.int().nonnegative(),
  /** Where the mesh must know the tasks; null when they leave the mesh. */
  namespace: z.string().nullable(),
  /** As whom the mesh must know them. */
  serviceAccount: z.string().nullable().default(null),
  /** The same as in the plan. */
  isDiscovered: z.boolean().default(true),
  /** The secret version that the target revision pins, if it has one. */
  secretInUse: z.string().nullable(),
});
export type Watch = z.infer<typeof watchSchema>;

/** How the wait for a deployment ended. */
export const endedSchema = z.object({
  verdict: z.enum(["succeeded", "failed", "superseded"]),
  code: z.string().nullable(),
  detail: z.string(),
});
export type Ended = z.infer<typeof endedSchema>;

/** A failure as a Catch or a verdict describes it. */
export type StepFailure =
  | { readonly error: string; readonly cause: string }
  /** The verdict may be one of a later version. */
  | { readonly verdict: string; readonly code: string | null; readonly detail: string };

const lambdaErrorSchema = z.object({ errorMessage: z.string() });

/** Why a step failed: the code of one of our own errors, else `unexpected-error`, and a text. */
export function failureOf(failure: StepFailure | null): { readonly code: string; readonly detail: string } {
  if (failure === null) return { code: "unexpected-error", detail: "" };
  if ("verdict" in failure) return { code: failure.code ?? "unexpected-error", detail: failure.detail };
  const message = lambdaMessage(failure.cause) ?? failure.cause;
  const code = failureCodeOf(message);
  if (code === undefined) return { code: "unexpected-error", detail: `${failure.error}: ${message}` };
  return { code, detail: message.slice(code.length + 1).trimStart() };
}

function lambdaMessage(cause: string): string | undefined {
  if (!cause.startsWith("{")) return undefined;
  try {
    return lambdaErrorSchema.safeParse(JSON.parse(cause)).data?.errorMessage;
  } catch {
    return undefined; // Lambda truncates long causes: the raw text is all that is left
  }
}

const step = { serviceArn: serviceArnSchema, executionName: z.string().min(1).max(80) };
export interface Cause {
  readonly code: string;
  readonly sentence: string;
  /** The revisions that the service was returned to and whose deployments failed, too, with why. */
  readonly failedReturns?: readonly string[];
}
export const causeSchema = z
  .object({ code: z.string(), sentence: z.string(), failedReturns: z.array(z.string()).optional() })
  .transform(({ failedReturns, ...cause }): Cause => ({ ...cause, ...(failedReturns && { failedReturns }) }));

/** A cause in words, with what was tried since. */
export function causeInWords({ sentence, failedReturns = [] }: Cause): string {
  if (failedReturns.length === 0) return sentence;
  return `${sentence} The revert failed, too: ${failedReturns.join("; ")}`;
}

const FAILED_OF = "The roll had failed:";

/** The words with which the failure of a revert names the cause of the roll's own failure. */
export function failedOf(cause: Cause): string {
  return `${FAILED_OF} ${cause.code}: ${causeInWords(cause)}`;
}

/** True for a detail that has these words. */
export function saysFailedOf(detail: string): boolean {
  return detail.includes(FAILED_OF);
}

/** The rollout that the roll belongs to, if any. */
const rollout = rollOrderSchema.nullable().default(null);

export const planInput = z.object({ ...step, rollout });
export const applyInput = z.object({ ...step, plan: planSchema });
export const awaitInput = z.object({ ...step, taskToken: z.string().min(1), watch: watchSchema, pollCount: z.int() });
export const verifyInput = z.object({ ...step, watch: watchSchema, since: z.iso.datetime() });
/** The plan of a roll that ends. It can do without all but the revisions and the time of its start. */
const endedApplyPlanSchema = z
  .object({
    ...applyPlanSchema.shape,
    outcome: z.literal("planned").catch("planned"),
    change: z.string().catch(""),
    drift: z.array(z.string()).catch([]),
    pinnedSecret: z.string().nullable().catch(null),
    serviceCreatedAtMs: z.int().nullable().catch(null),
    taskTagsTried: z.string().nullable().catch(null),
    clusterTags: z.record(z.string(), z.string()).catch({}),
    isDiscovered: z.boolean().catch(true),
    namespace: z.string().nullable().catch(null),
    serviceAccount: z.string().nullable().catch(null),
    image: z.string().nullable().catch(null),
    ports: z.string().nullable().catch(null),
    isBound: z.boolean().catch(false),
    identityConflict: z.string().nullable().catch(null),
    attemptKey: z.string().catch(""),
    content: z.string().nullable().catch(null),
    rollout: applyPlanSchema.shape.rollout.catch(null),
  })
  .transform((plan): ApplyPlan => ({ ...plan, change: changeOf(plan) }));

/** A change that a later version has planned ends like the one that it resembles most. */
function changeOf({ change, namespace }: { readonly change: string; readonly namespace: string | null }) {
  const known = changeSchema.safeParse(change);
  if (known.success) return known.data;
  return namespace === null ? "unenroll" : "update";
}

const endedPlanSchema = z.union([
  endedApplyPlanSchema,
  z.object({
    ...finishPlanSchema.shape,
    outcome: finishPlanSchema.shape.outcome.catch("superseded"),
    reason: z.string().catch(""),
    refusals: z.array(refusalSchema).catch([]),
  }),
]);

/** The deployment that was awaited last: `targetRevisionArn` is what an ending can't do without. */
const endedWatchSchema = z
  .object({
    ...watchSchema.shape,
    deploymentId: z.string().catch(""),
    revisionBeforeArn: z.string().nullable().catch(null),
    deadlineMs: z.int().catch(0),
    pollIntervalSeconds: z.int().positive().catch(60),
    desiredCount: z.int().nonnegative().catch(0),
    namespace: z.string().nullable().catch(null),
    serviceAccount: z.string().nullable().catch(null),
    isDiscovered: z.boolean().catch(true),
    secretInUse: z.string().nullable().catch(null),
  })
  .nullable()
  .catch(null);

const endedFailureSchema = z
  .union([
    z.object({ verdict: z.string(), code: z.string().nullable().catch(null), detail: z.string().catch("") }),
    z.object({ error: z.string().catch(""), cause: z.string().catch("") }),
  ])
  .nullable()
  .catch(null);

const endedCauseSchema = causeSchema.nullable().catch(null);

export const revertInput = z.object({
  ...step,
  plan: endedPlanSchema,
  watch: endedWatchSchema,
  failure: endedFailureSchema,
  /** Set where the service was returned, and the deployment of that failed: why the roll had failed. */
  cause: endedCauseSchema,
});
export const finishInput = z.object({
  ...step,
  /** What a failure is counted under, by what was observed when the roll was started. */
  attemptKey: z.string().catch(""),
  rollout: rollOrderSchema.nullable().catch(null),
  plan: endedPlanSchema.nullable().catch(null),
  watch: endedWatchSchema,
  outcome: z.string().catch("failed"),
  failure: endedFailureSchema,
  /** The failure of the roll itself, where its revert failed before it could say so. */
  firstFailure: endedFailureSchema,
  cause: endedCauseSchema,
});
export type FinishInput = z.infer<typeof finishInput>;
