import type { Channel } from "../model/channel.ts";
import type { Claim } from "../model/claim.ts";
import type { MeshFacts, MeshState } from "../model/mesh.ts";
import type { FleetState, Rollout, RolloutService } from "../model/rollout.ts";
import type { NoticeMember, RollPatch, ServicePatch, ServiceState, Signal, Stops } from "../model/service-state.ts";

/** What a change makes of an item: without `next` the item stays as it is. `result` is what the caller learns. */
export interface Change<T> {
  readonly next?: T | undefined;
  readonly result?: unknown;
}

/** `C` without members of `next` that a `T` does not have, which the type parameter alone would accept. */
export type ExactChange<T, C extends Change<T>> = C & {
  readonly next?: { readonly [K in Exclude<keyof NonNullable<C["next"]>, keyof T>]?: never } | undefined;
};

/** What is stored after a change, and the result of the run of the callback that was decisive. */
export interface Changed<T, C extends Change<unknown>> {
  readonly stored: T;
  readonly result: C["result"];
}

/** Something to notify people of: the member of the service's state that records it, and its text. */
export interface Notice {
  readonly member: NoticeMember;
  readonly text: string;
  /** The member's text when the caller decided to notify. Absent where any other text yields to this one. */
  readonly read?: { readonly text: string | undefined };
  /** Who claims it, an execution. A claim by nobody is never claimed again before its end. */
  readonly by?: string;
  /** The claim's end, epoch milliseconds. */
  readonly untilMs: number;
}

/** An item of another shape: its key, and what is wrong with it. */
export interface UnreadableItem {
  readonly pk: string;
  readonly sk: string;
  readonly why: string;
}

/** The ARN of the service whose state an item is; undefined for an item of another kind. */
export function serviceArnOf({ pk }: Pick<UnreadableItem, "pk">): string | undefined {
  return pk.startsWith("SERVICE#") ? pk.slice("SERVICE#".length) : undefined;
}

/** What an item says, by what it is about. */
export type KnownItem =
  | { readonly service: ServiceState }
  | { readonly claim: Claim }
  | { readonly mesh: MeshState; readonly controlPlane: string }
  | { readonly fleet: FleetState };

/** Receives the items of a list that can't be read, so that the list goes on without them. */
export type OnUnreadable = (item: UnreadableItem) => void;

/**
 * What the autopilot remembers. Every write is atomic, and conditional where its description says so. Every read is
 * strongly consistent: it sees each write that was acknowledged before. Reads throw `AutopilotError`
 * `ledger-item-unreadable` when an item has another shape, and writes before they would make it one. A list goes on
 * without such items where its caller takes them.
 *
 * The calls `change…` read an item, write what the callback makes of it on condition that nobody has written it
 * since, and start over when somebody has. The callback has to be pure: it may run several times, and only its last
 * run counts. `version` rises by itself. After too many lost races, the calls throw `throttled`.
 */
export interface Ledger {
  getService(serviceArn: string): Promise<ServiceState | undefined>;
  /** Every service that has an item. */
  listServices(onUnreadable?: OnUnreadable): AsyncIterable<ServiceState>;
  /**
   * Takes the lease if none is held, the held one has expired by `nowMs`, or it is this execution's own. Else
   * undefined, and also for the execution whose end was recorded last: a try of its first step that was given up may
   * still run.
   */
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
  /**
   * Records a deployment's end if the service's roll waits for that deployment, or does not know its deployment yet.
   * Returns the service's state; undefined when it has no roll.
   */
  recordSignal(serviceArn: string, signal: Signal): Promise<ServiceState | undefined>;
  /** Removes the roll and changes the service, if this execution holds the lease. Else undefined. */
  finishRoll(serviceArn: string, executionName: string, service: ServicePatch): Promise<ServiceState | undefined>;
  /** Changes the service's own members, no matter who holds the lease. Creates the item if there is none. */
  patchService(serviceArn: string, service: ServicePatch): Promise<ServiceState>;
  /**
   * Changes the service's own members if no roll has begun or ended since the state was read. Else undefined: the
   * record of a roll is newer than the state.
   */
  noteService(
    serviceArn: string,
    service: ServicePatch,
    read: Pick<ServiceState, "attemptNumber" | "roll"> | undefined,
  ): Promise<ServiceState | undefined>;
  /**
   * Changes the service's own members if its item still has this `createdAtMs`, or still has none. Else undefined:
   * somebody else has written it for another service of the name since.
   */
  forgetService(
    serviceArn: string,
    createdAtMs: number | undefined,
    service: ServicePatch,
  ): Promise<ServiceState | undefined>;
  /**
   * True if the caller is to notify people of this text: the member still is as the caller has read it and has
   * another text, and nobody else has claimed the text, or that claim has expired by `nowMs`. The same claimant may
   * claim again.
   */
  claimNotice(serviceArn: string, notice: Notice, nowMs: number): Promise<boolean>;
  /**
   * Records that people were notified of the text, and changes the service's own members, unless another text of the
   * member was claimed since: that one is newer. True if it was recorded.
   */
  recordNotice(serviceArn: string, notice: Pick<Notice, "member" | "text">, service?: ServicePatch): Promise<boolean>;
  /**
   * True if the caller is to report this correction: nobody else does until the last claim of the same text has ended
   * by `nowMs`. What is corrected again later is reported again.
   */
  claimRepair(serviceArn: string, repair: { text: string; untilMs: number }, nowMs: number): Promise<boolean>;
  /** Writes the stops if they still are as they were read, or if there still are none. True if they were. */
  countStops(serviceArn: string, before: Stops | undefined, next: Stops): Promise<boolean>;
  /** Raises `attempt` from the given number if it still is that. True if it was. */
  raiseAttempt(serviceArn: string, from: number): Promise<boolean>;
  getMesh(controlPlane: string): Promise<MeshState | undefined>;
  changeMesh<const C extends Change<MeshState>>(
    controlPlane: string,
    change: (mesh: MeshState | undefined) => ExactChange<MeshState, C>,
  ): Promise<Changed<MeshState | undefined, C>>;
  /** The facts of the newest generation. */
  getMeshFacts(controlPlane: string): Promise<MeshFacts | undefined>;
  /** Makes the facts the newest generation (`withFacts`). An item of another shape is replaced. */
  putMeshFacts(facts: MeshFacts): Promise<void>;
  getClaim(subject: string): Promise<Claim | undefined>;
  changeClaim<const C extends Change<Claim>>(
    subject: string,
    change: (claim: Claim | undefined) => ExactChange<Claim, C>,
  ): Promise<Changed<Claim | undefined, C>>;
  /** Every claim that has an item. */
  listClaims(onUnreadable?: OnUnreadable): AsyncIterable<Claim>;
  /**
   * Every service, claim and mesh, and the fleet's state, in no particular order: one list reads what each of their own
   * lists reads the whole ledger for.
   */
  listKnown(onUnreadable?: OnUnreadable): AsyncIterable<KnownItem>;
}

