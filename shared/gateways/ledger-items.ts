/** How the ledger's items are keyed and read, alike for every store. */
import * as z from "zod";
import { type MeshFacts, meshFactsSchema } from "../enrollment/model.ts";
import { AutopilotError } from "../errors.ts";
import { type ServiceState, serviceStateSchema } from "../ledger.ts";

export interface ItemKey {
  readonly pk: string;
  readonly sk: string;
}

export const STATE = "STATE";

/** The key of a service's state. */
export function serviceKey(serviceArn: string): ItemKey {
  return { pk: `SERVICE#${serviceArn}`, sk: STATE };
}

/** The key of a control plane's mesh facts. */
export function meshKey(controlPlane: string): ItemKey {
  return { pk: `MESH#${controlPlane}`, sk: "FACTS" };
}

/** A service's state from its item. Throws `ledger-item-unreadable` that names the item. */
export function readService(item: object): ServiceState {
  return read(serviceStateSchema, item);
}

/** Mesh facts from their item. Throws `ledger-item-unreadable` that names the item. */
export function readMeshFacts(item: object): MeshFacts {
  return read(meshFactsSchema, item);
}

const keySchema = z.object({ pk: z.string().default("?"), sk: z.string().default("?") });

function read<T>(schema: z.ZodType<T>, item: object): T {
  // `expiresAt` is DynamoDB's time to live: no member of the item's content.
  const { pk, sk, expiresAt: _, ...content } = item as Readonly<Record<string, unknown>>; // any object has string keys
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const key = keySchema.safeParse({ pk, sk }).data;
  const wrong = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "item"}: ${message}`).join("; ");
  throw new AutopilotError("ledger-item-unreadable", `${key?.pk} / ${key?.sk}: ${wrong}`, { cause: parsed.error });
}
