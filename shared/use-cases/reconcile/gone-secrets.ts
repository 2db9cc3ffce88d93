import type { ServiceRef } from "../../base/arn.ts";
import type { ServiceState } from "../../model/service-state.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { Sighting } from "./sighting.ts";

interface GoneCalls {
  readonly sighting: Sighting;
  readonly states: readonly ServiceState[];
  readonly ledger: Pick<Ledger, "patchService">;
}

/**
 * Notes a secret that was deleted for good with the services in the mesh that pin it: the roll that follows writes it
 * again as at first, and brings them its new ARN. `again`: the services to reconcile for that. `isLeft`: somebody has
 * to act, as the rolls since an earlier sweep have not helped, or no roll is to come.
 */
export async function noteGone(
  secretArn: string,
  { sighting, states, ledger }: GoneCalls,
): Promise<{ readonly again: readonly ServiceRef[]; readonly isLeft: boolean }> {
  const again: ServiceRef[] = [];
  let isLeft = false;
  for (const { ref } of sighting.usersOf(secretArn)) {
    const state = states.find(({ serviceArn }) => serviceArn === ref.serviceArn);
    if (state?.enrolled && state.secretGone !== secretArn) {
      await ledger.patchService(ref.serviceArn, { secretGone: secretArn });
      again.push(ref);
    } else if (!state?.roll) isLeft = true;
  }
  return { again, isLeft };
}

/** Forgets a secret that exists after all, and one that its service does not pin any more. */
export async function forgetGone({ sighting, states, ledger }: GoneCalls): Promise<void> {
  for (const { serviceArn, secretGone, roll } of states) {
    if (secretGone === undefined || roll || !sighting.services.has(serviceArn)) continue;
    const isPinned = sighting.usersOf(secretGone).some(({ ref }) => ref.serviceArn === serviceArn);
    const isListed = [...sighting.listed.values()].some(({ arn }) => arn === secretGone);
    if (!isPinned || isListed) await ledger.patchService(serviceArn, { secretGone: null });
  }
}
