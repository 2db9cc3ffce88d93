/** What the steps of RollFleet pass on, parsed at every step: ids and numbers. Everything else is in the ledger. */
import * as z from "zod";
import { laneSchema, rolloutIdSchema } from "../model/rollout.ts";

const rollout = { rolloutId: rolloutIdSchema };

export const phaseSchema = z.enum(["forward", "rollback"]);
/** `forward`: services get the rollout's target. `rollback`: they return to their pinned revisions. */
export type Phase = z.output<typeof phaseSchema>;

export const startInput = z.object(rollout);

/** `passes`: how many waves and holds this execution has been through, each with the number of its lanes. */
export const nextWaveInput = z.object({ ...rollout, executionName: z.string().min(1), passes: z.int().nonnegative() });

export const nextWaveSchema = z.object({
  do: z.enum(["roll", "hold", "continue", "finish", "end"]),
  phase: phaseSchema,
  wave: z.int().nonnegative(),
  /** `concurrency` 0: as many as start. */
  lanes: z.array(z.object({ ...laneSchema.shape, concurrency: z.int().nonnegative() })),
  holdSeconds: z.int().positive(),
  /** The execution that goes on where this one ends. */
  executionName: z.string(),
});
export type NextWave = z.output<typeof nextWaveSchema>;

export const takeInput = z.object({
  ...rollout,
  phase: phaseSchema,
  ordinal: z.int().nonnegative(),
  /** The execution of its last try has ended. */
  retake: z.boolean().default(false),
});

export const takenSchema = z.object({
  do: z.enum(["roll", "skip"]),
  /** When AWS's quotas let its roll start. */
  waitSeconds: z.int().nonnegative(),
  executionName: z.string(),
  serviceArn: z.string(),
});
export type Taken = z.output<typeof takenSchema>;

export const holdInput = z.object({ ...rollout, taskToken: z.string().min(1) });

/** Why the lanes of a wave could not all be rolled. Without a lane it is about the whole wave. */
const laneFailureSchema = z.object({
  error: z.string(),
  cause: z.string(),
  lane: z.object({ first: z.int(), last: z.int() }).optional(),
});
export type LaneFailure = z.output<typeof laneFailureSchema>;

export const assessInput = z.object({
  ...rollout,
  phase: phaseSchema,
  wave: z.int().nonnegative(),
  after: z.enum(["roll", "bake"]),
  /** None in an execution of an earlier version. */
  laneFailures: z.array(laneFailureSchema).default([]),
});
export const assessedSchema = z.object({ bakeSeconds: z.int().nonnegative() });
export type Assessed = z.output<typeof assessedSchema>;

export const finishRolloutInput = z.object({
  ...rollout,
  /** The rollout ends with it, also where it is of another shape. */
  failure: z
    .object({ error: z.string().catch(""), cause: z.string().catch("") })
    .nullable()
    .catch({ error: "", cause: "" }),
});

/** In RollService's input: the rollout that the roll belongs to. */
export const rollOrderSchema = z.object({ id: rolloutIdSchema, ordinal: z.int().nonnegative(), phase: phaseSchema });
export type RollOrder = z.output<typeof rollOrderSchema>;
