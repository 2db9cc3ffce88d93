import * as z from "zod";
import { openObject } from "../base/lenient.ts";
import { imageSchema } from "../config/config.ts";
import { failureLimitShape, rolloutPolicySchema } from "../config/rollout-policy.ts";

/**
 * What a rollout does: gives services the newest root CA, istiod's new address, another ztunnel image or other sidecar
 * settings, or unenrolls them.
 */
export const rolloutKinds = ["rotate", "endpoint", "upgrade", "reconfigure", "unenroll"] as const;
export type RolloutKind = (typeof rolloutKinds)[number];

/** The kinds that an operator asks for. Istiod's new address comes with `rotate` as well. */
export const requestedKinds = rolloutKinds.filter((kind) => kind !== "endpoint");

const pattern = z.string().min(1).max(255);

// Schemas that only some functions parse by are built at their first use, and no bundle contains them that doesn't
// parse by them: all functions import this file.

/** Which enrolled services a rollout takes: those that every given list names. `*` stands for any characters. */
export const scopeSchema = /* @__PURE__ */ z.lazy(() =>
  z.strictObject({
    controlPlane: z.string().min(1).optional(),
    accounts: z
      .array(z.string().regex(/^\d{12}$/))
      .min(1)
      .optional(),
    regions: z.array(pattern).min(1).optional(),
    /** Cluster names or ARNs. */
    clusters: z.array(pattern).min(1).optional(),
    /** Service names or ARNs. */
    services: z.array(pattern).min(1).optional(),
  }),
);
export type Scope = z.output<typeof scopeSchema>;
/** The same as a rollout's record has it. */
const storedScopeSchema = /* @__PURE__ */ z.lazy(() => openObject(scopeSchema.unwrap().shape));

const { shape: policyShape } = rolloutPolicySchema;

/** What a request may change of the policy for its rollout. */
export const overridesSchema = /* @__PURE__ */ z.lazy(() =>
  z.strictObject({
    canaryCount: policyShape.canaryCount.unwrap().optional(),
    waves: policyShape.waves.unwrap().optional(),
    regionsTogether: z.boolean().optional(),
    concurrency: policyShape.concurrency.unwrap().optional(),
    bakeMinutes: policyShape.bakeMinutes.unwrap().optional(),
    approveAfterCanary: z.boolean().optional(),
    failureBudget: policyShape.failureBudget.unwrap().optional(),
    /** Go on although a freeze window is open. Recorded with who asked for it. */
    ignoreFreeze: z.boolean().optional(),
  }),
);
export type Overrides = z.output<typeof overridesSchema>;
/** The same as a rollout's record has it: earlier versions took other numbers. */
const storedOverridesSchema = /* @__PURE__ */ z.lazy(() => {
  const limit = openObject(failureLimitShape).optional();
  return openObject({
    ...overridesSchema.unwrap().shape,
    waves: z.array(z.number()).min(1).optional(),
    bakeMinutes: z.number().nonnegative().optional(),
    failureBudget: openObject({ perWave: limit, inAll: limit }).optional(),
  });
});

/**
 * `waiting`: behind another rollout. `paused`, `awaiting-approval`, `frozen`: holds before its next wave. `failed`: it
 * could not continue and needs a person; rolled services stay as they are.
 */
export const rolloutStatuses = [
  "waiting",
  "running",
  "paused",
  "awaiting-approval",
  "frozen",
  "rolling-back",
  "completed",
  "rolled-back",
  "aborted",
  "superseded",
  "refused",
  "failed",
] as const;
export type RolloutStatus = (typeof rolloutStatuses)[number];

/** Such a rollout has ended, unless an operator rolls it back. */
export const endedStatuses: readonly RolloutStatus[] = [
  "completed",
  "rolled-back",
  "aborted",
  "superseded",
  "refused",
  "failed",
];

/** It waits before its next wave: for an operator, or for a freeze window's end. */
export const heldStatuses: readonly RolloutStatus[] = ["paused", "awaiting-approval", "frozen"];

/** Services of one account and region in one wave, by their ordinals, both included. */
export const laneSchema = openObject({
  account: z.string(),
  region: z.string(),
  first: z.int().nonnegative(),
  last: z.int().nonnegative(),
});
export type Lane = z.output<typeof laneSchema>;

