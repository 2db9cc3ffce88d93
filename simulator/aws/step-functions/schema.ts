import * as z from "zod";
import type { Json } from "../../base/json.ts";

/** Error names of Step Functions itself; an ErrorEquals with another `States.` name is a spelling mistake. */
const RESERVED_ERRORS: ReadonlySet<string> = new Set([
  "States.ALL",
  "States.DataLimitExceeded",
  "States.ExceedToleratedFailureThreshold",
  "States.HeartbeatTimeout",
  "States.NoChoiceMatched",
  "States.Permissions",
  "States.QueryEvaluationError",
  "States.Runtime",
  "States.TaskFailed",
  "States.Timeout",
]);

const MAX_SECONDS = 99_999_999;

const json: z.ZodType<Json> = z.json();
const expression = z.string().regex(/^\{%[\s\S]*%\}$/, "must be an expression {% … %}");
const integer = (min: number, max: number) => z.union([z.int().min(min).max(max), expression]);
/** Variables by their names; `states` is reserved. */
const assign = z.record(z.string().regex(/^(?!states$)[\p{ID_Start}_][\p{ID_Continue}]{0,79}$/u), json);
const common = { Comment: z.string().optional(), QueryLanguage: z.literal("JSONata").optional() };
const flow = { Next: z.string().optional(), End: z.literal(true).optional() };
const result = { Output: json.optional(), Assign: assign.optional() };
const errorEquals = z
  .array(z.string().min(1))
  .min(1)
  .refine((names) => names.length === 1 || !names.includes("States.ALL"), "States.ALL must stand alone")
  .refine(
    (names) => names.every((name) => !name.startsWith("States.") || RESERVED_ERRORS.has(name)),
    "names an error that Step Functions does not have",
  );
const allComesLast = (handlers: readonly { readonly ErrorEquals: readonly string[] }[]) =>
  handlers.slice(0, -1).every(({ ErrorEquals }) => !ErrorEquals.includes("States.ALL"));

const retrier = z.strictObject({
  Comment: z.string().optional(),
  ErrorEquals: errorEquals,
  IntervalSeconds: z.int().min(1).max(MAX_SECONDS).default(1),
  MaxAttempts: z.int().min(0).max(MAX_SECONDS).default(3),
  BackoffRate: z.number().min(1).default(2),
  MaxDelaySeconds: z.int().min(1).max(31_622_400).optional(),
  JitterStrategy: z.enum(["NONE", "FULL"]).default("NONE"),
});
const catcher = z.strictObject({
  Comment: z.string().optional(),
  ErrorEquals: errorEquals,
  Next: z.string(),
  ...result,
});
const handlers = {
  Retry: z.array(retrier).refine(allComesLast, "States.ALL must come last").default([]),
  Catch: z.array(catcher).refine(allComesLast, "States.ALL must come last").default([]),
};

const task = z.strictObject({
  Type: z.literal("Task"),
  ...common,
  ...flow,
  ...result,
  ...handlers,
  Resource: z.enum(
    [
      "arn:aws:states:::lambda:invoke",
      "arn:aws:states:::lambda:invoke.waitForTaskToken",
      "arn:aws:states:::states:startExecution",
      "arn:aws:states:::states:startExecution.sync:2",
    ],
    "is a resource that is not supported",
  ),
  Arguments: z.union([z.record(z.string(), json), expression]),
  TimeoutSeconds: integer(1, MAX_SECONDS).optional(),
  HeartbeatSeconds: integer(1, MAX_SECONDS).optional(),
});

const map = z.strictObject({
  Type: z.literal("Map"),
  ...common,
  ...flow,
  ...result,
  ...handlers,
  Items: z.union([z.array(json), expression]).optional(),
  ItemSelector: json.optional(),
  ItemProcessor: z.strictObject({
    Comment: z.string().optional(),
    ProcessorConfig: z
      .discriminatedUnion("Mode", [
        z.strictObject({ Mode: z.literal("INLINE") }),
        z.strictObject({ Mode: z.literal("DISTRIBUTED"), ExecutionType: z.literal("STANDARD") }),
      ])
      .default({ Mode: "INLINE" }),
    StartAt: z.string(),
    // Checked as states of their own.
    States: z.record(z.string(), z.unknown()),
  }),
  MaxConcurrency: integer(0, 10_000).optional(),
  ToleratedFailurePercentage: z.union([z.number().min(0).max(100), expression]).optional(),
  ToleratedFailureCount: integer(0, 100_000_000).optional(),
  Label: z
    .string()
    .min(1)
    .max(40)
    .regex(/^[\w.+!@()='-]+$/)
    .optional(),
});

const choice = z.strictObject({
  Type: z.literal("Choice"),
  ...common,
  ...result,
  Choices: z
    .array(
      z.strictObject({
        Comment: z.string().optional(),
        Condition: z.union([z.boolean(), expression]),
        Next: z.string(),
        ...result,
      }),
    )
    .min(1),
  Default: z.string().optional(),
});

const wait = z
  .strictObject({
    Type: z.literal("Wait"),
    ...common,
    ...flow,
    ...result,
    Seconds: integer(0, MAX_SECONDS).optional(),
    Timestamp: z.union([z.iso.datetime({ offset: true }), expression]).optional(),
  })
  .refine(
    ({ Seconds, Timestamp }) => (Seconds === undefined) !== (Timestamp === undefined),
    "needs either Seconds or Timestamp",
  );

const pass = z.strictObject({ Type: z.literal("Pass"), ...common, ...flow, ...result });
const succeed = z.strictObject({ Type: z.literal("Succeed"), ...common, Output: json.optional() });
const fail = z.strictObject({
  Type: z.literal("Fail"),
  ...common,
  Error: z.string().optional(),
  Cause: z.string().optional(),
});

/** A state as it is written. Fields and types that the interpreter does not implement are errors. */
export const stateSchema = z.discriminatedUnion("Type", [task, map, choice, wait, pass, succeed, fail]);
export type StateText = z.infer<typeof stateSchema>;
export type Retrier = z.infer<typeof retrier>;
export type MapText = z.infer<typeof map>;
export type TaskText = z.infer<typeof task>;

/** A state machine as it is written; its states are checked one by one with `stateSchema`. */
export const machineSchema = z.strictObject({
  Comment: z.string().optional(),
  Version: z.literal("1.0").optional(),
  QueryLanguage: z.literal("JSONata", "only JSONata is supported"),
  StartAt: z.string(),
  TimeoutSeconds: z.int().min(1).max(MAX_SECONDS).optional(),
  States: z.record(z.string(), z.unknown()),
});
