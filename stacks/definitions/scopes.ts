/** What the AWS calls of a function are made on. `permissions.ts` maps each scope to its resources. */

/** In every target account: with the function's own role in the home account, with the member role elsewhere. */
export const targetScopes = [
  "alarms",
  "clusters",
  "eks-clusters",
  "in-a-cluster",
  "passed-roles",
  "region-wide",
  "registered-task-definitions",
  "service-deployments",
  "service-tags",
  "services",
  "cluster-tags",
  "task-tags",
  "task-definitions",
  "tasks",
  "token-secrets",
  "token-secret-policies",
] as const;
export type TargetScope = (typeof targetScopes)[number];

/** In the home account and region, always with the function's own role. */
export const homeScopes = [
  "bus",
  "image-parameter",
  "kubeconfig-secrets",
  "ledger",
  "ledger-mark",
  "member-roles",
  "roll-fleet",
  "roll-fleet-executions",
  "roll-service",
  "roll-service-executions",
  "slack-secret",
  "task-tokens",
] as const;
export type HomeScope = (typeof homeScopes)[number];

export type CallScope = TargetScope | HomeScope;

/** Some calls, all on the same. */
export interface Calls {
  readonly scope: CallScope;
  /** IAM actions: `ecs:DescribeServices`. */
  readonly actions: readonly string[];
}

/** Names calls with what they are made on. */
export function on(scope: CallScope, ...actions: readonly string[]): Calls {
  return { scope, actions };
}

/** True if the calls go to the accounts and regions in which services run. */
export function isTargetScope(scope: CallScope): scope is TargetScope {
  return targetScopes.some((one) => one === scope);
}