/** What the autopilot remembers of rollouts. The same holds for its calls as for those of `Ledger`. */
export interface RolloutLedger {
  /** `newFleetState` when nothing was written yet. */
  getFleet(): Promise<FleetState>;
  changeFleet<const C extends Change<FleetState>>(
    change: (fleet: FleetState) => ExactChange<FleetState, C>,
  ): Promise<Changed<FleetState, C>>;
  /** False when a rollout of this id exists: it stays as it is. */
  createRollout(rollout: Rollout): Promise<boolean>;
  getRollout(id: string): Promise<Rollout | undefined>;
  /** Undefined when there is no rollout of this id: the callback did not run. */
  changeRollout<const C extends Change<Rollout>>(
    id: string,
    change: (rollout: Rollout) => ExactChange<Rollout, C>,
  ): Promise<Changed<Rollout, C> | undefined>;
  /** In no particular order. */
  listRollouts(onUnreadable?: OnUnreadable): AsyncIterable<Rollout>;
  /** Writes the services as they are and replaces what was there, except what a later `startTry` has written. */
  putRolloutServices(services: readonly RolloutService[]): Promise<void>;
  getRolloutService(rolloutId: string, ordinal: number): Promise<RolloutService | undefined>;
  /**
   * Patches the service if it still has the expected members, of which undefined ones are absent. Else undefined. In
   * the patch, which has one member at least, undefined ones stay as they are. Throws when there is no such item.
   */
  patchRolloutService(
    rolloutId: string,
    ordinal: number,
    expected: Partial<RolloutService>,
    patch: Partial<RolloutService>,
  ): Promise<RolloutService | undefined>;
  /** By ordinal, both ends included; all of them without a range. */
  listRolloutServices(
    rolloutId: string,
    range?: { readonly first: number; readonly last: number },
  ): AsyncIterable<RolloutService>;
  /**
   * Takes the next free start of a lane (one quota in one account and region) and returns its time, epoch milliseconds,
   * not before `nowMs`: `burst` starts at once, then one every `intervalMs`. With a `count` it takes that many starts
   * and returns the first; later calls get the starts after them.
   */
  reserveStart(
    lane: string,
    nowMs: number,
    pace: { readonly intervalMs: number; readonly burst: number; readonly count?: number },
  ): Promise<number>;
}

/** What the autopilot remembers of the operations channel. The same holds for its calls as for those of `Ledger`. */
export interface ChannelLedger {
  /** `newChannel` when nothing was written yet. An item of another shape is replaced. */
  getChannel(): Promise<Channel>;
  changeChannel<const C extends Change<Channel>>(
    change: (channel: Channel) => ExactChange<Channel, C>,
  ): Promise<Changed<Channel, C>>;
}

/** How services leave the ledger. */
export interface GoneLedger {
  /**
   * Deletes the service's item, if it still says that it is gone since then and no roll has it. True if it was deleted.
   */
  dropService(serviceArn: string, goneSinceMs: number): Promise<boolean>;
}

/** All that the autopilot remembers, in one store. */
export interface Ledgers extends Ledger, RolloutLedger, ChannelLedger, GoneLedger {}

/** What reconciling services needs of it. */
export interface ServiceLedger extends Ledger, Pick<RolloutLedger, "getFleet" | "changeFleet"> {}
