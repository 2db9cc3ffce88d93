import { textAt } from "../../base/json-fields.ts";
import { tagKeys } from "../../base/vocabulary.ts";
import type { Config } from "../../config/config.ts";
import { parseValueFrom } from "../../data-plane/ztunnel/index.ts";
import { secretSubject } from "../../model/claim.ts";
import type { ObservedService, Tags } from "../../model/service.ts";
import type { EcsCalls } from "../../ports/ports.ts";
import type { ReaderCalls } from "../observe/write-readers.ts";
import { type ApplyContext, startedAt } from "./apply-context.ts";
import { deployRevision } from "./deploy-revision.ts";
import { ensureReaders } from "./ensure-readers.ts";
import { changedBeside } from "./give-back.ts";
import type { RegisterCalls } from "./register-once.ts";
import { secretOfRevision } from "./secrets-in-use.ts";
import type { ApplyPlan } from "./steps.ts";
import { type Applied, superseded, watching } from "./watching.ts";
import { usableRevision } from "./way-back.ts";

interface RollBackCalls extends ReaderCalls {
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
  await readAgain(service, { revisionArn: targetRevisionArn, secretInUse }, calls);
  if (Object.keys(missing).length > 0) await calls.ecs.tagResource(ref.serviceArn, missing);
  return deployRevision(ref, targetRevisionArn, secretInUse, context);
}

/** A service that has moved to another identity since has lost the right to read the secret of the earlier one. */
async function readAgain(
  { ref }: ObservedService,
  { revisionArn, secretInUse }: { readonly revisionArn: string; readonly secretInUse: string | null },
  calls: RollBackCalls,
): Promise<void> {
  const pinned = secretInUse === null ? undefined : parseValueFrom(secretInUse);
  const { raw } = await calls.ecs.describeTaskDefinition(revisionArn);
  const executionRoleArn = textAt(raw, "executionRoleArn");
  if (!pinned?.secretArn || !pinned.secretName || executionRoleArn === undefined) return;
  const { serviceArn, account } = ref;
  const subject = secretSubject(ref, pinned.secretName);
  await ensureReaders(pinned.secretArn, { subject, serviceArn, account, executionRoleArn }, calls);
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
