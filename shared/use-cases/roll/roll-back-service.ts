import { tagKeys } from "../../base/vocabulary.ts";
import type { Config } from "../../config/config.ts";
import type { ObservedService, Tags } from "../../model/service.ts";
import type { EcsCalls } from "../../ports/ports.ts";
import { type ApplyContext, startedAt } from "./apply-context.ts";
import { deployRevision } from "./deploy-revision.ts";
import type { RegisterCalls } from "./register-once.ts";
import { secretOfRevision } from "./secrets-in-use.ts";
import type { ApplyPlan } from "./steps.ts";
import { type Applied, superseded, watching } from "./watching.ts";
import { usableRevision } from "./way-back.ts";

interface RollBackCalls {
  readonly config: Config;
  readonly ecs: RegisterCalls & Pick<EcsCalls, "updateService" | "tagResource">;
  readonly now: () => number;
}

/**
 * Returns the service to the revision that it ran before its rollout, whose secret version still exists; to a copy of
 * it where it was deregistered since. Ends as superseded when somebody has deployed the service since.
 */
export async function rollBackService(
  service: ObservedService,
  context: ApplyContext<RollBackCalls>,
): Promise<Applied> {
  const { plan, state, recordProgress, calls } = context;
  const { ref, taskDefinitionArn } = service;
  const { pinnedRevisionArn } = plan;
  // An earlier attempt has updated the service.
  if (taskDefinitionArn === pinnedRevisionArn || taskDefinitionArn === state.roll?.targetRevisionArn) {
    const { raw } = await calls.ecs.describeTaskDefinition(taskDefinitionArn);
    return watching(service, taskDefinitionArn, plan, secretOfRevision(raw), calls);
  }
  if (taskDefinitionArn !== plan.observedRevisionArn) return superseded;
  const { revisionArn: targetRevisionArn, secretInUse } = await usableRevision(pinnedRevisionArn, state, calls.ecs);
  const missing = missingTags(service, plan);
  const others = state.secretsInUse.filter((used) => used !== secretInUse);
  await recordProgress(
    { ...startedAt(calls), targetRevisionArn },
    {
      secretsInUse: secretInUse === null ? others : [...others, secretInUse],
      addedTagKeys: [...new Set([...state.addedTagKeys, ...Object.keys(missing)])],
    },
  );
  if (Object.keys(missing).length > 0) await calls.ecs.tagResource(ref.serviceArn, missing);
  return deployRevision(ref, targetRevisionArn, secretInUse, context);
}

/** Unenrolling has removed the tags that istiod reads: the tasks of the earlier revision carry them again. */
function missingTags({ tags }: ObservedService, { namespace, serviceAccount }: ApplyPlan): Tags {
  const desired = { [tagKeys.namespace]: namespace, [tagKeys.serviceAccount]: serviceAccount };
  return Object.fromEntries(
    Object.entries(desired).flatMap(([key, value]) => (value === null || tags[key] === value ? [] : [[key, value]])),
  );
}
