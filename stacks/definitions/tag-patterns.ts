import {
  AUTOPILOT_TAG_PREFIX,
  awsDetailTypes,
  eventSources,
  ISTIOD_TAG_PREFIX,
  tagKeys,
} from "../../shared/base/vocabulary.ts";
import type { EventPattern, PatternLeaf } from "./event-pattern.ts";

const servicePattern = { wildcard: "arn:aws*:ecs:*:service/*" };
const clusterPattern = { wildcard: "arn:aws*:ecs:*:cluster/*" };

/** istiod's tags of a service, one by one: it has others, which ask for nothing here. */
const istiodTagKeys: readonly string[] = Object.values(tagKeys).filter((key) => key.startsWith(ISTIOD_TAG_PREFIX));

/** Keys of tags that ask for something. All of the autopilot's own count: a mistake in one of them is a refusal. */
function askingKeys(enrollTagKey: string): readonly PatternLeaf[] {
  const covered = enrollTagKey.startsWith(AUTOPILOT_TAG_PREFIX) || istiodTagKeys.includes(enrollTagKey);
  return [{ prefix: AUTOPILOT_TAG_PREFIX }, ...istiodTagKeys, ...(covered ? [] : [enrollTagKey])];
}

/**
 * A tag that asks for something changed on a service or a cluster. The event's `resource-type` is not documented for
 * ECS:
 * https://docs.aws.amazon.com/tag-editor/latest/userguide/tag-monitor.html
 */
export function tagChange(enrollTagKey: string): EventPattern {
  return {
    source: [eventSources.tag],
    "detail-type": [awsDetailTypes.tag],
    resources: [servicePattern, clusterPattern],
    detail: { service: ["ecs"], "changed-tag-keys": askingKeys(enrollTagKey) },
  };
}

/**
 * A call to ECS after which a service or a cluster may have to be reconciled. These events have no `resources`, and
 * those of failed calls have an `errorCode`.
 */
export function apiCall(enrollTagKey: string): EventPattern {
  const resourceArn = [servicePattern, clusterPattern];
  const keys = askingKeys(enrollTagKey);
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
