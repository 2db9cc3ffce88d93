import { clusterArnOf, type ServiceRef } from "../../base/arn.ts";
import { AutopilotError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { DISCOVERY_TAG, tagKeys } from "../../base/vocabulary.ts";
import { type Config, controlPlaneFor } from "../../config/config.ts";
import type { DesiredEnrollment } from "../../enrollment/decision.ts";
import { desiredDefinition } from "../../enrollment/definition.ts";
import { desiredToken } from "../../enrollment/desired.ts";
import type { MeshFacts } from "../../model/mesh.ts";
import type { DescribedTaskDefinition, ObservedService, WorkloadIdentity } from "../../model/service.ts";
import { type ApplyContext, startedAt } from "./apply-context.ts";
import { deployDefinition } from "./deploy-revision.ts";
import { ensureSecret } from "./ensure-secret.ts";
import { changedBeside } from "./give-back.ts";
import { withDesiredSecret } from "./secrets-in-use.ts";
import type { Applied } from "./watching.ts";

/**
 * Gives the service all that an enrolled one has, and deploys it. The ledger has tags and secret version before they
 * exist: unenrolling finds the tags, and no sweep retires the version.
 */
export async function enrollService(
  service: ObservedService,
  current: DescribedTaskDefinition,
  { desired, facts }: { readonly desired: DesiredEnrollment; readonly facts: MeshFacts },
  context: ApplyContext,
): Promise<Applied> {
  const { state, recordProgress, calls } = context;
  const { ref } = service;
  // A tag of somebody's that is set otherwise is not one that was added: it stays.
  const isAdded = (key: string) => service.tags[key] === undefined || state.addedTagKeys.includes(key);
  const added = Object.keys(desired.missingTags).filter(isAdded);
  const beside = changedBeside(service, added, state, calls.config.policy);
  const ports = desired.missingTags[tagKeys.ports];
  const given = ports === undefined ? {} : { givenPorts: ports };
  await recordProgress(
    { ...startedAt(calls), ...beside.roll },
    { ...beside.service, ...given, secretsInUse: withDesiredSecret(state.secretsInUse, ref, desired.secret) },
  );
  await ensureIdentity(ref, desired.identity, context);
  const token = desiredToken(desired.request, facts);
  const { executionRoleArn } = desired;
  const secretInUse = await ensureSecret(token, { ref, executionRoleArn, prefix: calls.config.keys.prefix }, calls);
  const definition = withSidecar(current, desired, secretInUse, calls.config);
  await ensureTags(ref, desired, context);
  return deployDefinition(ref, { definition, current, secretInUse }, context);
}

/** Namespace, service account and its binding, unless the plan has just seen this very binding. */
async function ensureIdentity(
  ref: ServiceRef,
  identity: WorkloadIdentity,
  { plan, calls }: Pick<ApplyContext, "plan" | "calls">,
): Promise<void> {
  const { namespace, serviceAccount } = identity;
  if (plan.isBound && plan.namespace === namespace && plan.serviceAccount === serviceAccount) return;
  const plane = controlPlaneFor(calls.config, ref);
  if (!plane) throw new AutopilotError("no-control-plane", `${ref.account}/${ref.region}`);
  const controlPlane = calls.controlPlane(plane.name);
  await controlPlane.ensureNamespace(namespace);
  await controlPlane.ensureServiceAccount(identity);
}

/** Throws `registration-refused` when the definition has no place for the sidecar. */
function withSidecar(
  current: DescribedTaskDefinition,
  desired: DesiredEnrollment,
  secretInUse: string,
  config: Config,
): JsonObject {
  const injection = desiredDefinition(current, desired, secretInUse, config);
  if (!injection.ok) throw new AutopilotError("registration-refused", `${injection.refusal}: ${injection.detail}`);
  return injection.definition;
}

/** The cluster's tag that lets the mesh discover it, and the service's tags that istiod reads. */
async function ensureTags(
  ref: ServiceRef,
  { missingTags }: DesiredEnrollment,
  { plan, calls }: Pick<ApplyContext, "plan" | "calls">,
): Promise<void> {
  if (plan.clusterTags[DISCOVERY_TAG] !== "true" && plan.isDiscovered) {
    await calls.ecs.tagResource(clusterArnOf(ref), { [DISCOVERY_TAG]: "true" });
  }
  if (Object.keys(missingTags).length > 0) await calls.ecs.tagResource(ref.serviceArn, missingTags);
}
