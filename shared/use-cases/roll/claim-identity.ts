import type { ServiceRef } from "../../base/arn.ts";
import { type Config, controlPlaneFor } from "../../config/config.ts";
import { accountSubject, claimedAccount, claimedRole, givenBack, roleSubject } from "../../enrollment/claims.ts";
import { identityRefusal } from "../../enrollment/decide.ts";
import type { DesiredEnrollment } from "../../enrollment/decision.ts";
import { accountsHeld, hasIdentity, heldBy, heldOf, withHeld } from "../../enrollment/held.ts";
import type { Refusal } from "../../model/reasons.ts";
import type { RoleBinding, WorkloadIdentity } from "../../model/service.ts";
import type { Held, ServiceState } from "../../model/service-state.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { ControlPlaneCalls } from "../../ports/ports.ts";
import type { ObservedState } from "../observe/observe.ts";
import { accountsBoundTo, boundAccounts } from "./bound-elsewhere.ts";
import { claimForEarlier, claimRoleForEarlier, type EarlierCalls } from "./earlier-holders.ts";

export interface ClaimCalls extends EarlierCalls {
  readonly ledger: EarlierCalls["ledger"] & Pick<Ledger, "updateRoll" | "changeClaim">;
  readonly controlPlane: (
    name: string,
  ) => Pick<ControlPlaneCalls, "readBindings" | "readNamespace" | "listAllBindings">;
}

/** Whether the service may have its identity; `isBound`: Kubernetes has the binding already. */
export type IdentityClaim =
  | { readonly refusal: Refusal; readonly isBound?: never }
  | { readonly refusal?: never; readonly isBound: boolean };

/**
 * Claims the identity in the ledger, before anything is bound: of two roles that want one service account at once, one
 * gets it, in whichever order their calls are answered. What the service is to have is recorded with it first, so that
 * no sweep takes it for unneeded. A service that has this very identity already keeps it against the rules that came
 * later.
 */
export async function claimIdentity(
  { observed, state, desired }: { observed: ObservedState; state: ServiceState; desired: DesiredEnrollment },
  executionName: string,
  calls: ClaimCalls,
): Promise<IdentityClaim> {
  const { ref } = observed.service;
  const { identity } = desired;
  const plane = controlPlaneFor(calls.config, ref);
  if (!plane) return { isBound: false }; // decide has refused the service
  const isKept = hasIdentity(observed, identity);
  const { bindings, refusal } = await seenByKubernetes(identity, isKept, calls.controlPlane(plane.name), calls);
  if (refusal) return { refusal };
  const held = withHeld(state.held ?? runs(observed, calls.config), heldOf(desired));
  if (held) await calls.ledger.updateRoll(ref.serviceArn, executionName, {}, { held });
  const wish = { ref, controlPlane: plane.name, identity, isKept, before: accountsHeld(observed, calls.config) };
  const taken = await claimInLedger(wish, calls);
  if (!taken) return { isBound: bindings.length > 0 };
  if (held) await calls.ledger.updateRoll(ref.serviceArn, executionName, {}, { held: state.held ?? null });
  return { refusal: taken };
}

/** An earlier version has enrolled it, and no sweep has seen it since: it may return to what it runs with. */
function runs({ service, definition, state }: ObservedState, config: Config): Held[] | undefined {
  const held = definition && state?.enrolled ? heldBy(service, definition, config) : undefined;
  return held && [held];
}

async function seenByKubernetes(
  identity: WorkloadIdentity,
  isKept: boolean,
  kubernetes: Pick<ControlPlaneCalls, "readBindings" | "readNamespace">,
  { config, log }: Pick<ClaimCalls, "config" | "log">,
): Promise<{ readonly bindings: readonly RoleBinding[]; readonly refusal?: Refusal }> {
  const { namespace, serviceAccount } = identity;
  const bindings = await kubernetes.readBindings(namespace, serviceAccount);
  const conflict = identityRefusal(bindings, identity);
  if (conflict && !(isKept && !identityRefusal(bindings.slice(0, 1), identity))) return { bindings, refusal: conflict };
  if (conflict) log.warn("an identity has a second role", { detail: conflict.detail });
  if (isKept || config.policy.labelNamespaces) return { bindings };
  if ((await kubernetes.readNamespace(namespace)) !== "not-ambient") return { bindings };
  const detail = `kubectl label namespace ${namespace} istio.io/dataplane-mode=ambient`;
  return { bindings, refusal: { reason: "namespace-not-ambient", detail } };
}

