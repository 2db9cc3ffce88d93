import { findSidecar } from "../../data-plane/ztunnel/task-definition/sidecar.ts";
import { hasCompleted } from "../../deployment/verdict.ts";
import type { Decision } from "../../enrollment/decision.ts";
import type { ObservedService } from "../../model/service.ts";
import type { ServicePatch, ServiceState } from "../../model/service-state.ts";
import type { ObservedState } from "../observe/observe.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type AsItIs = Extract<Decision, { action: "none" }>;

/**
 * What the ledger has yet to learn of a service that stays as it is: empty when it knows. Warnings that are new go with it,
 * and tag keys that are taken back when the service has left the mesh without the autopilot.
 */
export function notesOf(observed: ObservedState, decision: AsItIs): ServicePatch {
  const { state } = observed;
  const enrolled = decision.reason === "as-desired" || decision.reason === "awaits-rollout";
  if (!enrolled && !state) return {};
  const notes: Mutable<ServicePatch> = {};
  if (state?.notifiedRefusals !== undefined) notes.notifiedRefusals = null;
  if (enrolled) return { ...notes, ...inTheMesh(observed, decision) };
  if (!state || !hasLeft(observed, state)) return notes;
  const left = { enrolled: false, addedTagKeys: [], secretsInUse: [], notifiedWarnings: null };
  return { ...notes, ...left, ...lastGood(observed) };
}

function inTheMesh(observed: ObservedState, { warnings }: AsItIs): ServicePatch {
  const { state } = observed;
  const notes: Mutable<ServicePatch> = {};
  const primary = primaryOf(observed.service);
  if (state?.enrolled !== true) notes.enrolled = true;
  if (primary?.rolloutState === "COMPLETED" && state?.lastGoodRevisionArn !== primary.taskDefinitionArn) {
    Object.assign(notes, lastGood(observed));
  }
  if (state?.failedAttemptKey !== undefined)
    Object.assign(notes, { failedAttemptKey: null, consecutiveFailures: 0, notBefore: null });
  const told = warnings.map(({ code, detail }) => `${code}: ${detail}`).join("\n");
  if (told !== (state?.notifiedWarnings ?? "")) notes.notifiedWarnings = told === "" ? null : told;
  return notes;
}

/** What the service runs is what a failed roll goes back to from now on. */
function lastGood({ service, definition }: ObservedState): ServicePatch {
  const sidecar = definition && findSidecar(definition.raw);
  const secret = sidecar && "secretValueFrom" in sidecar ? sidecar.secretValueFrom : null;
  return { lastGoodRevisionArn: service.taskDefinitionArn, lastGoodSecret: secret };
}

/** A deployment without the sidecar has completed, by which somebody else took the service out of the mesh. */
function hasLeft({ service, definition }: ObservedState, { enrolled, addedTagKeys }: ServiceState): boolean {
  if (!definition || (!enrolled && addedTagKeys.length === 0)) return false;
  const primary = primaryOf(service);
  return primary !== undefined && hasCompleted(primary) && findSidecar(definition.raw).kind === "none";
}

function primaryOf(service: ObservedService) {
  return service.deployments.find(({ status }) => status === "PRIMARY");
}
