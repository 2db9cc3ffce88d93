import { tagKeys } from "../../base/vocabulary.ts";
import type { Config } from "../../config/config.ts";
import { findSidecar } from "../../data-plane/ztunnel/task-definition/sidecar.ts";
import type { ObservedService, Tags } from "../../model/service.ts";
import type { Roll, ServicePatch, ServiceState } from "../../model/service-state.ts";
import type { EcsCalls } from "../../ports/ports.ts";
import type { ApplyPlan } from "./steps.ts";
import { type Applied, watching } from "./watching.ts";

interface Context {
  readonly calls: {
    readonly config: Config;
    readonly ecs: Pick<EcsCalls, "describeTaskDefinition" | "updateService" | "tagResource">;
    readonly now: () => number;
  };
  readonly mark: (
    roll: Pick<Roll, "applyStartedAt" | "targetRevisionArn" | "deploymentId">,
    service?: ServicePatch,
  ) => Promise<void>;
}

/**
 * Takes the service back to the revision that it ran before its rollout, whose token's version is still there. Ends as
 * superseded when somebody has deployed it since.
 */
export async function rollBackService(
  service: ObservedService,
  state: ServiceState,
  plan: ApplyPlan,
  { calls, mark }: Context,
): Promise<Applied> {
  const target = plan.pinnedRevisionArn;
  const { ref, taskDefinitionArn } = service;
  const { raw } = await calls.ecs.describeTaskDefinition(target);
  const sidecar = findSidecar(raw);
  const secretInUse = ("secretValueFrom" in sidecar ? sidecar.secretValueFrom : undefined) ?? null;
  // A first try of this step has done it.
  if (taskDefinitionArn === target) return watching(service, target, plan, secretInUse, calls);
  if (taskDefinitionArn !== plan.observedRevisionArn) return { outcome: "superseded", watch: null };
  const missing = missingTags(service, plan);
  const others = state.secretsInUse.filter((used) => used !== secretInUse);
  await mark(
    { applyStartedAt: new Date(calls.now()).toISOString(), targetRevisionArn: target },
    {
      secretsInUse: secretInUse === null ? others : [...others, secretInUse],
      addedTagKeys: [...new Set([...state.addedTagKeys, ...Object.keys(missing)])],
    },
  );
  if (Object.keys(missing).length > 0) await calls.ecs.tagResource(ref.serviceArn, missing);
  const updated = await calls.ecs.updateService(ref, {
    taskDefinitionArn: target,
    ...(calls.config.policy.propagateTags && { propagateTags: true }),
  });
  const applied = watching(updated, target, plan, secretInUse, calls);
  await mark({ deploymentId: applied.watch.deploymentId });
  return applied;
}

/** Unenrolling has taken away the tags that istiod reads: the tasks that come back carry them again. */
function missingTags({ tags }: ObservedService, { namespace, serviceAccount }: ApplyPlan): Tags {
  const wanted = { [tagKeys.namespace]: namespace, [tagKeys.serviceAccount]: serviceAccount };
  return Object.fromEntries(
    Object.entries(wanted).flatMap(([key, value]) => (value === null || tags[key] === value ? [] : [[key, value]])),
  );
}
