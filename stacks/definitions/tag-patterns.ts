import {
  AUTOPILOT_TAG_PREFIX,
  awsDetailTypes,
  eventSources,
  ISTIOD_TAG_PREFIX,
  tagKeys,
} from "../../shared/base/vocabulary.ts";
import type { EventPattern, PatternLeaf } from "./event-pattern.ts";
import type { EventPatternOptions } from "./event-rules.ts";

const servicePattern = { wildcard: "arn:aws*:ecs:*:service/*" };
const clusterPattern = { wildcard: "arn:aws*:ecs:*:cluster/*" };

/** istiod's tags of a service, one by one: it has others, which ask for nothing here. */
const istiodTagKeys: readonly string[] = Object.values(tagKeys).filter((key) => key.startsWith(ISTIOD_TAG_PREFIX));

type TagOptions = Pick<EventPatternOptions, "enrollTagKey" | "tagPrefix">;

/** Keys of tags that ask for something. All of the autopilot's own count: a mistake in one of them is a refusal. */
function askingKeys({ enrollTagKey, tagPrefix = AUTOPILOT_TAG_PREFIX }: TagOptions): readonly PatternLeaf[] {
  const covered = enrollTagKey.startsWith(tagPrefix) || istiodTagKeys.includes(enrollTagKey);
  return [{ prefix: tagPrefix }, ...istiodTagKeys, ...(covered ? [] : [enrollTagKey])];
}

/**
 * A tag that asks for something changed on a service or a cluster. The event's `resource-type` is not documented for
 * ECS:
 * https://docs.aws.amazon.com/tag-editor/latest/userguide/tag-monitor.html
 */
export function tagChange(options: TagOptions): EventPattern {
  return {
    source: [eventSources.tag],
    "detail-type": [awsDetailTypes.tag],
    resources: [servicePattern, clusterPattern],
    detail: { service: ["ecs"], "changed-tag-keys": askingKeys(options) },
  };
}

/**
 * A call to ECS after which a service or a cluster may have to be reconciled. These events have no `resources`, and
 * those of failed calls have an `errorCode`.
 */
export function apiCall(options: TagOptions): EventPattern {
  const resourceArn = [servicePattern, clusterPattern];
  const keys = askingKeys(options);
  return {
    source: [eventSources.ecs],
    "detail-type": [awsDetailTypes.apiCall],
    detail: {
      eventSource: ["ecs.amazonaws.com"],
      errorCode: [{ exists: false }],
      $or: [
        { eventName: ["CreateService", "UpdateService"] },
        { eventName: ["TagResource"], requestParameters: { resourceArn, tags: { key: keys } } },
        { eventName: ["UntagResource"], requestParameters: { resourceArn, tagKeys: keys } },
      ],
    },
  };
}
