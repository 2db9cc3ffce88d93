import { AutopilotError } from "../../base/errors.ts";
import type { Claim } from "../../model/claim.ts";
import type { MeshState } from "../../model/mesh.ts";
import type { FleetState } from "../../model/rollout.ts";
import type { ServiceState } from "../../model/service-state.ts";
import { type Ledger, serviceArnOf, type UnreadableItem } from "../../ports/ledger.ts";
import { type AbandonedCalls, withoutAbandonedRoll } from "./abandoned.ts";

/** What the ledger remembers of services. */
export interface States {
  /** Throws `ledger-item-unreadable` for a service whose item can't be read. */
  get(serviceArn: string): ServiceState | undefined | Promise<ServiceState | undefined>;
}

/** All that it remembers of them, as it was when a sweep began. */
export interface AllStates extends States {
  all(): Iterable<ServiceState>;
  /** Why, by the ARNs of services whose items can't be read. */
  readonly unreadable: ReadonlyMap<string, string>;
}

/** What the ledger knew when a sweep began, from one list of it. */
export interface KnownLedger {
  readonly states: AllStates;
  readonly claims: readonly Claim[];
  readonly unreadableClaims: readonly UnreadableItem[];
  readonly meshes: ReadonlyMap<string, MeshState>;
  /** Undefined where nothing was written yet, or where it can't be read. */
  readonly fleet: FleetState | undefined;
}

/** What the ledger knows of the services by now. */
export interface LaterStates {
  readonly states: readonly ServiceState[];
  /** The ARNs of the services whose items can't be read. */
  readonly unreadable: readonly string[];
}

type KnownCalls = AbandonedCalls & { readonly ledger: Pick<Ledger, "listKnown"> };

/** Reads it. A service whose item can't be read is left out alone: asking for it throws. */
export async function readKnownLedger(calls: KnownCalls): Promise<KnownLedger> {
  const states = new Map<string, ServiceState>();
  const unreadable = new Map<string, string>();
  const claims: Claim[] = [];
  const unreadableClaims: UnreadableItem[] = [];
  const meshes = new Map<string, MeshState>();
  let fleet: FleetState | undefined;
  const note = (item: UnreadableItem) => {
    const serviceArn = serviceArnOf(item);
    if (serviceArn !== undefined) unreadable.set(serviceArn, item.why);
    else if (item.pk.startsWith("CLAIM#")) unreadableClaims.push(item);
  };
  for await (const item of calls.ledger.listKnown(note)) {
    if ("service" in item) states.set(item.service.serviceArn, await withoutAbandonedRoll(item.service, calls));
    else if ("claim" in item) claims.push(item.claim);
    else if ("mesh" in item) meshes.set(item.controlPlane, item.mesh);
    else fleet = item.fleet;
  }
  const get = (serviceArn: string) => {
    const why = unreadable.get(serviceArn);
    if (why !== undefined) throw new AutopilotError("ledger-item-unreadable", why);
    return states.get(serviceArn);
  };
  return { states: { get, all: () => states.values(), unreadable }, claims, unreadableClaims, meshes, fleet };
}

/** Reads the services once more. */
export async function readLaterStates(ledger: Pick<Ledger, "listServices">): Promise<LaterStates> {
  const unreadable: string[] = [];
  const note = (item: UnreadableItem) => unreadable.push(serviceArnOf(item) ?? "");
  const states = await Array.fromAsync(ledger.listServices(note));
  return { states, unreadable };
}
