import type { Config } from "../config.ts";
import { asAutopilotError } from "../errors.ts";
import { rootCaChanged } from "../events/outgoing.ts";
import type { Ledger } from "../ledger.ts";
import type { BusCalls, ControlPlaneCalls, Log } from "../ports.ts";
import { type Bundle, parseBundle } from "./bundle.ts";

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
  for (const { code, message } of failures) calls.log.error("control plane not read", { code, why: message });
  if (failures[0]) throw failures[0];
  const changed = results.filter((result) => result.status === "fulfilled" && result.value);
  return { read: results.length, changed: changed.length };
}

async function watchOne(name: string, calls: WatchCalls): Promise<boolean> {
  const facts = await calls.controlPlane(name).readMeshFacts();
  const bundle = parseBundle(facts.rootCaPem);
  const previous = await knownFingerprints(name, calls);
  const now = fingerprints(bundle);
  const changed = previous !== undefined && previous.join() !== now.join();
  if (changed) {
    const told = { controlPlane: name, network: facts.network, fingerprints: now, previousFingerprints: previous };
    // Before it is stored: after a crash in between it is told again, else it would never be.
    await calls.bus.putEvents([rootCaChanged(told)]);
  }
  await calls.ledger.putMeshFacts(facts);
  return changed;
}

/** Those of the stored bundle. What can't be read of it, of an older shape say, is said and gives way. */
async function knownFingerprints(name: string, { ledger, log }: WatchCalls): Promise<string[] | undefined> {
  try {
    const known = await ledger.getMeshFacts(name);
    return known && fingerprints(parseBundle(known.rootCaPem));
  } catch (error) {
    const { code, message } = asAutopilotError(error);
    if (code !== "ledger-item-unreadable" && code !== "invalid-pem") throw error;
    log.warn("stored mesh facts replaced", { code, why: message });
    return undefined;
  }
}

function fingerprints({ certificates }: Bundle): string[] {
  return certificates.map(({ fingerprint256 }) => fingerprint256);
}
