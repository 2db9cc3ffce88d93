import type { ServiceRef } from "../../base/arn.ts";
import { asAutopilotError } from "../../base/errors.ts";
import type { EcsCalls, Log } from "../../ports/ports.ts";

/**
 * Removes the tags that the autopilot added to a service which has left the mesh. Returns the keys that ECS refuses to
 * remove, for the ledger to keep: a service that was deleted in between, or a denied call, must neither hold up a lease
 * nor end an event as a dead letter. Throws a retryable error, after which the caller tries again.
 */
export async function removeAddedTags(
  { serviceArn }: ServiceRef,
  addedTagKeys: readonly string[],
  { ecs, log }: { readonly ecs: Pick<EcsCalls, "untagResource">; readonly log: Pick<Log, "warn"> },
): Promise<string[]> {
  if (addedTagKeys.length === 0) return [];
  try {
    await ecs.untagResource(serviceArn, addedTagKeys);
    return [];
  } catch (error) {
    const { code, message, retryable } = asAutopilotError(error);
    if (retryable) throw error;
    const tagKeys = [...addedTagKeys];
    log.warn("tags left on the service", { code, why: message, tagKeys });
    return tagKeys;
  }
}
