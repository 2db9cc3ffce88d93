import { type Place, sameRole } from "../../base/arn.ts";
import { asAutopilotError } from "../../base/errors.ts";
import { failureFixes } from "../../base/failure-fixes.ts";
import type { Config } from "../../config/config.ts";
import type { Needs } from "../../enrollment/needs.ts";
import type { Claim } from "../../model/claim.ts";
import type { DriftReason } from "../../model/reasons.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";
import type { BusCalls, ControlPlaneCalls, Log, SecretsCalls } from "../../ports/ports.ts";
import type { FleetReads } from "../observe/observe.ts";
import type { KnownPolicies } from "./known-policies.ts";
import { reportCorrected } from "./repair.ts";
import type { Sighting } from "./sighting.ts";

export interface KeepCalls {
  readonly config: Config;
  readonly ledger: Pick<Ledger, "changeClaim" | "claimNotice" | "recordNotice" | "claimRepair" | "patchService"> &
    Pick<RolloutLedger, "changeFleet">;
  readonly fleet: FleetReads["fleet"];
  readonly secrets: (place: Place) => SecretsCalls;
  readonly controlPlane: (
    name: string,
  ) => Pick<
    ControlPlaneCalls,
    | "readNamespace"
    | "ensureNamespace"
    | "ensureServiceAccount"
    | "listBindings"
    | "listAmbientNamespaces"
    | "listAllBindings"
    | "unbind"
  >;
  readonly bus: BusCalls;
  readonly log: Pick<Log, "info" | "warn" | "error">;
  readonly now: () => number;
  /** The policies that earlier sweeps found as desired. Without it, a few policies are read each time. */
  readonly policies?: KnownPolicies | undefined;
}

/** The sightings of a sweep, by account and region (`placeName`). */
export type Sightings = ReadonlyMap<string, Sighting>;

/** What the parts of the upkeep share. */
export interface Keeping {
  /** Claims as they stand, by subject. */
  readonly claims: Map<string, Claim>;
  /** Their versions as they were listed. */
  readonly versions: ReadonlyMap<string, number>;
  readonly needs: Needs;
  readonly sightings: Sightings;
  readonly calls: KeepCalls;
}

/** Reports what was corrected, once, about a service that needs it. */
export async function reportDrift(
  { holders }: Claim,
  reason: DriftReason,
  { sightings, calls }: Pick<Keeping, "sightings" | "calls">,
): Promise<void> {
  const services = Object.values(holders).flatMap((holder) => holder.services);
  for (const sighting of sightings.values()) {
    const found = services.map((serviceArn) => sighting.services.get(serviceArn)).find((one) => one !== undefined);
    if (!found) continue;
    return reportCorrected(found, [reason], calls);
  }
}

/** Does a part; what goes wrong there does not keep the others from being done. True if nothing did. */
export async function trying(what: string, calls: Pick<KeepCalls, "log">, part: () => Promise<void>): Promise<boolean> {
  try {
    await part();
    return true;
  } catch (error) {
    reportFailure(what, error, calls);
    return false;
  }
}

/** Logs what could not be done. It comes again with the next sweep. */
export function reportFailure(what: string, cause: unknown, { log }: Pick<KeepCalls, "log">): void {
  const { code, message } = asAutopilotError(cause);
  log.error(`not kept: ${what}`, { code, why: message, fix: failureFixes[code] });
}

/** Logs an item that can't be read: what belongs to it stays as it is. */
export function reportUnreadable(pk: string, why: string, { log }: Pick<KeepCalls, "log">): void {
  log.error(`not kept: ${pk}`, { code: "ledger-item-unreadable", why, fix: failureFixes["ledger-item-unreadable"] });
}

/** The role that the ledger knows as the owner of a service account; undefined where it knows none, or several. */
export function ownerOf({ holders }: Claim): string | undefined {
  const needed = Object.entries(holders).filter(([, { unneededSinceMs }]) => unneededSinceMs === undefined);
  const [first] = needed;
  return first && needed.every(([role]) => sameRole(role, first[0])) ? first[0] : undefined;
}
