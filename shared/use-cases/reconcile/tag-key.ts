import type { RolloutLedger } from "../../ports/ledger.ts";
import type { Log } from "../../ports/ports.ts";
import type { FleetReads } from "../observe/observe.ts";
import type { Sightings } from "./keeping.ts";

interface TagKeyCalls {
  readonly config: { readonly enrollTagKey: string };
  readonly fleet: FleetReads["fleet"];
  readonly ledger: Pick<RolloutLedger, "changeFleet">;
  readonly log: Pick<Log, "error">;
}

/**
 * Records the key of the enroll tag, so that a later sweep knows when the configuration names another one. That other
 * key is recorded once every place was read and no service in the mesh lacks it: `untagged` is how many do. Until then
 * they stay in the mesh, and each sweep says so.
 */
export async function followTagKey(untagged: number, sightings: Sightings, calls: TagKeyCalls): Promise<void> {
  const { enrollTagKey } = calls.config;
  const known = (await calls.fleet()).enrollTagKey;
  if (known === enrollTagKey) return;
  if (known !== undefined && untagged > 0) {
    calls.log.error("the enroll tag's key has changed: services without the new key stay in the mesh", {
      from: known,
      to: enrollTagKey,
      services: untagged,
      fix: "Tag them with the new key, or set the key in the configuration back. `false` under the new key takes one out.",
    });
    return;
  }
  const isComplete = [...sightings.values()].every(({ complete }) => complete);
  if (known !== undefined && !isComplete) return;
  await calls.ledger.changeFleet((fleet) => (fleet.enrollTagKey === known ? { next: { ...fleet, enrollTagKey } } : {}));
}
