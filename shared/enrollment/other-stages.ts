import { ENROLL_TAG_OF_ANY_STAGE } from "../base/vocabulary.ts";
import type { Config } from "../config/config.ts";
import type { Refusal } from "../model/reasons.ts";
import type { Tags } from "../model/service.ts";
import { enrollIntent } from "./tags.ts";

/**
 * The enroll tags of other stages that ask for the service, too. A stage whose enroll key is one of its own choice is
 * not known here: its sidecar and this one's are a contest of revisions.
 */
export function otherStageRefusals(
  { tags }: { readonly tags: Tags },
  clusterTags: Tags,
  { keys, enrollTagKey }: Pick<Config, "keys" | "enrollTagKey">,
): readonly Refusal[] {
  const all = new Set([...Object.keys(tags), ...Object.keys(clusterTags)]);
  const others = [...all].filter(
    (key) =>
      ENROLL_TAG_OF_ANY_STAGE.test(key) &&
      key !== keys.enroll &&
      key !== enrollTagKey &&
      enrollIntent(tags, clusterTags, key) === "in",
  );
  return others.length > 0 ? [{ reason: "other-stage", detail: others.sort().join(", ") }] : [];
}