export const waveSchema = /* @__PURE__ */ z.lazy(() =>
  openObject({
    /** `canary`, or the region and the share: `eu-west-1 50%`. */
    name: z.string(),
    canary: z.boolean().default(false),
    /** The canaries of the rollout's own choice; the others of the wave asked for it by their tags. */
    chosenOrdinals: z.array(z.int().nonnegative()).optional(),
    /** Ordinals of a wave's services are contiguous, those of a lane too. */
    lanes: z.array(laneSchema),
    state: z.enum(["waiting", "rolling", "baking", "done", "rolling-back", "rolled-back"]).default("waiting"),
    startedAt: z.iso.datetime().optional(),
    finishedAt: z.iso.datetime().optional(),
  }),
);
export type Wave = z.output<typeof waveSchema>;

export const rolloutIdSchema = z.string().regex(/^[a-z][a-z0-9-]{2,59}$/, "a rollout's id");

/** Built when first used, like that of its services: most functions are imported without ever reading a rollout. */
export const rolloutSchema = /* @__PURE__ */ z.lazy(() =>
  openObject({
    shape: z.literal(1),
    id: rolloutIdSchema,
    /** Rises with every write. */
    version: z.int().nonnegative(),
    kind: z.enum(rolloutKinds),
    scope: storedScopeSchema,
    /** The change that asked for it, or the operator's words. */
    why: z.string().max(500),
    requestedBy: z.string().max(200),
    requestedAt: z.iso.datetime(),
    overrides: storedOverridesSchema.default({}),
    /** Somebody's tasks are cut off: the policy's emergency pace holds, where there is one. */
    emergency: z.boolean().default(false),
    /** The rollout of the same emergency that came first: this one is quiet, people are reminded once a day. */
    repeats: rolloutIdSchema.optional(),
    /** What it gives to services. `factsId`: the mesh facts' generation of the control plane. */
    target: openObject({
      image: imageSchema.optional(),
      controlPlane: z.string().optional(),
      factsId: z.string().optional(),
      settings: z.string().optional(),
    }),
    /** What had been released before: a completed rollout can be rolled back to it. */
    before: openObject({
      image: imageSchema.optional(),
      factsId: z.string().optional(),
      settings: z.string().optional(),
    }).default({}),
    status: z.enum(rolloutStatuses),
    /** Why it is refused, held, rolled back or failed. */
    reason: openObject({ code: z.string(), detail: z.string() }).optional(),
    /** An operator's request that the next step has not acted on yet. */
    control: openObject({
      action: z.enum(["pause", "abort", "rollback"]),
      by: z.string(),
      at: z.iso.datetime(),
    }).optional(),
    /** When the wish that started it moved on: a newer rollout goes on where it stops. `reason` says why. */
    supersededAt: z.iso.datetime().optional(),
    /** Its turn went to a more urgent one while it was on hold: it starts nothing until its turn comes again. */
    parked: z.boolean().optional(),
    /**
     * The request to roll it back, by its time, that waits for the rollout's turn. Somebody is about to notify people
     * of that until then, epoch milliseconds; absent once they are notified.
     */
    postponed: openObject({ at: z.iso.datetime(), notifyUntilMs: z.int().nonnegative().optional() }).optional(),
    /** It took over the services of a rollout that stopped so: not all of them had what was released before. */
    takesOver: z.boolean().optional(),
    approved: openObject({ by: z.string(), at: z.iso.datetime() }).optional(),
    /** Operator's words on what they did, the oldest first. */
    journal: z.array(openObject({ at: z.iso.datetime(), by: z.string(), did: z.string() })).default([]),
    waves: z.array(waveSchema).default([]),
    /** The wave that is next or under way. */
    nextWaveIndex: z.int().nonnegative().default(0),
    serviceCount: z.int().nonnegative().default(0),
    /** Ordinals of services that failed, and of those that could not be rolled back. */
    failedOrdinals: z.array(z.int().nonnegative()).default([]),
    stuckOrdinals: z.array(z.int().nonnegative()).default([]),
    /** Since when it is on hold, and when people were reminded of that last. */
    heldSince: z.iso.datetime().optional(),
    remindedAt: z.iso.datetime().optional(),
    /** When a hold ends by itself, epoch milliseconds. */
    holdUntilMs: z.int().nonnegative().optional(),
    /** Step Functions' token of the hold. Never shown. */
    holdToken: z.string().optional(),
    /** Tokens of other tries to hold: any of them may be the one that is waited for. */
    otherHoldTokens: z.array(z.string()).optional(),
    /** Name of the RollFleet execution that carries it, and how many there were. */
    executionName: z.string().optional(),
    executionCount: z.int().nonnegative().default(0),
    /** How often its first step was tried. The last try alone writes its services and its waves. */
    startTryCount: z.int().nonnegative().default(0),
    startedAt: z.iso.datetime().optional(),
    finishedAt: z.iso.datetime().optional(),
    /** The event of its end was emitted. Absent while that is to be done, and where an earlier version ended it. */
    endNotified: z.literal(true).optional(),
    /** Its one Slack message; `claimedUntilMs` while a function is posting it. */
    slack: openObject({
      channel: z.string().optional(),
      ts: z.string().optional(),
      claimedUntilMs: z.int().nonnegative().optional(),
      /** The status that the message shows, and a hash of its content: equal content is not sent again. */
      shown: z.string().optional(),
      /** Events that its thread has already: a duplicate event is posted once. */
      notified: z.array(z.string()).optional(),
    }).optional(),
    /** When DynamoDB may delete it, epoch seconds: the table's attribute for the time to live. */
    expiresAt: z.int().positive(),
  }),
);
export type Rollout = z.output<typeof rolloutSchema>;

