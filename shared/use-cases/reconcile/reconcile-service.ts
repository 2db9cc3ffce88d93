import type { ServiceRef } from "../../base/arn.ts";
import type { Decision } from "../../enrollment/decision.ts";
import { holdsLease } from "../../model/service-state.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";
import { currentState } from "../observe/current-state.ts";
import {
  decideObserved,
  fleetOf,
  type ObserveCalls,
  type ObservedState,
  observeDescribed,
} from "../observe/observe.ts";
import { decideWithTasks, type TaskReads } from "../observe/observe-tasks.ts";
import { actOnDecision, type ReconcileCalls, type Reconciled } from "./act-on-decision.ts";

export interface ReconcileServiceCalls extends ReconcileCalls {
  readonly ecs: ObserveCalls & ReconcileCalls["ecs"] & TaskReads["ecs"];
  readonly ledger: ReconcileCalls["ledger"] &
    Pick<Ledger, "getService" | "forgetService" | "getMesh"> &
    Pick<RolloutLedger, "getFleet">;
}

/**
 * Reconciles one service: observes it, decides, and acts on the decision. `because` names the deployment whose event
 * asks for it, if any. During a roll it makes no ECS call: it requests a recheck for the end of the roll, unless the
 * event is about the roll's own deployment. A service that is not enrolled costs one call (its cluster's tags are
 * cached), one that is as desired costs two, and two more when its tasks are new or are to carry other tags.
 */
export async function reconcileService(
  ref: ServiceRef,
  calls: ReconcileServiceCalls,
  because: { readonly deploymentId?: string } = {},
): Promise<Reconciled & { readonly decided?: Decision["action"] }> {
  let state = await calls.ledger.getService(ref.serviceArn);
  if (state && holdsLease(state, calls.now())) {
    // The roll itself waits for its own deployment.
    const isOwn = because.deploymentId !== undefined && because.deploymentId === state.roll?.deploymentId;
    if (isOwn || state.recheckRequested) return { did: "nothing", why: "roll-in-progress" };
    state = await calls.ledger.patchService(ref.serviceArn, { recheckRequested: true });
    // If the roll has ended in between, it did not see the request: reconcile now.
    if (holdsLease(state, calls.now())) return { did: "nothing", why: "roll-in-progress" };
  }
  if (state?.recheckRequested) state = await calls.ledger.patchService(ref.serviceArn, { recheckRequested: null });
  const service = await calls.ecs.describeService(ref);
  state = await currentState(service, state, calls.ledger);
  const reads = fleetOf(calls.ledger);
  const decide = (described: ObservedState) => decideObserved(described, calls.config, reads);
  const taskReads = { ...calls, budget: { servicesLeft: 2 } };
  const described = await observeDescribed(service, state, calls);
  let { observed, decision } = await decideWithTasks(described, decide, taskReads);
  if (decision.action !== "none" && decision.action !== "refuse") {
    // Stale tags of the cluster must not unenroll a service, nor start a roll that finds nothing to do.
    const fresh = await observeDescribed(service, state, { ...calls, fresh: true });
    ({ observed, decision } = await decideWithTasks(fresh, decide, taskReads));
  }
  return { ...(await actOnDecision(observed, decision, calls)), decided: decision.action };
}