interface Wish {
  readonly ref: ServiceRef;
  readonly controlPlane: string;
  readonly identity: WorkloadIdentity;
  readonly isKept: boolean;
  /** The service accounts (`namespace/name`) that the service itself has or has had. */
  readonly before: ReadonlySet<string>;
}

/** The refusal when somebody else has the service account or, unless that is allowed, the role. */
async function claimInLedger(wish: Wish, calls: ClaimCalls): Promise<Refusal | undefined> {
  const { ref, controlPlane, identity, isKept } = wish;
  const { ledger } = calls;
  const { namespace, serviceAccount, roleArn } = identity;
  const { serviceArn } = ref;
  const account = `${namespace}/${serviceAccount}`;
  const subject = accountSubject(controlPlane, namespace, serviceAccount);
  const claimAccount = async (asFirst: boolean) => {
    const { result } = await ledger.changeClaim(subject, (claim) => {
      if (!asFirst && Object.keys(claim?.holders ?? {}).length === 0) return { result: { isFirst: true } };
      const { next, owner } = claimedAccount(claim, { subject, roleArn, serviceArn });
      return { next, result: { isFirst: false, owner } };
    });
    return result;
  };
  let claimed = await claimAccount(isKept);
  if (claimed?.isFirst) {
    await claimForEarlier({ subject, controlPlane, namespace, serviceAccount, serviceArn }, calls);
    claimed = await claimAccount(true);
  }
  if (claimed?.owner !== undefined) {
    const detail = `${account} belongs to ${claimed.owner}, the service has ${roleArn}.`;
    return { reason: "identity-conflict", detail };
  }
  // After the service account: a role that is claimed for an account has that account.
  const owner = await claimRole(wish, account, calls);
  if (owner === undefined) return undefined;
  await ledger.changeClaim(subject, (claim) => ({ next: givenBack(claim, roleArn, serviceArn) }));
  return { reason: "role-shared", detail: `${roleArn} belongs to ${owner}, the service asks for ${account}.` };
}

/** The service account that has the role instead, if any: by the ledger, or by what istiod reads in Kubernetes. */
async function claimRole(wish: Wish, account: string, calls: ClaimCalls): Promise<string | undefined> {
  const { ref, controlPlane, identity, isKept, before } = wish;
  const { config, ledger, log } = calls;
  const { roleArn } = identity;
  const { serviceArn } = ref;
  const subject = roleSubject(controlPlane, roleArn);
  const shared = isKept || config.policy.sharedRoles === "warn";
  const claimAs = async (asFirst: boolean) =>
    ledger.changeClaim(subject, (claim) => {
      if (!asFirst && Object.keys(claim?.holders ?? {}).length === 0) return { result: { isFirst: true } };
      const { next, owner } = claimedRole(claim, { subject, account, serviceArn, shared });
      return { next, result: { isFirst: false, owner } };
    });
  let claimed = await claimAs(shared);
  if (claimed.result?.isFirst) {
    const bound = await boundAccounts(calls.controlPlane(controlPlane), log);
    await claimRoleForEarlier({ subject, controlPlane, roleArn, serviceArn }, bound, calls);
    const elsewhere = accountsBoundTo(roleArn, bound).find((one) => one !== account && !before.has(one));
    if (elsewhere !== undefined) return elsewhere;
    claimed = await claimAs(true);
  }
  if (claimed.result?.owner !== undefined) return claimed.result.owner;
  const others = Object.keys(claimed.stored?.holders ?? {}).filter((one) => one !== account);
  if (others.length > 0) log.warn("a role has several service accounts", { roleArn, accounts: [account, ...others] });
  return undefined;
}
