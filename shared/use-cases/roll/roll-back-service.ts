import { tagKeys } from "../../base/vocabulary.ts";
import type { Config } from "../../config/config.ts";
import type { ObservedService, Tags } from "../../model/service.ts";
import type { EcsCalls } from "../../ports/ports.ts";
import { type ApplyContext, startedAt } from "./apply-context.ts";
import { deployRevision } from "./deploy-revision.ts";
import { secretOfRevision } from "./secrets-in-use.ts";
import type { ApplyPlan } from "./steps.ts";
import { type Applied, superseded, watching } from "./watching.ts";

interface RollBackCalls {
  readonly config: Config;
  readonly ecs: Pick<EcsCalls, "describeTaskDefinition" | "updateService" | "tagResource">;
  readonly now: () => number;
}

/**
 * Returns the service to the revision that it ran before its rollout, whose secret version still exists. Ends as
 * superseded when somebody has deployed it since.
 */
export async function rollBackService(
  service: ObservedService,
  context: ApplyContext<RollBackCalls>,
): Promise<Applied> {
  const { plan, state, recordProgress, calls } = context;
  const { ref, taskDefinitionArn } = service;
  const targetRevisionArn = plan.pinnedRevisionArn;
  const { raw } = await calls.ecs.describeTaskDefinition(targetRevisionArn);
  const secretInUse = secretOfRevision(raw);
  // An earlier attempt has updated the service.
  if (taskDefinitionArn === targetRevisionArn) return watching(service, targetRevisionArn, plan, secretInUse, calls);
  if (taskDefinitionArn !== plan.observedRevisionArn) return superseded;
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
