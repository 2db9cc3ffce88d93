import * as z from "zod";
import { accountIdSchema, regionSchema } from "../base/arn.ts";
import { minutes, visibleSchema } from "./fields.ts";

/** A share of something, in percent. */
const percent = z.number().positive().max(100);

/** More failures than `count`, or a larger share than `percent`, exceed it. */
export const failureLimitShape = { count: z.int().nonnegative().optional(), percent: percent.optional() };
const failureLimitSchema = z
  .strictObject(failureLimitShape)
  .refine(({ count, percent: share }) => count !== undefined || share !== undefined, "give count, percent or both");

/** Whether `cron` and `timeZone` mean anything is checked by `parseConfig`. */
const freezeWindowSchema = z.strictObject({
  /** When it begins: minute, hour, day of the month, month, day of the week. */
  cron: z.string().min(1).max(200),
  durationMinutes: z
    .int()
    .positive()
    .max(31 * 24 * 60),
  /** IANA name, as in `Europe/Berlin`. */
  timeZone: z
    .string()
    .regex(/^[A-Za-z]/, "an IANA time zone, as `Europe/Berlin` is")
    .default("UTC"),
});

/** The pace of a rollout, which an emergency may raise. */
const paceSchema = {
  /** Cumulative percentages of a region's services: `[10, 50, 100]` makes three waves of each region. */
  waves: z
    .array(percent)
    .min(1)
    .max(100)
    .refine((shares) => shares.at(-1) === 100 && shares.every((share, i) => i === 0 || share > (shares[i - 1] ?? 0)), {
      message: "rising, the last one 100",
    }),
  regionsTogether: z.boolean(),
  /** Concurrent rolls in one account and region; 0: as many as AWS's quotas allow. */
  concurrency: z.int().nonnegative().max(1000),
  /** How long a wave is left alone before it is judged again. */
  bakeMinutes: minutes(0, 7 * 24 * 60),
};

/** How rollouts go: waves, pace, budget, freeze windows, alarms. */
export const rolloutPolicySchema = z.strictObject({
  /** How many canaries the rollout chooses itself, beside the services that are tagged as canaries; 0: none. */
  canaryCount: z.int().nonnegative().max(100).default(3),
  waves: paceSchema.waves.default([10, 50, 100]),
  /** All regions at once; else one after the other, in the order of `accounts`. */
  regionsTogether: paceSchema.regionsTogether.default(false),
  concurrency: paceSchema.concurrency.default(20),
  bakeMinutes: paceSchema.bakeMinutes.default(10),
  /** An operator approves every rollout after its canary wave. */
  approveAfterCanary: z.boolean().default(false),
  failureBudget: z
    .strictObject({ perWave: failureLimitSchema.optional(), inAll: failureLimitSchema.optional() })
    .default({ perWave: { percent: 10 }, inAll: { count: 20, percent: 5 } }),
  /** Services that did not run well before the rollout: roll them last, or not at all. */
  unfit: z.enum(["last", "skip"]).default("last"),
  freezeWindows: z.array(freezeWindowSchema).max(20).default([]),
  /** CloudWatch alarms, read in the given account and region (default: home), that stop a rollout. */
  alarms: z
    .array(
      z.strictObject({
        name: visibleSchema.max(255),
        account: accountIdSchema.optional(),
        region: regionSchema.optional(),
      }),
    )
    .default([]),
  /** The pace for an emergency: a root CA was dropped while tasks trust it alone. Default: the ordinary pace. */
  emergency: z
    .strictObject({
      waves: paceSchema.waves.default([100]),
      regionsTogether: paceSchema.regionsTogether.default(true),
      concurrency: paceSchema.concurrency.default(0),
      bakeMinutes: paceSchema.bakeMinutes.default(0),
    })
    .optional(),
  /** What an emergency waits for nevertheless. Its tasks are cut off meanwhile. */
  emergencyWaitsFor: z.array(z.enum(["approval", "freeze"])).default([]),
  /** How long the ledger keeps a rollout's record. */
  retentionDays: z.int().positive().max(3650).default(90),
});

export type RolloutPolicy = z.output<typeof rolloutPolicySchema>;
export type FailureLimit = z.output<typeof failureLimitSchema>;
export type FreezeWindow = z.output<typeof freezeWindowSchema>;