/**
 * The status of a service in a rollout. `unverified`: it has what the rollout brings, and runs no task that could show
 * whether that works. `left`: somebody else has deployed it since, so it is not rolled back.
 */
export const rolloutServiceStatuses = [
  "waiting",
  "rolling",
  "succeeded",
  "unverified",
  "skipped",
  "superseded",
  "refused",
  "reverted",
  "failed",
  "revert-failed",
  "rolling-back",
  "rolled-back",
  "left",
  "stuck",
] as const;
export type RolloutServiceStatus = (typeof rolloutServiceStatuses)[number];

/** The statuses that count against the failure budget. */
export const failedStatuses: readonly RolloutServiceStatus[] = ["reverted", "failed", "revert-failed"];

export const assignedImageSchema = openObject({ image: imageSchema, assignedAtMs: z.int().nonnegative() });
/** A ztunnel image, and when it was given. */
export type AssignedImage = z.output<typeof assignedImageSchema>;

export const rolloutServiceSchema = /* @__PURE__ */ z.lazy(() =>
  openObject({
    shape: z.literal(1),
    rolloutId: rolloutIdSchema,
    /** Its place in the rollout: services of a wave, and in it of a lane, are neighbors. */
    ordinal: z.int().nonnegative(),
    serviceArn: z.string().min(1),
    waveIndex: z.int().nonnegative(),
    /** The try of the rollout's first step that has written it. */
    startTry: z.int().nonnegative().default(0),
    status: z.enum(rolloutServiceStatuses).default("waiting"),
    /** CloudWatch alarms that its tag names. */
    alarms: z.array(z.string()).optional(),
    /** Why it did not run well before the rollout, in words: its failure does not count. */
    unfit: z.string().optional(),
    /** Its own tag names its image: a roll that fails by that is its owner's. */
    ownImage: z.boolean().optional(),
    /** The RollService execution that rolls it, or rolls it back. */
    executionName: z.string().optional(),
    /** How often a roll was started for it. */
    tryCount: z.int().nonnegative().default(0),
    /** The pinned revision that a rollback returns it to, and the revision that it was given. */
    fromRevisionArn: z.string().optional(),
    toRevisionArn: z.string().optional(),
    /** The image that it had been given by an earlier rollout; null: none. */
    imageBefore: assignedImageSchema.nullable().optional(),
    /** A failure's code or a refusal's reason, and its words. */
    reason: z.string().optional(),
    detail: z.string().optional(),
    startedAt: z.iso.datetime().optional(),
    finishedAt: z.iso.datetime().optional(),
    durationSeconds: z.number().nonnegative().optional(),
    expiresAt: z.int().positive(),
  }),
);
export type RolloutService = z.output<typeof rolloutServiceSchema>;

