import { isOfEarlierService, newMemory } from "../../deployment/memory.ts";
import type { ObservedService } from "../../model/service.ts";
import type { ServiceState } from "../../model/service-state.ts";
import type { Ledger } from "../../ports/ledger.ts";

/**
 * What the ledger remembers of this very service. A service that was created again under its name has a new memory,
 * which is written at once. The lease of a roll stays: its end releases it.
 */
export async function currentState<State extends ServiceState | undefined>(
  service: ObservedService,
  state: State,
  ledger: Pick<Ledger, "getService" | "forgetService">,
): Promise<State | ServiceState> {
  if (!state || !isOfEarlierService(state, service)) return state;
  const { serviceArn } = service.ref;
  const forgotten = await ledger.forgetService(serviceArn, state.createdAtMs, newMemory(service));
  // Somebody else has forgotten it since: what is there by now may be a roll's of the new service.
  return forgotten ?? (await ledger.getService(serviceArn)) ?? state;
}
