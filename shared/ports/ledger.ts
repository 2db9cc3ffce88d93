import type { MeshFacts, MeshState } from "../model/mesh.ts";
import type { FleetState, Rollout, RolloutService } from "../model/rollout.ts";
import type { RollPatch, ServicePatch, ServiceState, Signal } from "../model/service-state.ts";

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
