import { sameRole } from "../base/arn.ts";
import type { Config } from "../config/config.ts";
import { findSidecar, parseValueFrom, tokenScopeOf } from "../data-plane/ztunnel/index.ts";
import type { DescribedTaskDefinition, ObservedService, WorkloadIdentity } from "../model/service.ts";
import type { Held, ServiceState } from "../model/service-state.ts";
import type { DesiredEnrollment } from "./decision.ts";
import { provingRole, rolesOf } from "./desired.ts";

const MOST_HELD = 10;

/** What an enrolled service is to hold outside of its task definition. */
export function heldOf({ identity, secret, executionRoleArn }: DesiredEnrollment): Held {
  const { namespace, serviceAccount, roleArn } = identity;
  return { namespace, serviceAccount, roleArn, secretName: secret.secretName, executionRoleArn };
}

/**
 * What a revision with our sidecar holds, by its secret's name and its roles; undefined where it has none of ours, or
 * where the name does not say whose identity it is.
 */
export function heldBy(
  service: ObservedService,
  definition: DescribedTaskDefinition,
  config: Pick<Config, "identityRole">,
): Held | undefined {
  const sidecar = findSidecar(definition.raw);
  const secretName = sidecar.kind === "ours" ? parseValueFrom(sidecar.secretValueFrom)?.secretName : undefined;
  const scope = secretName === undefined ? undefined : tokenScopeOf(secretName);
  const { taskRoleArn, executionRoleArn } = rolesOf(service, definition);
  if (secretName === undefined || !scope || !taskRoleArn || !executionRoleArn) return undefined;
  const { namespace, serviceAccount } = scope;
  const roleArn = provingRole({ taskRoleArn, executionRoleArn }, config);
  return { namespace, serviceAccount, roleArn, secretName, executionRoleArn };
}

/**
 * The service accounts of a service in the mesh of which it is not recorded what it holds: an earlier version enrolled
 * it, and no sweep has seen it since. Its secrets name them.
 */
export function accountsOfUnknown({
  enrolled,
  held,
  secretsInUse,
}: Pick<ServiceState, "enrolled" | "held" | "secretsInUse">) {
  if (!enrolled || held !== undefined) return [];
  return secretsInUse.flatMap((valueFrom) => tokenScopeOf(parseValueFrom(valueFrom)?.secretName ?? "") ?? []);
}

/** The service accounts (`namespace/name`) that a service has or has had, by its ledger and by what it runs. */
export function accountsHeld(
  observed: {
    readonly service: ObservedService;
    readonly definition: DescribedTaskDefinition | undefined;
    readonly state: Pick<ServiceState, "enrolled" | "held" | "secretsInUse"> | undefined;
  },
  config: Pick<Config, "identityRole">,
): ReadonlySet<string> {
  const { service, definition, state } = observed;
  const runs = definition && heldBy(service, definition, config);
  const accounts = [...(state?.held ?? []), ...(state ? accountsOfUnknown(state) : []), ...(runs ? [runs] : [])];
  return new Set(accounts.map(({ namespace, serviceAccount }) => `${namespace}/${serviceAccount}`));
}

/** The list with one more entry, the latest last; undefined where it ends with that entry already. */
export function withHeld(held: readonly Held[] | undefined, entry: Held): Held[] | undefined {
  const before = held ?? [];
  const last = before.at(-1);
  if (last && isSameHeld(last, entry)) return undefined;
  const known = before.find((one) => isSameHeld(one, entry));
  return [...before.filter((one) => one !== known), known ?? entry].slice(-MOST_HELD);
}

/** True when both say the same. */
export function isSameHeld(a: Held, b: Held): boolean {
  return isSameIdentity(a, b) && a.secretName === b.secretName && a.executionRoleArn === b.executionRoleArn;
}

/** True when both name one service account and one role. */
export function isSameIdentity(a: WorkloadIdentity, b: WorkloadIdentity): boolean {
  return a.namespace === b.namespace && a.serviceAccount === b.serviceAccount && sameRole(a.roleArn, b.roleArn);
}

/** True for a service in the mesh that has this very identity already, by its ledger or by what it runs. */
export function hasIdentity(
  observed: {
    readonly service: ObservedService;
    readonly definition: DescribedTaskDefinition | undefined;
    readonly state: { readonly enrolled: boolean; readonly held?: readonly Held[] | undefined } | undefined;
  },
  identity: WorkloadIdentity,
): boolean {
  const { service, definition, state } = observed;
  if (!state?.enrolled) return false;
  const runs = definition && heldBy(service, definition, { identityRole: "task" });
  const { namespace, serviceAccount } = identity;
  if (runs && runs.namespace === namespace && runs.serviceAccount === serviceAccount) return true;
  return state.held?.some((one) => isSameIdentity(one, identity)) ?? false;
}

/**
 * What to record as held by a service in the mesh that no roll has; undefined where that is recorded. Once the service
 * has settled on its revision, that is all that it holds: until then, it may return to an earlier one.
 */
export function heldNow(
  observed: {
    readonly service: ObservedService;
    readonly definition: DescribedTaskDefinition | undefined;
    readonly state: ServiceState | undefined;
  },
  config: Pick<Config, "identityRole">,
): Held[] | undefined {
  const { service, definition, state } = observed;
  const runs = definition && state?.enrolled && !state.roll ? heldBy(service, definition, config) : undefined;
  if (!runs || !state) return undefined;
  const known = state.held ?? [];
  const same = known.find((one) => isSameHeld(one, runs));
  const hasSettled =
    state.unverified === undefined &&
    state.lastGoodRevisionArn === service.taskDefinitionArn &&
    service.deployments.length === 1;
  if (hasSettled) return same && known.length === 1 ? undefined : [same ?? runs];
  return same ? undefined : [runs, ...known].slice(-MOST_HELD);
}
