import type { EventPattern, PatternLeaf } from "./event-pattern.ts";

const servicePattern = { wildcard: "arn:aws*:ecs:*:service/*" };
const clusterPattern = { wildcard: "arn:aws*:ecs:*:cluster/*" };

/** The tags that istiod reads of a service. Its tag on clusters is none of them: we set it, and nothing follows from it. */
const istiodTagKeys = ["namespace", "service-account", "hostname", "ports"].map((name) => `ecs.solo.io/${name}`);

function tagKeys(enrollTagKey: string): readonly PatternLeaf[] {
  const prefix = "ztunnel-autopilot/";
  const own = enrollTagKey.startsWith(prefix) || istiodTagKeys.includes(enrollTagKey) ? [] : [enrollTagKey];
  return [{ prefix }, ...istiodTagKeys, ...own];
}

/**
 * A tag of ours or of istiod's changed on a service or a cluster. The event's `resource-type` is not documented for ECS: https://docs.aws.amazon.com/tag-editor/latest/userguide/tag-monitor.html
 */
export function tagChange(enrollTagKey: string): EventPattern {
  return {
    source: ["aws.tag"],
    "detail-type": ["Tag Change on Resource"],
    resources: [servicePattern, clusterPattern],
    detail: { service: ["ecs"], "changed-tag-keys": tagKeys(enrollTagKey) },
  };
}

/** A call to ECS that may call for a look at a service or a cluster. These events have no `resources`, and calls that failed have an `errorCode`. */
export function apiCall(enrollTagKey: string): EventPattern {
  const resourceArn = [servicePattern, clusterPattern];
  return {
    source: ["aws.ecs"],
    "detail-type": ["AWS API Call via CloudTrail"],
    detail: {
      eventSource: ["ecs.amazonaws.com"],
      errorCode: [{ exists: false }],
      $or: [
        { eventName: ["CreateService", "UpdateService"] },
        { eventName: ["TagResource"], requestParameters: { resourceArn, tags: { key: tagKeys(enrollTagKey) } } },
        { eventName: ["UntagResource"], requestParameters: { resourceArn, tagKeys: tagKeys(enrollTagKey) } },
      ],
    },
  };
}
