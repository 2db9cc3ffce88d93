import { sameRole } from "../base/arn.ts";
import type { Config } from "../config/config.ts";
import { type Claim, newClaim, type Problem } from "../model/claim.ts";
import type { SharedProblem } from "../model/reasons.ts";
import type { RoleBinding, WorkloadIdentity } from "../model/service.ts";
import type { ServiceState } from "../model/service-state.ts";
import { roleSubject } from "./claims.ts";
import { planeOf } from "./membership.ts";

/** What is wrong with a thing that services share. */
export type FoundProblem = Pick<Problem, "detail"> & { readonly code: SharedProblem };

/** Since when, and what is to be done about it: `isNew` for the caller that is to notify people. */
export interface RecordedProblem {
  /** Undefined where the claim says so already. */
  readonly next: Claim | undefined;
  readonly isNew: boolean;
}

/** Longer than it takes to emit an event and to record it. */
const NOTIFY_MS = 60_000;

/** The subject of a namespace. */
export function namespaceSubject(controlPlane: string, namespace: string): string {
  return `namespace ${controlPlane} ${namespace}`;
}

/** The claim with what was found, or without a problem that has ended. Of several that find it, one notifies. */
export function withProblem(
  claim: Claim | undefined,
  {
    subject,
    found,
    nowMs,
  }: { readonly subject: string; readonly found: FoundProblem | undefined; readonly nowMs: number },
): RecordedProblem {
  const { problem, ...others } = claim ?? newClaim(subject);
  if (!found) return { next: problem && others, isNew: false };
  const isKnown = problem?.code === found.code && problem.detail === found.detail;
  if (isKnown && (problem.notifyUntilMs ?? Number.POSITIVE_INFINITY) > nowMs) return { next: undefined, isNew: false };
  const lasting = isKnown ? problem : { ...found, sinceMs: nowMs };
  return { next: { ...others, problem: { ...lasting, notifyUntilMs: nowMs + NOTIFY_MS } }, isNew: true };
}

/** The claim once people are notified of this problem. */
export function withNotified(claim: Claim | undefined, found: FoundProblem): Claim | undefined {
  const { problem } = claim ?? {};
  if (!claim || problem?.detail !== found.detail || problem.notifyUntilMs === undefined) return undefined;
  const { notifyUntilMs: _, ...notified } = problem;
  return { ...claim, problem: notified };
}

/** A binding of the service account to another role than its owner's. */
export function bindingProblem(bindings: readonly RoleBinding[], identity: WorkloadIdentity): FoundProblem | undefined {
  const { namespace, serviceAccount, roleArn } = identity;
  const other = bindings.find((binding) => !sameRole(binding.roleArn, roleArn));
  if (!other) return undefined;
  const bound = `${namespace}/${serviceAccount} is bound to ${other.roleArn} by ${other.annotation}`;
  return { code: "identity-conflict", detail: `${bound}, its services have ${roleArn}.` };
}

/** A role that services in the mesh have with several service accounts. */
export interface SharedRole {
  readonly subject: string;
  readonly found: FoundProblem;
  readonly services: readonly string[];
}

/**
 * Those of a control plane, by what services have settled on: one that moves from one service account to another holds
 * both for a while.
 */
export function sharedRolesOf(
  states: Iterable<ServiceState>,
  {
    controlPlane,
    config,
    isGone,
  }: {
    readonly controlPlane: string;
    readonly config: Config;
    readonly isGone: (serviceArn: string) => boolean;
  },
): readonly SharedRole[] {
  const byRole = new Map<string, { readonly roleArn: string; readonly accounts: Map<string, string[]> }>();
  for (const state of states) {
    const { serviceArn, enrolled, held } = state;
    const [only, ...others] = held ?? [];
    if (!enrolled || !only || others.length > 0 || isGone(serviceArn)) continue;
    if (planeOf(state, config) !== controlPlane) continue;
    const { namespace, serviceAccount, roleArn } = only;
    const subject = roleSubject(controlPlane, roleArn);
    const role = byRole.get(subject) ?? { roleArn, accounts: new Map<string, string[]>() };
    byRole.set(subject, role);
    const account = `${namespace}/${serviceAccount}`;
    role.accounts.set(account, [...(role.accounts.get(account) ?? []), serviceArn]);
  }
  return [...byRole].flatMap(([subject, { roleArn, accounts }]) => {
    if (accounts.size < 2) return [];
    const detail = `${roleArn} is that of ${[...accounts.keys()].sort().join(" and ")}.`;
    return [
      { subject, found: { code: "role-shared", detail } as const, services: [...accounts.values()].flat().sort() },
    ];
  });
}
