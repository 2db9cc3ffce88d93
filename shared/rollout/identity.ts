import { clusterArnOf, type Place, parseServiceArn } from "../base/arn.ts";
import { sha256 } from "../base/json.ts";
import { matches } from "../base/wildcard.ts";
import type { Rollout, RolloutKind, Scope } from "../model/rollout.ts";
import { bringsFacts } from "./kinds.ts";

/**
 * The id of the rollout that a change asks for. The same change has the same id, so that it starts no second rollout.
 */
export function rolloutIdOf(change: { readonly kind: RolloutKind; readonly key: string }): string {
  return `${change.kind}-${sha256(change.key).slice(0, 10)}`;
}

/**
 * True if every list of the scope names the service. `*` in a region, cluster or service stands for any characters. A
 * pattern that begins with `arn:` is compared with the ARN, any other with the name. A service with a short ARN is in
 * no scope: it can't be enrolled.
 */
export function matchesScope(
  scope: Scope,
  service: { readonly serviceArn: string },
  controlPlaneOf: (place: Place) => string | undefined,
): boolean {
  const ref = parseServiceArn(service.serviceArn);
  if (!ref) return false;
  return (
    (scope.controlPlane === undefined || scope.controlPlane === controlPlaneOf(ref)) &&
    (scope.accounts?.includes(ref.account) ?? true) &&
    (scope.regions?.some((pattern) => matches(pattern, ref.region)) ?? true) &&
    names(scope.clusters, ref.clusterName, clusterArnOf(ref)) &&
    names(scope.services, ref.serviceName, ref.serviceArn)
  );
}

function names(patterns: readonly string[] | undefined, name: string, arn: string): boolean {
  return patterns?.some((pattern) => matches(pattern, pattern.startsWith("arn:") ? arn : name)) ?? true;
}

/** True for a rollout that gives the control plane's services its newest facts. */
export function rotates({ kind, target, scope }: Pick<Rollout, "kind" | "target" | "scope">, plane: string): boolean {
  const planes = [target.controlPlane, scope.controlPlane].filter((name) => name !== undefined);
  return bringsFacts(kind) && (planes.length === 0 || planes.includes(plane));
}
