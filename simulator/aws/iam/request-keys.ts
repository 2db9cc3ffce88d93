import type { CallPlace, Need, Principal } from "../../core/authorization.ts";
import type { KeyValues } from "./conditions.ts";
import { UnsupportedPolicy } from "./unsupported-policy.ts";

const RESOURCE_TAG = "aws:resourcetag/";

/**
 * The condition keys of a request: those of the action, and the global ones.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 */
export function requestKeys(
  principal: Principal,
  need: Need,
  at: { readonly place: CallPlace; readonly nowMs: number },
): KeyValues {
  const own = new Map<string, readonly string[]>();
  for (const [key, value] of Object.entries(need.keys ?? {})) {
    if (value !== undefined) own.set(key.toLowerCase(), [value].flat());
  }
  return (key) => {
    const given = own.get(key);
    if (given) return given;
    if (key.startsWith(RESOURCE_TAG)) return resourceTag(need, key.slice(RESOURCE_TAG.length));
    const value = globalKey(key, principal, at);
    return value === undefined ? undefined : [value];
  };
}

/** Tag keys in conditions are not case-sensitive. */
function resourceTag({ tags, action }: Need, wanted: string): readonly string[] | undefined {
  if (!tags) throw new UnsupportedPolicy(`${action} has no aws:ResourceTag in the simulator`);
  for (const [key, value] of tags() ?? []) if (key.toLowerCase() === wanted) return [value];
  return undefined;
}

function globalKey(
  key: string,
  principal: Principal,
  { place, nowMs }: { readonly place: CallPlace; readonly nowMs: number },
): string | undefined {
  switch (key) {
    case "aws:requestedregion":
      return place.region;
    case "aws:securetransport":
      return "true";
    case "aws:currenttime":
      return new Date(nowMs).toISOString();
    case "aws:epochtime":
      return String(Math.floor(nowMs / 1000));
    case "aws:viaawsservice":
      return "false";
    case "aws:principalisawsservice":
      return String(principal.kind === "service");
  }
  return principal.kind === "service" ? serviceKey(key, principal) : callerKey(key, principal);
}

function serviceKey(key: string, { service, sourceArn }: Principal & { readonly kind: "service" }): string | undefined {
  if (key === "aws:principalservicename") return service;
  if (key === "aws:sourcearn") return sourceArn;
  return key === "aws:sourceaccount" ? sourceArn.split(":")[4] : undefined;
}

function callerKey(key: string, principal: Exclude<Principal, { readonly kind: "service" }>): string | undefined {
  if (key === "aws:principalaccount") return principal.account;
  if (key === "aws:principaltype") return principal.kind === "session" ? "AssumedRole" : "Account";
  if (key !== "aws:principalarn") return undefined;
  return principal.kind === "session" ? principal.roleArn : `arn:aws:iam::${principal.account}:root`;
}
