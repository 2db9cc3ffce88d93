import { type Config, controlPlaneFor } from "../../config/config.ts";
import { findSidecar } from "../../data-plane/ztunnel/index.ts";
import { primaryOf } from "../../deployment/primary.ts";
import { hasCompleted } from "../../deployment/verdict.ts";
import type { Decision } from "../../enrollment/decision.ts";
import { heldNow } from "../../enrollment/held.ts";
import { staleTasks, taskTagsMark, wantedTaskTags } from "../../enrollment/task-tags.ts";
import type { Warning } from "../../model/reasons.ts";
import type { ServicePatch, ServiceState } from "../../model/service-state.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { ObservedState } from "../observe/observe.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type AsItIs = Extract<Decision, { action: "none" }>;

/**
 * What to record in the ledger about a service that stays unchanged; empty when it is recorded already. Includes new
 * warnings, and the tag keys to remove when the service has left the mesh by another way than the autopilot.
 */
export function notesOf(observed: ObservedState, decision: AsItIs, config: Config): ServicePatch {
  const { state } = observed;
  const enrolled = decision.reason === "as-desired" || decision.reason === "awaits-rollout";
  if (!enrolled && !state) return {};
  const notes: Mutable<ServicePatch> = {};
  if (state?.notifiedRefusals !== undefined) notes.notifiedRefusals = null;
  if (enrolled) return { ...notes, ...inTheMesh(observed, decision, config) };
  if (!state || !hasLeft(observed, state)) return notes;
  const left = {
    enrolled: false,
    addedTagKeys: [],
    givenPorts: null,
    secretsInUse: [],
    notifiedWarnings: null,
    unverified: null,
  };
  return { ...notes, ...left, ...lastGood(observed) };
}

function inTheMesh(observed: ObservedState, { warnings }: AsItIs, config: Config): ServicePatch {
  const { state } = observed;
  const notes: Mutable<ServicePatch> = {};
  const primary = primaryOf(observed.service);
  if (state?.enrolled !== true) notes.enrolled = true;
  const plane = controlPlaneFor(config, observed.service.ref)?.name;
  if (plane !== undefined && plane !== state?.controlPlane) notes.controlPlane = plane;
  const { createdAtMs } = observed.service;
  if (state?.createdAtMs === undefined && createdAtMs !== undefined) notes.createdAtMs = createdAtMs;
  // Where nothing runs, nothing has shown that the revision is good. The roll that verifies it says so.
  const hasRun = primary?.rolloutState === "COMPLETED" && primary.runningCount > 0;
  const unverifiedArn = state?.unverified?.revisionArn;
  if (hasRun && primary.taskDefinitionArn !== unverifiedArn) {
    if (state?.lastGoodRevisionArn !== primary.taskDefinitionArn) Object.assign(notes, lastGood(observed));
    if (unverifiedArn !== undefined) notes.unverified = null;
  }
  if (state?.failedAttemptKey !== undefined)
    Object.assign(notes, { failedAttemptKey: null, consecutiveFailures: 0, notBefore: null });
  const text = warningText(warnings);
  const mark = readTags(observed);
  if (mark !== undefined && mark !== state?.taskTags) notes.taskTags = mark;
  if (mark !== undefined && state?.taskTagsTried !== undefined) notes.taskTagsTried = null;
  if (text !== (state?.notifiedWarnings ?? "")) notes.notifiedWarnings = text === "" ? null : text;
  return notes;
}

/** Warnings as the ledger remembers them once they are notified. */
export function warningText(warnings: readonly Warning[]): string {
  return warnings.map(({ code, detail }) => `${code}: ${detail}`).join("\n");
}

/** The mark of tasks that were read and carry the right tags. */
function readTags({ service, definition, tasks }: ObservedState): string | undefined {
  if (!definition || !tasks || tasks === "stale") return undefined;
  return staleTasks(tasks, wantedTaskTags(service, definition)).length === 0 ? taskTagsMark(service) : undefined;
}

/** The running revision becomes the one that a failed roll reverts to. */
function lastGood({ service, definition }: ObservedState): ServicePatch {
  const sidecar = definition && findSidecar(definition.raw);
  const secret = sidecar && "secretValueFrom" in sidecar ? sidecar.secretValueFrom : null;
  const image = sidecar?.kind === "ours" ? { lastGoodImage: sidecar.image } : {};
  return { lastGoodRevisionArn: service.taskDefinitionArn, lastGoodSecret: secret, ...image };
}

/** True when somebody else took the service out of the mesh: a deployment without the sidecar has completed. */
function hasLeft({ service, definition }: ObservedState, { enrolled, addedTagKeys }: ServiceState): boolean {
  if (!definition || (!enrolled && addedTagKeys.length === 0)) return false;
  const primary = primaryOf(service);
  return primary !== undefined && hasCompleted(primary) && findSidecar(definition.raw).kind === "none";
}

/** Records what the service holds outside of its task definition, so that no later sweep takes it for unneeded. */
export async function noteHeld(
  observed: ObservedState,
  { config, ledger }: { readonly config: Config; readonly ledger: Pick<Ledger, "noteService"> },
): Promise<void> {
  const held = heldNow(observed, config);
  if (held) await ledger.noteService(observed.service.ref.serviceArn, { held }, observed.state);
}
