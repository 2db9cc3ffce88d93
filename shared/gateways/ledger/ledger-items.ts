/** How the ledger's items are keyed and read, the same for every store. */
import * as z from "zod";
import { AutopilotError } from "../../base/errors.ts";
import { openObject } from "../../base/lenient.ts";
import { type Channel, channelSchema } from "../../model/channel.ts";
import { type Claim, claimSchema } from "../../model/claim.ts";
import type { MeshState } from "../../model/mesh.ts";
import { meshStateSchema } from "../../model/mesh.ts";
import {
  type FleetState,
  fleetStateSchema,
  type Rollout,
  type RolloutService,
  rolloutSchema,
  rolloutServiceSchema,
} from "../../model/rollout.ts";
import type { ServiceState } from "../../model/service-state.ts";
import { rollSchema, serviceStateSchema } from "../../model/service-state.ts";

import type { KnownItem, OnUnreadable } from "../../ports/ledger.ts";

export interface ItemKey {
  readonly pk: string;
  readonly sk: string;
}

export const STATE = "STATE";
export const META = "META";
export const SERVICE_PREFIX = "SERVICE#";
export const ROLLOUT_PREFIX = "ROLLOUT#";
export const CLAIM_PREFIX = "CLAIM#";
export const MESH_PREFIX = "MESH#";
export const FACTS = "FACTS";

/** The key of a service's state. */
export function serviceKey(serviceArn: string): ItemKey {
  return { pk: `${SERVICE_PREFIX}${serviceArn}`, sk: STATE };
}

/** The key of a control plane's mesh facts. */
export function meshKey(controlPlane: string): ItemKey {
  return { pk: `${MESH_PREFIX}${controlPlane}`, sk: FACTS };
}

/** The key of a claim. */
export function claimKey(subject: string): ItemKey {
  return { pk: `${CLAIM_PREFIX}${subject}`, sk: STATE };
}

/** The key of the fleet's state. */
export const fleetKey: ItemKey = { pk: "FLEET", sk: STATE };

/** The key of the operations channel. */
export const channelKey: ItemKey = { pk: "CHANNEL", sk: STATE };

/** The key of a rollout. */
export function rolloutKey(id: string): ItemKey {
  return { pk: `${ROLLOUT_PREFIX}${id}`, sk: META };
}

/** The key of a service in a rollout. Sorted by it, services are in the order of their ordinals. */
export function rolloutServiceKey(rolloutId: string, ordinal: number): ItemKey {
  return { pk: `${ROLLOUT_PREFIX}${rolloutId}`, sk: `${SERVICE_PREFIX}${String(ordinal).padStart(6, "0")}` };
}

/** The largest ordinal whose `rolloutServiceKey` still sorts by number. */
export const MAX_ORDINAL = 999_999;

/** The key of a lane's pace. */
export function paceKey(lane: string): ItemKey {
  return { pk: `PACE#${lane}`, sk: STATE };
}

/** A service's state from its item. Throws `ledger-item-unreadable` that names the item. */
export function readService(item: object): ServiceState {
  return readLasting(serviceStateSchema, item);
}

/**
 * Throws `ledger-item-unreadable` if a change of a service's state, by path (`roll.leaseUntil`), has a value that could
 * not be read again. Neither `null` nor `undefined` is a value.
 */
export function checkServiceChanges(serviceArn: string, changes: Readonly<Record<string, unknown>>): void {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined && value !== null);
  const own = given.filter(([path]) => !path.startsWith("roll."));
  const ofRoll = given.flatMap(([path, value]) => (path.startsWith("roll.") ? [[path.slice(5), value]] : []));
  const key = serviceKey(serviceArn);
  readService({ ...key, shape: 1, serviceArn, ...storedCopy(Object.fromEntries(own)) });
  if (ofRoll.length > 0) read(rollSchema.partial(), { ...key, ...Object.fromEntries(ofRoll) });
}

/** A control plane's mesh facts from their item. Throws `ledger-item-unreadable` that names the item. */
export function readMesh(item: object): MeshState {
  return readLasting(meshStateSchema, item);
}

