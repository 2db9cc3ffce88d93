import type { ServiceRef } from "../../base/arn.ts";
import type { Decision } from "../../enrollment/decision.ts";
import { holdsLease } from "../../model/service-state.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";
import { decideObserved, fleetOf, type ObserveCalls, observeDescribed } from "../observe/observe.ts";
import { actOnDecision, type ReconcileCalls, type Reconciled } from "./act-on-decision.ts";

export interface ReconcileServiceCalls extends ReconcileCalls {
  readonly ecs: ObserveCalls & ReconcileCalls["ecs"];
  readonly ledger: ReconcileCalls["ledger"] & Pick<Ledger, "getService" | "getMesh"> & Pick<RolloutLedger, "getFleet">;
}

/**
 * Looks at one service and acts on what it finds; `because` says which deployment calls for it, if one does. A service in
 * the middle of a roll costs no ECS call: that the roll's end has to lead here again is noted, unless it is the roll's own
 * deployment that calls. One that is not enrolled costs one (given its cluster's tags), one that is as desired costs two.
 */
export async function reconcileService(
  ref: ServiceRef,
  calls: ReconcileServiceCalls,
  because: { readonly deploymentId?: string } = {},
): Promise<Reconciled & { readonly decided?: Decision["action"] }> {
  let state = await calls.ledger.getService(ref.serviceArn);
  if (state && holdsLease(state, calls.now())) {
    // The roll waits for its own deployment anyway.
    const isOwn = because.deploymentId !== undefined && because.deploymentId === state.roll?.deploymentId;
    if (isOwn || state.recheckRequested) return { did: "nothing", why: "roll-in-progress" };
    state = await calls.ledger.patchService(ref.serviceArn, { recheckRequested: true });
    // Where the roll has ended meanwhile its end did not see the note, and this look is the one.
    if (holdsLease(state, calls.now())) return { did: "nothing", why: "roll-in-progress" };
  }
  if (state?.recheckRequested) state = await calls.ledger.patchService(ref.serviceArn, { recheckRequested: null });
  const service = await calls.ecs.describeService(ref);
  const reads = fleetOf(calls.ledger);
  let observed = await observeDescribed(service, state, calls);
  let decision = await decideObserved(observed, calls.config, reads);
  if (decision.action !== "none" && decision.action !== "refuse") {
    // Cached tags of the cluster must not take a service out of the mesh, nor start a roll that finds nothing to do.
    observed = await observeDescribed(service, state, { ...calls, fresh: true });
    decision = await decideObserved(observed, calls.config, reads);
  }
  return { ...(await actOnDecision(observed, decision, calls)), decided: decision.action };
}
