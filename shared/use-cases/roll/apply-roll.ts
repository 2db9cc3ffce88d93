import { clusterArnOf, type ServiceRef } from "../../base/arn.ts";
import { AutopilotError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { DISCOVERY_TAG } from "../../base/vocabulary.ts";
import { type Config, controlPlaneFor } from "../../config/config.ts";
import { parseValueFrom, pinnedValueFrom } from "../../data-plane/ztunnel/bootstrap-token/secret-version.ts";
import { attemptKeyOf } from "../../deployment/attempts.ts";
import type { RolloutTarget } from "../../enrollment/decide.ts";
import type { Decision, DesiredSecret } from "../../enrollment/decision.ts";
import { desiredContent, desiredDefinition, removedDefinition } from "../../enrollment/definition.ts";
import { desiredToken } from "../../enrollment/desired.ts";
import type { MeshFacts } from "../../model/mesh.ts";
import type { ObservedService, Tags } from "../../model/service.ts";
import type { Roll, ServicePatch, ServiceState } from "../../model/service-state.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";
import type { ControlPlaneCalls, EcsCalls } from "../../ports/ports.ts";
import { REGISTER } from "../../rollout/pace.ts";
import { newestOf } from "../../trust/record.ts";
import { freshMesh } from "../observe/fresh-mesh.ts";
import { decideObserved, type ObservedState } from "../observe/observe.ts";
import { type EnsureSecretCalls, ensureSecret } from "./ensure-secret.ts";
import { registerOnce } from "./register-once.ts";
import { rollBackService } from "./roll-back-service.ts";
import type { ApplyPlan } from "./steps.ts";
import { type Applied, watching } from "./watching.ts";

export interface ApplyCalls {
  readonly config: Config;
  readonly ecs: Pick<
    EcsCalls,
    | "describeService"
    | "describeTaskDefinition"
    | "describeLatestTaskDefinition"
    | "registerTaskDefinition"
    | "updateService"
    | "tagResource"
  >;
  readonly secrets: EnsureSecretCalls;
  readonly ledger: Pick<Ledger, "getService" | "updateRoll" | "changeMesh"> &
    Pick<RolloutLedger, "getFleet" | "reserveStart">;
  readonly controlPlane: (
    name: string,
  ) => Pick<ControlPlaneCalls, "readMeshFacts" | "ensureNamespace" | "ensureServiceAccount">;
  readonly now: () => number;
}

/** Starts that a rollout leaves to others after it was throttled. */
const GIVE_WAY_STARTS = 5;

const superseded: Applied = { outcome: "superseded", watch: null };

/**
 * Second step of a roll: identity, secret version, revision, tags, UpdateService. Safe to run again after a crash at any
 * call: what the first try has done is found by the ledger's marks and by content. Ends as superseded when the service,
 * its tags or the mesh are no longer what the plan was made for.
 */
export async function applyRoll(
  ref: ServiceRef,
  executionName: string,
  plan: ApplyPlan,
  calls: ApplyCalls,
): Promise<Applied> {
  const state = await calls.ledger.getService(ref.serviceArn);
  const roll = state?.roll;
  if (!roll || roll.executionName !== executionName) return superseded;
  const service = await calls.ecs.describeService(ref);
  if (plan.change === "rollback")
    return rollBackService(service, state, plan, { calls, mark: progressRecorder(ref, executionName, calls) });
  if (wasUpdated(roll, service, plan)) {
    const secretInUse = plan.namespace === null ? null : (state.secretsInUse.at(-1) ?? null);
    return watching(service, roll.targetRevisionArn, plan, secretInUse, calls);
  }
  if (service.taskDefinitionArn !== plan.observedRevisionArn) return superseded;
  const definition = await calls.ecs.describeTaskDefinition(service.taskDefinitionArn);
  const observed: ObservedState = { service, state, definition, clusterTags: plan.clusterTags };
  const seen: { facts?: MeshFacts } = {};
  const mesh = async (name: string) => {
    const fresh = await freshMesh(name, calls);
    if (fresh) seen.facts = newestOf(fresh).facts;
    return fresh;
  };
  const reads = { mesh, fleet: () => calls.ledger.getFleet() };
  const rollout = rolloutRoll(plan);
  let decision = await decideObserved(observed, calls.config, reads, rollout);
  if (decision.action === "none" && roll.applyStartedAt !== undefined && plan.drift.includes("identity")) {
    // A first try has set the missing tags: the tasks have yet to start with them.
    const untagged = { ...service, tags: withoutKeys(service.tags, state.addedTagKeys) };
    decision = await decideObserved({ ...observed, service: untagged }, calls.config, reads, rollout);
  }
  if (decision.action === "none" || decision.action === "refuse") return superseded;
  if (attemptKeyOf(service.taskDefinitionArn, desiredContent(decision, calls.config)) !== plan.attemptKey)
    return superseded;
  const mark = progressRecorder(ref, executionName, calls);
  if (decision.action === "unenroll" || !seen.facts) {
    await mark({ applyStartedAt: iso(calls.now()) });
    return update(observed, removedDefinition(definitionOf(observed)), state, null, { calls, plan, mark });
  }
  return enroll(observed, decision, seen.facts, state, { calls, plan, mark });
}

function rolloutRoll({ rollout }: ApplyPlan): RolloutTarget | undefined {
  return rollout ? { ...(rollout.image !== null && { image: rollout.image }), leave: rollout.leave } : undefined;
}

interface Context {
  readonly calls: ApplyCalls;
  readonly plan: ApplyPlan;
  readonly mark: (roll: Mark, service?: ServicePatch) => Promise<void>;
}

type Mark = Partial<Pick<Roll, "applyStartedAt" | "targetRevisionArn" | "revisionBeforeArn" | "deploymentId">>;

async function enroll(
  observed: ObservedState,
  { desired }: Extract<Decision, { action: "enroll" | "update" }>,
  facts: MeshFacts,
  state: ServiceState,
  context: Context,
): Promise<Applied> {
  const { calls, mark } = context;
  const { ref } = observed.service;
  const addedTagKeys = [...new Set([...state.addedTagKeys, ...Object.keys(desired.missingTags)])];
  await mark(
    { applyStartedAt: iso(calls.now()) },
    { addedTagKeys, secretsInUse: withVersion(ref, desired.secret, state) },
  );
  await ensureIdentity(ref, desired.identity, context);
  const valueFrom = await ensureSecret(desiredToken(desired.request, facts), desired.executionRoleArn, calls.secrets);
  const injection = desiredDefinition(definitionOf(observed), desired, valueFrom, calls.config);
  if (!injection.ok) throw new AutopilotError("registration-refused", `${injection.refusal}: ${injection.detail}`);
  if (observed.clusterTags[DISCOVERY_TAG] !== "true") {
    await calls.ecs.tagResource(clusterArnOf(ref), { [DISCOVERY_TAG]: "true" });
  }
  if (Object.keys(desired.missingTags).length > 0) await calls.ecs.tagResource(ref.serviceArn, desired.missingTags);
  return update(observed, injection.definition, state, valueFrom, context);
}

async function ensureIdentity(
  ref: ServiceRef,
  identity: Parameters<ControlPlaneCalls["ensureServiceAccount"]>[0],
  { calls, plan }: Context,
): Promise<void> {
  const { namespace, serviceAccount } = identity;
  if (plan.isBound && plan.namespace === namespace && plan.serviceAccount === serviceAccount) return;
  const plane = calls.controlPlane(planeName(ref, calls.config));
  await plane.ensureNamespace(namespace);
  await plane.ensureServiceAccount(identity);
}

async function update(
  observed: ObservedState,
  definition: JsonObject,
  state: ServiceState,
  valueFrom: string | null,
  { calls, plan, mark }: Context,
): Promise<Applied> {
  const { ref } = observed.service;
  const current = definitionOf(observed);
  const registering = registerOnce(definition, current, state, calls.ecs);
  const { taskDefinitionArn, contentHash } = await registering.catch((error: unknown) => delayLane(error, ref, calls));
  const earlier = state.secretsInUse.filter((used) => valueFrom === null || versionOf(used) !== versionOf(valueFrom));
  const secretsInUse = valueFrom === null ? earlier : [...earlier, valueFrom];
  await mark(
    { targetRevisionArn: taskDefinitionArn, revisionBeforeArn: plan.pinnedRevisionArn },
    { secretsInUse, registered: { contentHash, taskDefinitionArn } },
  );
  const updated = await calls.ecs.updateService(ref, {
    taskDefinitionArn,
    ...(calls.config.policy.propagateTags && { propagateTags: true }),
    // Only tags differ: the tasks must start again to carry them.
    ...(taskDefinitionArn === plan.observedRevisionArn && { forceNewDeployment: true }),
  });
  const applied = watching(updated, taskDefinitionArn, plan, valueFrom, calls);
  await mark({ deploymentId: applied.watch.deploymentId });
  return applied;
}

/** Throttled in spite of many tries: the rollouts' next starts in this account and region move back. */
async function delayLane(error: unknown, { account, region }: ServiceRef, { ledger, now }: ApplyCalls): Promise<never> {
  if (error instanceof AutopilotError && error.code === "throttled") {
    await ledger.reserveStart(`${account}/${region}/register`, now(), { ...REGISTER, count: GIVE_WAY_STARTS });
  }
  throw error;
}

/** True if a first try has updated the service. The revision alone does not tell it where only tags differ. */
function wasUpdated(
  roll: Roll,
  service: ObservedService,
  plan: ApplyPlan,
): roll is Roll & { targetRevisionArn: string } {
  const { targetRevisionArn, deploymentId } = roll;
  if (targetRevisionArn !== service.taskDefinitionArn) return false;
  return targetRevisionArn !== plan.observedRevisionArn || deploymentId !== undefined;
}

/**
 * The secret versions in use with the one that the roll is about to pin: noted before the secret is looked at, so that
 * no sweep retires it meanwhile. Its ARN's random suffix is not known yet, and it is the version's id that counts.
 */
function withVersion(
  { serviceArn, account, region }: ServiceRef,
  secret: DesiredSecret,
  state: ServiceState,
): string[] {
  const { secretsInUse } = state;
  if (secretsInUse.some((used) => versionOf(used) === secret.versionId)) return secretsInUse;
  const partition = serviceArn.split(":")[1] ?? "aws";
  const secretArn = `arn:${partition}:secretsmanager:${region}:${account}:secret:${secret.secretName}`;
  return [...secretsInUse, pinnedValueFrom(secretArn, secret.versionId)];
}

function versionOf(valueFrom: string): string | undefined {
  return parseValueFrom(valueFrom)?.versionId;
}

function withoutKeys(tags: Tags, keys: readonly string[]): Tags {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !keys.includes(key)));
}

function definitionOf(observed: ObservedState) {
  if (!observed.definition) throw new AutopilotError("task-definition-not-found", observed.service.taskDefinitionArn);
  return observed.definition;
}

function planeName(ref: ServiceRef, config: Config): string {
  const plane = controlPlaneFor(config, ref);
  if (!plane) throw new AutopilotError("no-control-plane", `${ref.account}/${ref.region}`);
  return plane.name;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function progressRecorder(
  ref: ServiceRef,
  executionName: string,
  { ledger }: Pick<ApplyCalls, "ledger">,
): Context["mark"] {
  return async (roll, service) => {
    if (!(await ledger.updateRoll(ref.serviceArn, executionName, roll, service))) {
      throw new AutopilotError("roll-in-progress", `${ref.serviceArn}: the lease is gone.`);
    }
  };
}