/** A claim from its item. Throws `ledger-item-unreadable` that names the item. */
export function readClaim(item: object): Claim {
  return readLasting(claimSchema, item);
}

/** The fleet's state from its item. Throws `ledger-item-unreadable` that names the item. */
export function readFleet(item: object): FleetState {
  return readLasting(fleetStateSchema, item);
}

/** True for the item of a service, a claim, a mesh or the fleet, by its key. */
export function isKnownItem({ pk, sk }: ItemKey): boolean {
  if (pk.startsWith(MESH_PREFIX)) return sk === FACTS;
  return sk === STATE && (pk === fleetKey.pk || pk.startsWith(SERVICE_PREFIX) || pk.startsWith(CLAIM_PREFIX));
}

/** What such an item says. Throws `ledger-item-unreadable` that names the item. */
export function readKnownItem(item: object): KnownItem {
  const { pk } = keySchema.parse(item);
  if (pk.startsWith(MESH_PREFIX)) return { mesh: readMesh(item), controlPlane: pk.slice(MESH_PREFIX.length) };
  if (pk.startsWith(CLAIM_PREFIX)) return { claim: readClaim(item) };
  return pk === fleetKey.pk ? { fleet: readFleet(item) } : { service: readService(item) };
}

/** The operations channel from its item. Throws `ledger-item-unreadable` that names the item. */
export function readChannel(item: object): Channel {
  return readLasting(channelSchema, item);
}

/** A rollout from its item. Throws `ledger-item-unreadable` that names the item. */
export function readRollout(item: object): Rollout {
  return read(rolloutSchema, item);
}

/** A service in a rollout from its item. Throws `ledger-item-unreadable` that names the item. */
export function readRolloutService(item: object): RolloutService {
  return read(rolloutServiceSchema, item);
}

/** Throws `ledger-item-unreadable` if a patch has a value that could not be read again. */
export function checkRolloutServicePatch(key: ItemKey, patch: object): void {
  read(rolloutServiceSchema.unwrap().partial(), { ...key, ...storedCopy(patch) });
}

const paceStateSchema = openObject({ tatMs: z.number() });
export type PaceState = z.output<typeof paceStateSchema>;

/** A lane's pace from its item. Throws `ledger-item-unreadable` that names the item. */
export function readPace(item: object): PaceState {
  return readLasting(paceStateSchema, item);
}

/** A copy of an item as a store returns it: without the members that are undefined. */
export function storedCopy(item: object): object {
  const copy: object = JSON.parse(JSON.stringify(item)); // an object's JSON is an object's
  return copy;
}

/** What `read` returns, or undefined for an item of another shape. */
export function unlessUnreadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof AutopilotError && error.code === "ledger-item-unreadable") return undefined;
    throw error;
  }
}

/** Those of the items that can be read. Throws at the first other one unless `onUnreadable` takes it. */
export async function* readEach<T>(
  items: Iterable<object> | AsyncIterable<object>,
  read: (item: object) => T,
  onUnreadable: OnUnreadable | undefined,
): AsyncIterable<T> {
  for await (const item of items) {
    let content: T;
    try {
      content = read(item);
    } catch (error) {
      if (!onUnreadable || !(error instanceof AutopilotError) || error.code !== "ledger-item-unreadable") throw error;
      onUnreadable({ ...keySchema.parse(item), why: error.detail });
      continue;
    }
    yield content;
  }
}

const keySchema = z.object({ pk: z.string().default("?"), sk: z.string().default("?") });

/** The table's time to live may be set by hand on any item; only some items have it in their content. */
function readLasting<T>(schema: z.ZodType<T>, item: object): T {
  const { expiresAt: _, ...lasting } = item as Readonly<Record<string, unknown>>; // any object has string keys
  return read(schema, lasting);
}

function read<T>(schema: z.ZodType<T>, item: object): T {
  const { pk, sk, ...content } = item as Readonly<Record<string, unknown>>; // any object has string keys
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const key = keySchema.safeParse({ pk, sk }).data;
  const wrong = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "item"}: ${message}`).join("; ");
  throw new AutopilotError("ledger-item-unreadable", `${key?.pk} / ${key?.sk}: ${wrong}`, { cause: parsed.error });
}
