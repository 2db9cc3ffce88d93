import type { Config } from "../../config/config.ts";
import { deployedContent, judgeCorrection } from "../../deployment/contest.ts";
import { serviceContested } from "../../events/service-events.ts";
import type { DescribedTaskDefinition } from "../../model/service.ts";
import type { Corrections } from "../../model/service-state.ts";
import type { Ledger } from "../../ports/ledger.ts";
import { type NoticeCalls, notifyOnce } from "../observe/notify-once.ts";
import type { ObservedState } from "../observe/observe.ts";

export interface ContestCalls extends NoticeCalls {
  readonly config: Pick<Config, "policy">;
  readonly ledger: NoticeCalls["ledger"] & Pick<Ledger, "patchService">;
}

/**
 * What to record of the correction of a service in the mesh, once its roll has started. Undefined while another
 * controller puts the same content back each time and the next correction is not due: people are notified of both
 * revisions, once.
 */
export async function admitCorrection(
  { service, state }: ObservedState,
  definition: DescribedTaskDefinition,
  calls: ContestCalls,
): Promise<Corrections | undefined> {
  const maxPerHour = calls.config.policy.maxChangesPerHour;
  const content = deployedContent(definition);
  const found = judgeCorrection(state?.corrections, content, { maxPerHour, nowMs: calls.now() });
  if (found.case === "correct") return found.corrections;
  const { ref, taskDefinitionArn } = service;
  const { serviceArn } = ref;
  if (found.waits) await calls.ledger.patchService(serviceArn, { corrections: found.waits });
  if (state?.notifiedContested === content) return undefined;
  const event = serviceContested(ref, {
    taskDefinitionArn,
    ...(state?.lastGoodRevisionArn !== undefined && { ownRevisionArn: state.lastGoodRevisionArn }),
    corrections: state?.corrections?.atMs.length ?? maxPerHour,
    until: new Date(found.untilMs).toISOString(),
  });
  await notifyOnce(
    ref,
    { member: "notifiedContested", text: content, read: { text: state?.notifiedContested } },
    event,
    calls,
  );
  return undefined;
}
