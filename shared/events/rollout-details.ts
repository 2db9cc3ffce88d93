import * as z from "zod";
import { rolloutKinds } from "../model/rollout.ts";
import { count, failureCode, text, version } from "./fields.ts";

/* Details of the events about a rollout as a whole. */

const rolloutFields = { version, rolloutId: z.string(), kind: z.enum(rolloutKinds) };
const countFields = {
  services: count,
  succeeded: count,
  /** Has it, and nothing has shown yet that it works. Left out where there is none. */
  unverified: count.optional(),
  failed: count,
  /** Can't have it, for a reason that its owner can end. Left out where there is none. */
  refused: count.optional(),
  /** Already as desired, or changed by somebody else meanwhile. */
  skipped: count,
};

/** `Rollout Started`: the waves are planned, the first one begins. */
export const rolloutStartedDetail = () =>
  z.strictObject({ ...rolloutFields, why: text, requestedBy: text, services: count, waves: count });

/** `Rollout Refused`: nothing was changed. `kind` is a rollout's, or what an operator asked of a rollout: `pause`. */
export const rolloutRefusedDetail = () =>
  z.strictObject({
    version,
    rolloutId: z.string(),
    kind: text,
    requestedBy: text,
    code: failureCode,
    detail: text,
  });

/** `Rollout Wave Completed`: the wave was judged good. */
export const waveCompletedDetail = () =>
  z.strictObject({
    ...rolloutFields,
    wave: z.string(),
    /** From 1. */
    number: z.int().positive(),
    waves: z.int().positive(),
    ...countFields,
  });

/** `Rollout Paused`: the rollout waits before its next wave; for its turn, where it is to be rolled back. */
export const rolloutPausedDetail = () =>
  z.strictObject({
    ...rolloutFields,
    hold: z.enum(["operator", "approval", "freeze", "turn"]),
    detail: text,
    nextWave: z.string().optional(),
    until: z.iso.datetime().optional(),
  });

/** `Rollout Completed`: the rollout has ended without rolling back. */
export const rolloutCompletedDetail = () =>
  z.strictObject({
    ...rolloutFields,
    outcome: z.enum(["completed", "aborted", "superseded", "failed"]),
    code: failureCode.optional(),
    detail: text,
    ...countFields,
    durationSeconds: z.number().nonnegative(),
  });

/** `Rollout Rolled Back`: every service that the rollout changed is rolled back, except those that are stuck. */
export const rolledBackDetail = () =>
  z.strictObject({
    ...rolloutFields,
    code: failureCode,
    detail: text,
    rolledBack: count,
    /** Changed by somebody else since: left alone. */
    left: count,
    stuck: count,
    /** The first of those that could not be rolled back. */
    stuckServices: z.array(z.string()).max(20),
    durationSeconds: z.number().nonnegative(),
  });
