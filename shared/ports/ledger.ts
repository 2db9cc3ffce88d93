import * as z from "zod";
import { type MeshFacts, meshFactsSchema } from "../enrollment/model.ts";
import { type FleetState, givenImageSchema, type Rollout, type RolloutService } from "../model/rollout.ts";

/** How a roll ended. `superseded`: somebody else acted meanwhile, nothing was touched since. */
export const rollOutcomes = ["succeeded", "reverted", "superseded", "revert-failed", "failed", "refused"] as const;
export type RollOutcome = (typeof rollOutcomes)[number];

/** What an ECS deployment event said of the deployment that a roll waits for. */
export const signalSchema = z.strictObject({
  deploymentId: z.string().min(1),
  eventName: z.enum(["SERVICE_DEPLOYMENT_COMPLETED", "SERVICE_DEPLOYMENT_FAILED"]),
  reason: z.string(),
});
export type Signal = z.infer<typeof signalSchema>;

/** The roll that holds the service's lease. */
export const rollSchema = z.strictObject({
  executionName: z.string().min(1),
  /** Lease's end, epoch milliseconds. */
  leaseUntil: z.int().nonnegative(),
  /** Set before the first call that changes something: a retry then looks for what the first try has done. */
  applyStartedAt: z.iso.datetime().optional(),
  /** The deployment that is waited for, and the revision that it brings. */
  deploymentId: z.string().optional(),
  targetRevisionArn: z.string().optional(),
  /** Where a failed roll goes back to: a deployment of it during the roll is ECS's own way back. */
  revisionBeforeArn: z.string().optional(),
  taskToken: z.string().optional(),
  signal: signalSchema.optional(),
});
export type Roll = z.infer<typeof rollSchema>;

export const serviceStateSchema = z.strictObject({
  shape: z.literal(1),
  serviceArn: z.string().min(1),
  /** True once the autopilot has put (or found) its sidecar; false after unenrolling. */
  enrolled: z.boolean().default(false),
  /** Number of the next roll: rises when one ends. Part of the execution's name. */
  attempt: z.int().nonnegative().default(0),
  /** What the failed rolls tried: observed revision and desired content, hashed. */
  failedSituation: z.string().optional(),
  failuresInARow: z.int().nonnegative().default(0),
  /** The same situation is not tried again before this time, epoch milliseconds. */
  notBefore: z.int().nonnegative().optional(),
  roll: rollSchema.optional(),
  lastGoodRevisionArn: z.string().optional(),
  /** The secret version that it pins. Absent where it pins none, or where that was not noted. */
  lastGoodSecret: z.string().optional(),
  /** Secret versions that the running and the last good revision pin: `secret-arn:::version-id`. */
  secretsInUse: z.array(z.string()).default([]),
  lastOutcome: z
    .strictObject({
      outcome: z.enum(rollOutcomes),
      reason: z.string(),
      executionName: z.string(),
      at: z.iso.datetime(),
    })
    .optional(),
  /** The refusals told last, so that each is told once. */
  toldRefusals: z.string().optional(),
  toldWarnings: z.string().optional(),
  /** Something called for a look while a roll held the lease: the end of the roll leads to one. */
  lookAgain: z.literal(true).optional(),
  /** Tags that istiod reads and that the autopilot has added: unenrolling takes them away. */
  addedTagKeys: z.array(z.string()).default([]),
  /** The image that a rollout has given it. Counts until the whole fleet is given one later. */
  image: givenImageSchema.optional(),
  /** A revision that was registered for a content: registering it again is not needed. */
  registered: z.strictObject({ contentHash: z.string(), taskDefinitionArn: z.string() }).optional(),
});
export type ServiceState = z.infer<typeof serviceStateSchema>;

export const MAX_GENERATIONS = 10;

/** A control plane's mesh facts as they came one after the other. */
export const meshStateSchema = z.strictObject({
  shape: z.literal(2),
  /** Rises with every write. */
  version: z.int().nonnegative(),
  controlPlane: z.string().min(1),
  /** The oldest first, the newest last: that is what new tokens are made of. At most `MAX_GENERATIONS`. */
  generations: z
    .array(z.strictObject({ id: z.string().min(1), facts: meshFactsSchema }))
    .min(1)
    .max(MAX_GENERATIONS),
  /** How often the newest facts have changed: facts that come back are a change, too. */
  turn: z.int().nonnegative().default(0),
  /** The generation that every enrolled service should have by now; services with it or a later one wait for a rollout. */
  releasedId: z.string().optional(),
  /** What was told already: each of these is told once. */
  told: z
    .strictObject({
      /** Fingerprints of the bundle told last. */
      fingerprints: z.array(z.string()).optional(),
      /** The generation for which `Root CA Retirable` was told. */
      retirableId: z.string().optional(),
      /** The smallest number of days told for a certificate, by its fingerprint. */
      expiryDays: z.record(z.string(), z.int()).default({}),
    })
    .default({ expiryDays: {} }),
});
export type MeshState = z.output<typeof meshStateSchema>;

