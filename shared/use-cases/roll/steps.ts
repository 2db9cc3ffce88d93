/** What goes between the steps of RollService. Parsed at every step; never holds a token or a task definition. */
import * as z from "zod";
import { serviceArnSchema } from "../../base/arn.ts";
import { failureCodeOf } from "../../base/errors.ts";
import { driftReasons } from "../../model/reasons.ts";
import { rollOrderSchema } from "../../rollout/steps.ts";

const driftKeys = Object.keys(driftReasons);

/** `restore`: back to the revision before a rollout. */
export const changeSchema = z.enum(["enroll", "update", "unenroll", "rollback"]);
export type Change = z.infer<typeof changeSchema>;

const refusalSchema = z.object({ reason: z.string(), detail: z.string() });

/** What plan decided. `finish` ends the roll without a change. */
export const planSchema = z.discriminatedUnion("action", [
  z.object({
    action: z.literal("apply"),
    outcome: z.literal("planned"),
    change: changeSchema,
    drift: z.array(z.string().refine((key) => driftKeys.includes(key), "a drift reason")),
    observedRevisionArn: z.string(),
    /** Where a failed roll goes back to. */
    pinnedRevisionArn: z.string(),
    /** The secret version that it starts from, if it has one. */
    pinnedSecret: z.string().nullable().default(null),
    /** The cluster's tags that mean something, so that the next step need not ask again. */
    clusterTags: z.record(z.string(), z.string()),
    /** Kubernetes namespace and service account of the workload, and its ztunnel's image; null when it leaves the mesh. */
    namespace: z.string().nullable(),
    serviceAccount: z.string().nullable(),
    image: z.string().nullable(),
    /** An update whose service account was just seen bound to its role: namespace and binding are left as they are. */
    isBound: z.boolean().default(false),
    startedAtMs: z.int(),
    /** What failed attempts at this are counted under. */
    attemptKey: z.string(),
    /** What its rollout brings to the service beside the newest mesh facts; null: it is no rollout's. */
    rollout: z.object({ image: z.string().nullable(), leave: z.boolean() }).nullable().default(null),
  }),
  z.object({
    action: z.literal("finish"),
    outcome: z.enum(["superseded", "refused"]),
    reason: z.string(),
    refusals: z.array(refusalSchema).default([]),
  }),
]);
export type Plan = z.infer<typeof planSchema>;
export type ApplyPlan = Extract<Plan, { action: "apply" }>;

/** The deployment that is waited for. */
export const watchSchema = z.object({
  deploymentId: z.string(),
  targetRevisionArn: z.string(),
  /** A deployment of this revision is ECS's own way back; null when the watched deployment is that already. */
  revisionBeforeArn: z.string().nullable(),
  deadlineMs: z.int(),
  pollIntervalSeconds: z.int().positive(),
  desiredCount: z.int().nonnegative(),
  /** Where the mesh must know the tasks; null when they leave the mesh. */
  namespace: z.string().nullable(),
  /** The secret version that the target revision pins, if it has one. */
  secretInUse: z.string().nullable(),
});
export type Watch = z.infer<typeof watchSchema>;

/** What a wait for a deployment ends with. */
export const endedSchema = z.object({
  verdict: z.enum(["succeeded", "failed", "superseded"]),
  code: z.string().nullable(),
  detail: z.string(),
});
export type Ended = z.infer<typeof endedSchema>;

/** A failure as a Catch has it, or as a verdict has it. */
export const failureSchema = z.union([z.object({ error: z.string(), cause: z.string() }), endedSchema]);
export type StepFailure = z.infer<typeof failureSchema>;

const lambdaErrorSchema = z.object({ errorMessage: z.string() });

/** Why a step failed: a code of ours where there is one, and a text. */
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
    return undefined; // Lambda cuts long causes: then the raw text is all that there is
  }
}

const step = { serviceArn: serviceArnSchema, executionName: z.string().min(1).max(80) };
export const causeSchema = z.object({ code: z.string(), sentence: z.string() });
export type Cause = z.infer<typeof causeSchema>;

/** The rollout that the roll belongs to, if any. */
const rollout = rollOrderSchema.nullable().default(null);

export const planInput = z.object({ ...step, rollout });
export const applyInput = z.object({ ...step, plan: planSchema });
export const awaitInput = z.object({ ...step, taskToken: z.string().min(1), watch: watchSchema, pollCount: z.int() });
export const verifyInput = z.object({ ...step, plan: planSchema, watch: watchSchema, since: z.iso.datetime() });
export const revertInput = z.object({
  ...step,
  plan: planSchema,
  watch: watchSchema.nullable(),
  failure: failureSchema.nullable(),
});
export const finishInput = z.object({
  ...step,
  /** What a failure is counted under, as whoever started the roll saw it. */
  attemptKey: z.string(),
  rollout,
  plan: planSchema.nullable(),
  watch: watchSchema.nullable(),
  outcome: z.string(),
  failure: failureSchema.nullable(),
  cause: causeSchema.nullable(),
});
export type FinishInput = z.infer<typeof finishInput>;
