import { clusterArnOf, parseServiceArn, type ServiceRef } from "../../base/arn.ts";
import { failureFixes } from "../../base/failure-fixes.ts";
import { goneCase } from "../../deployment/gone.ts";
import { placeName } from "../../enrollment/needs.ts";
import type { ServiceState } from "../../model/service-state.ts";
import type { GoneLedger, Ledger } from "../../ports/ledger.ts";
import type { EcsCalls, Log } from "../../ports/ports.ts";
import { type Sightings, trying } from "./keeping.ts";
import type { AllStates } from "./known-ledger.ts";

export interface DropGoneCalls {
  readonly ecs: (place: ServiceRef) => Pick<EcsCalls, "describeServices">;
  readonly ledger: Pick<Ledger, "patchService"> & GoneLedger;
  readonly log: Pick<Log, "info" | "warn" | "error">;
  readonly now: () => number;
}

/** A sweep has other things to do: the rest goes with the next one. */
const DROPS_A_SWEEP = 200;

/**
 * Lets services go that somebody has deleted: they leave the ledger, and what they pinned is no longer needed. Only a
 * place of which every service was read says so, and ECS is asked once more. Nothing is known of services whose cluster
 * was not listed, or whose account or region left the configuration: these stay. Items that can't be read stay, too,
 * and are named. Returns the ARNs of those that it has let go.
 */
export async function dropGone(
  states: AllStates,
  sightings: Sightings,
  calls: DropGoneCalls,
): Promise<ReadonlySet<string>> {
  const dropped = new Set<string>();
  let drops = 0;
  for (const state of states.all()) {
    const ref = parseServiceArn(state.serviceArn);
    const isThere = ref && isThereIn(sightings, ref);
    if (!ref || isThere === undefined) continue;
    const found = goneCase(state, { isThere, nowMs: calls.now() });
    if (found === "keep" || (found === "drop" && drops >= DROPS_A_SWEEP)) continue;
    if (found === "drop") drops += 1;
    await trying(state.serviceArn, calls, async () => {
      if (await carryOut(found, ref, state, calls)) dropped.add(state.serviceArn);
    });
  }
  for (const [serviceArn, why] of states.unreadable) {
    const ref = parseServiceArn(serviceArn);
    if (ref && isThereIn(sightings, ref) !== false) continue;
    const fix = ref ? "The service is gone: delete the item." : failureFixes["ledger-item-unreadable"];
    calls.log.warn(`item of no service: ${serviceArn}`, { code: "ledger-item-unreadable", why, fix });
  }
  return dropped;
}

/** Undefined where the sightings don't say. */
function isThereIn(sightings: Sightings, ref: ServiceRef): boolean | undefined {
  const sighting = sightings.get(placeName(ref));
  if (!sighting?.complete || !sighting.clusters.has(clusterArnOf(ref))) return undefined;
  return sighting.services.has(ref.serviceArn);
}

/** True if the service's item was deleted. */
async function carryOut(
  found: "mark" | "unmark" | "drop",
  ref: ServiceRef,
  { serviceArn, goneSinceMs = 0 }: ServiceState,
  { ecs, ledger, log, now }: DropGoneCalls,
): Promise<boolean> {
  if (found === "unmark") await ledger.patchService(serviceArn, { goneSinceMs: null });
  if (found === "mark") await ledger.patchService(serviceArn, { goneSinceMs: now() });
  if (found !== "drop") return false;
  const [service] = await ecs(ref).describeServices(clusterArnOf(ref), [ref.serviceName]);
  if (service && service.status !== "INACTIVE") {
    await ledger.patchService(serviceArn, { goneSinceMs: null });
    return false;
  }
  const isDropped = await ledger.dropService(serviceArn, goneSinceMs);
  if (isDropped) log.info("a service that is gone was forgotten", { serviceArn });
  return isDropped;
}
