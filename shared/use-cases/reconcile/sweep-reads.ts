import type { Place } from "../../base/arn.ts";
import { type Config, controlPlaneFor } from "../../config/config.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";
import { type FleetReads, fleetOf } from "../observe/observe.ts";
import type { KnownLedger } from "./known-ledger.ts";
import { fleetFingerprint } from "./settled.ts";

/** Mesh and fleet as one sweep sees them, each read once; `mark` is a hash of both for a service's place. */
export interface SweepReads extends FleetReads {
  readonly mark: (place: Place) => Promise<string>;
}

/** What a sweep reads once for all services: only what it does not know already. */
export function readOnce(
  ledger: Pick<Ledger, "getMesh"> & Pick<RolloutLedger, "getFleet">,
  config: Config,
  known: Pick<KnownLedger, "meshes" | "fleet"> = { meshes: new Map(), fleet: undefined },
): SweepReads {
  const of = fleetOf(ledger);
  const mesh = memoized(async (controlPlane: string) => known.meshes.get(controlPlane) ?? of.mesh(controlPlane));
  const fleetAt = memoized(async (_: string) => known.fleet ?? of.fleet());
  const fleet = () => fleetAt("");
  const markAt = memoized(async (plane: string) =>
    fleetFingerprint(plane === "" ? undefined : await mesh(plane), await fleet()),
  );
  return { mesh, fleet, mark: (place) => markAt(controlPlaneFor(config, place)?.name ?? "") };
}

function memoized<T>(read: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (key) => {
    const value = known.get(key) ?? read(key);
    known.set(key, value);
    return value;
  };
}
