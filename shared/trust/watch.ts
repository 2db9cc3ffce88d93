import type { Config } from "../config.ts";
import type { MeshFacts } from "../enrollment/model.ts";
import { asAutopilotError } from "../errors.ts";
import { rootCaChanged } from "../events/outgoing.ts";
import type { Ledger } from "../ledger.ts";
import type { BusCalls, ControlPlaneCalls, Log } from "../ports.ts";
import { parseBundle } from "./bundle.ts";

export interface WatchCalls {
  readonly config: Config;
  readonly ledger: Pick<Ledger, "getMeshFacts" | "putMeshFacts">;
  readonly controlPlane: (name: string) => Pick<ControlPlaneCalls, "readMeshFacts">;
  readonly bus: BusCalls;
  readonly log: Log;
}

export interface WatchResult {
  readonly read: number;
  readonly changed: number;
}

/**
 * Reads every control plane's mesh facts into the ledger and tells a changed root CA bundle. A bundle that is no list of
 * certificates is not stored. All control planes are read; then the first failure, if any, is thrown.
 */
export async function watchMeshFacts(calls: WatchCalls): Promise<WatchResult> {
  const results = await Promise.allSettled(calls.config.controlPlanes.map(({ name }) => watchOne(name, calls)));
  const failures = results.flatMap((result) => (result.status === "rejected" ? [asAutopilotError(result.reason)] : []));
  for (const { code, message } of failures) calls.log.error("control plane not read", { code, message });
  if (failures[0]) throw failures[0];
  const changed = results.filter((result) => result.status === "fulfilled" && result.value);
  return { read: results.length, changed: changed.length };
}

async function watchOne(name: string, calls: WatchCalls): Promise<boolean> {
  const facts = await calls.controlPlane(name).readMeshFacts();
  const bundle = parseBundle(facts.rootCaPem);
  const known = await calls.ledger.getMeshFacts(name);
  await calls.ledger.putMeshFacts(facts);
  const previous = known ? fingerprints(known) : [];
  const now = bundle.certificates.map(({ fingerprint256 }) => fingerprint256);
  if (!known || previous.join() === now.join()) return false;
  const told = { controlPlane: name, network: facts.network, fingerprints: now, previousFingerprints: previous };
  await calls.bus.putEvents([rootCaChanged(told)]);
  return true;
}

function fingerprints({ rootCaPem }: MeshFacts): string[] {
  return parseBundle(rootCaPem).certificates.map(({ fingerprint256 }) => fingerprint256);
}
