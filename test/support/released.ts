import { readdirSync, readFileSync } from "node:fs";
import * as z from "zod";
import type { functionFactories } from "../../lab/lambda/functions.ts";
import type { LedgerItems, memoryLedger } from "../../lab/ledger/ledger-memory.ts";
import type { Json, JsonObject } from "../../shared/base/json.ts";
import type { Ledgers } from "../../shared/ports/ledger.ts";
import type { ItemReaders } from "./readers.ts";

/** Items and payloads of a released version, as `npm run record-release` has recorded it. */
export interface Released {
  readonly version: string;
  /** By kind. */
  readonly items: Readonly<Record<string, readonly JsonObject[]>>;
  readonly payloads: readonly { readonly functionName: string; readonly input: Json; readonly answer: Json }[];
}

/** The readers of a version, from its bundle. */
export async function readersOf(version: string): Promise<ItemReaders> {
  const bundle: unknown = await import(new URL(`${version}/readers.mjs`, folder).href);
  return bundle as ItemReaders; // what `npm run record-release` bundles has these exports
}

/** What the lab runs of a version in place of today's functions. */
export async function functionsOf(version: string): Promise<typeof functionFactories> {
  return (await functionsBundle(version)).functionFactories;
}

/** The ledger over these items as a version reads and writes it. */
export async function ledgerOf(version: string, items: LedgerItems): Promise<Ledgers> {
  return (await functionsBundle(version)).memoryLedger(items);
}

interface FunctionsBundle {
  readonly functionFactories: typeof functionFactories;
  readonly memoryLedger: typeof memoryLedger;
}

async function functionsBundle(version: string): Promise<FunctionsBundle> {
  const bundle: unknown = await import(new URL(`${version}/functions.mjs`, folder).href);
  return bundle as FunctionsBundle; // what `npm run record-release` bundles has these exports
}

const folder = new URL("../released/", import.meta.url);

const itemsSchema = z.record(z.string(), z.array(z.record(z.string(), z.json())));
const payloadsSchema = z.array(z.object({ functionName: z.string(), input: z.json(), answer: z.json() }));

/** Every version under `test/released/`. */
export function released(): readonly Released[] {
  const versions = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return versions.map(({ name: version }) => ({
    version,
    items: itemsSchema.parse(read(`${version}/items.json`)),
    payloads: payloadsSchema.parse(read(`${version}/payloads.json`)),
  }));
}

function read(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, folder), "utf8"));
}
