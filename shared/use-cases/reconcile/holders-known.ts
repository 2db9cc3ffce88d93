import { accountsOfUnknown } from "../../enrollment/held.ts";
import type { ServiceState } from "../../model/service-state.ts";
import type { KeepCalls } from "./keeping.ts";

/**
 * Records, once, that every service account in use is claimed for the services that have it. `states` are the services
 * that the claims were compared with. From then on nobody has to read the whole ledger for it.
 */
export async function recordHoldersKnown(
  states: readonly ServiceState[],
  { ledger, fleet, now }: Pick<KeepCalls, "ledger" | "fleet" | "now">,
): Promise<void> {
  if (states.some((state) => accountsOfUnknown(state).length > 0)) return;
  if ((await fleet()).holdersKnownSince !== undefined) return;
  const holdersKnownSince = new Date(now()).toISOString();
  await ledger.changeFleet((current) =>
    current.holdersKnownSince === undefined ? { next: { ...current, holdersKnownSince } } : {},
  );
}
