import { parseServiceArn } from "../base/arn.ts";
import { nameText } from "./mrkdwn.ts";

/** A service for people: `cluster/name`. */
export function serviceText({ serviceArn }: { readonly serviceArn: string }): string {
  const ref = parseServiceArn(serviceArn);
  return nameText(ref ? `${ref.clusterName}/${ref.serviceName}` : serviceArn, 600);
}

/** A control plane for people. */
export function planeText({ controlPlane: name }: { readonly controlPlane: string }): string {
  return nameText(name, 100);
}