/** Members to set; `null` removes a member. */
export type ServicePatch = {
  readonly [K in Exclude<keyof ServiceState, "shape" | "serviceArn" | "roll">]?: ServiceState[K] | null;
};
export type RollPatch = { readonly [K in Exclude<keyof Roll, "executionName">]?: Roll[K] | null };

/**
 * What the autopilot remembers. Every write is atomic and conditional where the name says so. Reads throw
 * `AutopilotError` `ledger-item-unreadable` when an item has another shape.
 */
export interface Ledger {
  getService(serviceArn: string): Promise<ServiceState | undefined>;
  /** Every service that has an item. */
  listServices(): AsyncIterable<ServiceState>;
  /** Takes the lease if none is held, the held one has ended by `nowMs`, or it is this execution's own. Else undefined. */
  takeLease(
    serviceArn: string,
    lease: { readonly executionName: string; readonly leaseUntil: number },
    nowMs: number,
  ): Promise<ServiceState | undefined>;
  /** Changes the roll and, with it, the service, if this execution holds the lease. Else undefined. */
  updateRoll(
    serviceArn: string,
    executionName: string,
    roll: RollPatch,
    service?: ServicePatch,
  ): Promise<ServiceState | undefined>;
  /** Notes a deployment's end for the roll that waits for it, if there is one for this deployment or any; else undefined. */
  recordSignal(serviceArn: string, signal: Signal): Promise<ServiceState | undefined>;
  /** Removes the roll and changes the service, if this execution holds the lease. Else undefined. */
  finishRoll(serviceArn: string, executionName: string, service: ServicePatch): Promise<ServiceState | undefined>;
  /** Changes the service's own members whoever holds the lease; makes the item if there is none. */
  patchService(serviceArn: string, service: ServicePatch): Promise<ServiceState>;
  /** Raises `attempt` from the given number if it still is that. True if it was. */
  raiseAttempt(serviceArn: string, from: number): Promise<boolean>;
  getMesh(controlPlane: string): Promise<MeshState | undefined>;
  /**
   * Reads, changes and writes on condition that nobody wrote meanwhile, and does so again when somebody did: `change` may
   * run several times, and returns undefined to leave it as it is. Raises `version` itself. Returns what is stored afterwards.
   */
  changeMesh(
    controlPlane: string,
    change: (mesh: MeshState | undefined) => MeshState | undefined,
  ): Promise<MeshState | undefined>;
  /** Those of the newest generation. */
  getMeshFacts(controlPlane: string): Promise<MeshFacts | undefined>;
  /** Makes them the newest generation (`withFacts`). An item of another shape gives way to a new one. */
  putMeshFacts(facts: MeshFacts): Promise<void>;
}

/**
 * What the autopilot remembers of rollouts. `change…` reads, changes and writes on condition that nobody wrote meanwhile,
 * and does so again when somebody did: `change` may run several times. It raises `version` itself.
 */
export interface RolloutLedger {
  /** `newFleetState` when nothing was written yet. */
  getFleet(): Promise<FleetState>;
  /** Returns what is stored afterwards; `change` returns undefined to leave it as it is. */
  changeFleet(change: (fleet: FleetState) => FleetState | undefined): Promise<FleetState>;
  /** False when there is one of this id already: it stays as it is. */
  createRollout(rollout: Rollout): Promise<boolean>;
  getRollout(id: string): Promise<Rollout | undefined>;
  /** Returns what is stored afterwards, or undefined when there is none of this id. */
  changeRollout(id: string, change: (rollout: Rollout) => Rollout | undefined): Promise<Rollout | undefined>;
  /** In no order. */
  listRollouts(): AsyncIterable<Rollout>;
  /** Writes them as they are, whatever was there. */
  putRolloutServices(services: readonly RolloutService[]): Promise<void>;
  getRolloutService(rolloutId: string, ordinal: number): Promise<RolloutService | undefined>;
  /** Undefined members stay as they are. Throws when there is no such item. */
  patchRolloutService(rolloutId: string, ordinal: number, patch: Partial<RolloutService>): Promise<RolloutService>;
  /** By ordinal, both ends included; all of them without a range. */
  listRolloutServices(
    rolloutId: string,
    range?: { readonly first: number; readonly last: number },
  ): AsyncIterable<RolloutService>;
  /**
   * Takes the next free start of a lane (one quota in one account and region) and returns its time, epoch milliseconds,
   * not before `nowMs`: `burst` starts at once, then one every `intervalMs`. With a `count` it takes so many and returns
   * the first: calls after it come later by as many.
   */
  reserveStart(
    lane: string,
    nowMs: number,
    pace: { readonly intervalMs: number; readonly burst: number; readonly count?: number },
  ): Promise<number>;
}

/** All that the autopilot remembers, in one store. */
export interface Ledgers extends Ledger, RolloutLedger {}
