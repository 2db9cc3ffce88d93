import type { Config } from "../../config/config.ts";
import { knownOrphan, mayHaveTasks } from "../../enrollment/membership.ts";
import { servicesOrphaned } from "../../events/mesh-events.ts";
import type { ReleaseRequest } from "../../events/operator.ts";
import type { OrphanReason } from "../../model/reasons.ts";
import { holdsLease, type ServiceState } from "../../model/service-state.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { BusCalls } from "../../ports/ports.ts";

export interface ReleaseServicesCalls {
  readonly config: Config;
  readonly ledger: Pick<Ledger, "getService" | "forgetService" | "finishRoll">;
  readonly bus: BusCalls;
  readonly now: () => number;
}

/** What the ledger knows no more of a service that was released. Should it come back, a sweep finds what it runs. */
const released = {
  enrolled: false,
  secretsInUse: [],
  held: null,
  unverified: null,
  orphaned: null,
  notifiedOrphaned: null,
};

export interface Released {
  readonly released: readonly string[];
  /** Those that are kept, or that a roll works on: nothing was changed. */
  readonly refused: readonly string[];
}

/**
 * Forgets that orphaned services are in the mesh, as an operator asks: they hold no gate any more, and their identity
 * is given back. Nothing is done to their tasks. A service that the autopilot still keeps is not released.
 */
export async function releaseServices(request: ReleaseRequest, calls: ReleaseServicesCalls): Promise<Released> {
  const done: { readonly serviceArn: string; readonly why: OrphanReason }[] = [];
  const refused: string[] = [];
  for (const serviceArn of request.serviceArns) {
    const state = await calls.ledger.getService(serviceArn);
    if (!state || !mayHaveTasks(state)) continue;
    const why = knownOrphan(state, calls.config);
    if (why === undefined || holdsLease(state, calls.now()) || !(await release(state, calls))) refused.push(serviceArn);
    else done.push({ serviceArn, why });
  }
  if (done.length > 0) await calls.bus.putEvents([servicesOrphaned("released", done, request.requestedBy)]);
  return { released: done.map(({ serviceArn }) => serviceArn), refused };
}

/** False when somebody else has written it since: another service has its name, or a roll has begun. */
async function release(state: ServiceState, { ledger }: ReleaseServicesCalls): Promise<boolean> {
  const { serviceArn, createdAtMs, roll } = state;
  const written = roll
    ? await ledger.finishRoll(serviceArn, roll.executionName, released)
    : await ledger.forgetService(serviceArn, createdAtMs, released);
  return written !== undefined;
}