/** A value that the fleet should have, and how often it has changed lately. */
export const fleetSightingSchema = openObject({
  value: z.string(),
  /** It and the one before it, for people. */
  shown: z.string(),
  shownBefore: z.string().optional(),
  /** The changes of the last hour, epoch milliseconds. */
  changedAtMs: z.array(z.int().nonnegative()),
  /** Two writers change it in turns: nothing is rolled out until they rest. */
  contestedSince: z.iso.datetime().optional(),
  /** Somebody is about to notify people of that until then, epoch milliseconds. Absent once they are notified. */
  notifyUntilMs: z.int().nonnegative().optional(),
});
export type FleetSighting = z.output<typeof fleetSightingSchema>;

/** What is true of the fleet as a whole. */
export const fleetStateSchema = openObject({
  shape: z.literal(1),
  /** Rises with every write. */
  version: z.int().nonnegative(),
  /** The image that a service gets which no rollout has given one since. Absent until first seen. */
  image: assignedImageSchema.optional(),
  /** The number of the mark beside the ledger: it rises here before that one is written. */
  mark: z.int().positive().optional(),
  /**
   * The ledger was emptied or restored to an earlier time: nothing is rolled until what runs is adopted. `counting`:
   * which image most services run. `proposing`: which services differ from that.
   */
  adopting: openObject({
    since: z.iso.datetime(),
    cause: z.enum(["emptied", "restored"]),
    stage: z.enum(["counting", "proposing", "adopted"]),
    differing: z.int().nonnegative().optional(),
  }).optional(),
  /** The key of the enroll tag that the services in the mesh have. Absent until a sweep has recorded it. */
  enrollTagKey: z.string().optional(),
  /** Hash of the sidecar settings that every service should have by now. */
  settings: z.string().optional(),
  /** What a rollout was asked for already, so that the same change starts no second one. */
  requestedFor: openObject({
    image: z.string().optional(),
    settings: z.string().optional(),
    /** The parameter that a value was read from: that it is gone does not mean that its value is not wanted. */
    imageParameter: z.string().optional(),
    /** Generation of the mesh facts by control plane. */
    factsIds: z.record(z.string(), z.string()).default({}),
    /** How many changes were seen. Part of the next rollout's id, since a value may return. */
    changeCount: z.int().nonnegative().default(0),
  }).default({ factsIds: {}, changeCount: 0 }),
  /** Somebody is about to notify people of a refused image until then, epoch milliseconds. */
  refusing: openObject({ image: z.string(), untilMs: z.int().nonnegative() }).optional(),
  /**
   * Operators' requests that were refused lately, by their events: people are notified of each once. Somebody is about
   * to until `untilMs`, epoch milliseconds; without it, they are.
   */
  refusals: z.array(openObject({ eventId: z.string(), untilMs: z.int().nonnegative().optional() })).optional(),
  /** What the fleet should have, as it was seen last: by `image`, `settings` or `facts` and a control plane. */
  sightings: z.record(z.string(), fleetSightingSchema).optional(),
  /** Since when the ledger knows of every service in the mesh what it holds, so that claims name all holders. */
  holdersKnownSince: z.iso.datetime().optional(),
  /** The rollout that unenrolled the whole fleet: no tag enrolls until it is rolled back. */
  unenrolledBy: openObject({ rolloutId: rolloutIdSchema, at: z.iso.datetime() }).optional(),
  /** The last rollout that ended badly, by its kind and control plane, until one of the same has completed. */
  endedBadly: z.record(z.string(), rolloutIdSchema).optional(),
  /** The one rollout that is under way, and those behind it, the next one first. */
  currentRolloutId: rolloutIdSchema.optional(),
  queuedRolloutIds: z.array(rolloutIdSchema).default([]),
  /** Rollouts that a function is about to queue. After a crash, the next caller that advances the queue queues them. */
  announcedRolloutIds: z.array(rolloutIdSchema).default([]),
});
export type FleetState = z.output<typeof fleetStateSchema>;

/** The fleet's state before anything was written. */
export const newFleetState: FleetState = {
  shape: 1,
  version: 0,
  requestedFor: { factsIds: {}, changeCount: 0 },
  queuedRolloutIds: [],
  announcedRolloutIds: [],
};
