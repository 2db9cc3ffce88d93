import type { ServiceRef } from "../../base/arn.ts";
import type { ObservedService } from "../../model/service.ts";
import type { ServiceState } from "../../model/service-state.ts";
import type { EcsCalls, Log } from "../../ports/ports.ts";
import { removeAddedTags } from "../observe/remove-added-tags.ts";
import type { RecordProgress } from "./apply-context.ts";

/** A service's `propagateTags` before the autopilot has set it; `undefined` for what is not to be given back. */
export type PropagateTagsBefore = "NONE" | "TASK_DEFINITION" | undefined;

/** What to give back of `propagateTags`, as it was recorded or observed: SERVICE stays. */
export function propagateTagsBefore(value: string | undefined): PropagateTagsBefore {
  return value === "NONE" || value === "TASK_DEFINITION" ? value : undefined;
}

/** What a roll, and the enrollment that it may be, is about to change beside the revision: recorded before it is so. */
export function changedBeside(
  { propagateTags }: ObservedService,
  missingTagKeys: readonly string[],
  { roll, addedTagKeys, propagateTagsBefore: known }: ServiceState,
  policy: { readonly propagateTags: boolean },
) {
  const before = policy.propagateTags ? propagateTagsBefore(propagateTags) : undefined;
  return {
    roll: {
      addedTagKeys: union(roll?.addedTagKeys ?? [], missingTagKeys),
      ...(before && roll?.propagateTagsBefore === undefined && { propagateTagsBefore: before }),
    },
    service: {
      addedTagKeys: union(addedTagKeys, missingTagKeys),
      ...(before && known === undefined && { propagateTagsBefore: before }),
    },
  };
}

/** Takes away the tags that the failed roll has put on its service. Tags that were there before it stay. */
export async function giveTagsBack(
  ref: ServiceRef,
  { roll, addedTagKeys }: ServiceState,
  record: RecordProgress,
  calls: { readonly ecs: Pick<EcsCalls, "untagResource">; readonly log: Pick<Log, "warn"> },
): Promise<void> {
  const given = roll?.addedTagKeys ?? [];
  if (given.length === 0) return;
  const kept = await removeAddedTags(ref, given, calls);
  const gone = given.filter((key) => !kept.includes(key));
  await record({ addedTagKeys: kept }, { addedTagKeys: addedTagKeys.filter((key) => !gone.includes(key)) });
}

function union(one: readonly string[], other: readonly string[]): string[] {
  return [...new Set([...one, ...other])];
}
