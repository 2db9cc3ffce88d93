import { tagKeys } from "../../base/vocabulary.ts";
import { fittingTags } from "../../enrollment/tag-room.ts";
import type { ObservedService, Tags } from "../../model/service.ts";
import type { EcsCalls } from "../../ports/ports.ts";
import { type ApplyContext, startedAt } from "./apply-context.ts";
import { deployRevision } from "./deploy-revision.ts";
import { changedBeside } from "./give-back.ts";
import { type RegainCalls, regain } from "./regain.ts";
import type { RegisterCalls } from "./register-once.ts";
import { secretOfRevision } from "./secrets-in-use.ts";
import type { ApplyPlan } from "./steps.ts";
import { type Applied, superseded, watching } from "./watching.ts";
import { usableRevision } from "./way-back.ts";

interface RollBackCalls extends RegainCalls {
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
  const usable = await usableRevision(pinnedRevisionArn, state, calls.ecs);
  const { revisionArn: targetRevisionArn, secretInUse, raw } = usable;
  const missing = fittingTags(service.tags, missingTags(service, plan));
  // A tag of somebody's that is set otherwise is not one that was added: it stays.
  const isAdded = (key: string) => service.tags[key] === undefined || state.addedTagKeys.includes(key);
  const propagates = calls.config.policy.propagateTags && plan.namespace !== null;
  const beside = changedBeside(service, Object.keys(missing).filter(isAdded), state, { propagateTags: propagates });
  const ports = missing[tagKeys.ports];
  const others = state.secretsInUse.filter((used) => used !== secretInUse);
  await recordProgress(
    { ...startedAt(calls), ...beside.roll, targetRevisionArn },
    {
      ...beside.service,
      ...(ports !== undefined && { givenPorts: ports }),
      secretsInUse: secretInUse === null ? others : [...others, secretInUse],
    },
  );
  const revision = { arn: targetRevisionArn, raw };
  await regain(service, revision, { held: state.held, record: recordProgress }, calls);
  if (Object.keys(missing).length > 0) await calls.ecs.tagResource(ref.serviceArn, missing);
  return deployRevision(ref, targetRevisionArn, secretInUse, context);
}

/** Unenrolling has removed the tags that istiod reads: the tasks of the earlier revision carry them again. */
function missingTags({ tags }: ObservedService, { namespace, serviceAccount, ports }: ApplyPlan): Tags {
  const desired = { [tagKeys.namespace]: namespace, [tagKeys.serviceAccount]: serviceAccount };
  const missing = Object.entries(desired).flatMap(([key, value]) =>
    value === null || tags[key] === value ? [] : [[key, value] as const],
  );
  const needsPorts = ports !== null && tags[tagKeys.ports] === undefined;
  return Object.fromEntries(needsPorts ? [...missing, [tagKeys.ports, ports] as const] : missing);
}
