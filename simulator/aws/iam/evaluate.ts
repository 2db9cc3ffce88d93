import type { Need, Principal } from "../../core/authorization.ts";
import type { KeyValues } from "./conditions.ts";
import { type Policy, type Statement, variablesOf } from "./policy.ts";

/** All that a decision follows from. */
export interface Evaluation {
  readonly principal: Principal;
  readonly need: Pick<Need, "action" | "resource">;
  readonly keys: KeyValues;
  /** The statements of the principal's own policies; `"all"` for an account's administrator. */
  readonly identity: Policy | "all";
  /** The policy of the resource. */
  readonly resource: Policy | undefined;
  /** The account that the resource belongs to. */
  readonly resourceAccount: string | undefined;
  /** The resource's policy has to allow it in any case: KMS keys, and the trust policies of roles. */
  readonly resourceDecides: boolean;
}

/** `why` ends AWS's message: "because no identity-based policy allows the … action". */
export type Decision = { readonly allowed: true } | { readonly allowed: false; readonly why: string };

const ALLOWED: Decision = { allowed: true };

/**
 * What IAM decides. An explicit Deny counts before all else. In one account either side is enough: the caller's
 * policies, or a resource policy that names the caller itself; one that names the account only lets the account's own
 * policies decide. Across accounts both sides have to allow it. An AWS service has only the resource's policy.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
 */
export function judge(evaluation: Evaluation): Decision {
  const { principal, need, identity, resource, resourceAccount, resourceDecides } = evaluation;
  const byIdentity = identity === "all" ? "allow" : identityVerdict(identity, evaluation);
  if (byIdentity === "deny") return denied("with an explicit deny in an identity-based policy");
  const byResource = resourceVerdict(resource ?? [], evaluation);
  if (byResource === "deny") return denied("with an explicit deny in a resource-based policy");
  const noResource = `because no resource-based policy allows the ${need.action} action`;
  if (principal.kind === "service") return byResource === "none" ? denied(noResource) : ALLOWED;
  const sameAccount = resourceAccount === undefined || resourceAccount === principal.account;
  if (sameAccount && byResource === "allow") return ALLOWED;
  if ((!sameAccount || resourceDecides) && byResource === "none") return denied(noResource);
  return byIdentity === "allow" ? ALLOWED : denied(`because no identity-based policy allows the ${need.action} action`);
}

function denied(why: string): Decision {
  return { allowed: false, why };
}

function identityVerdict(policy: Policy, evaluation: Evaluation): "allow" | "deny" | "none" {
  const applying = policy.filter((statement) => applies(statement, evaluation));
  if (applying.some(({ effect }) => effect === "Deny")) return "deny";
  return applying.length > 0 ? "allow" : "none";
}

/** `account`: it allows the caller's account, which decides by its own policies. */
function resourceVerdict(policy: Policy, evaluation: Evaluation): "allow" | "account" | "deny" | "none" {
  let verdict: "allow" | "account" | "none" = "none";
  for (const statement of policy) {
    const match = statement.principals(evaluation.principal);
    if (match === "none" || !applies(statement, evaluation)) continue;
    if (statement.effect === "Deny") return "deny";
    // An account's administrator is the account.
    if (match === "named" || evaluation.principal.kind === "account") verdict = "allow";
    else if (verdict === "none") verdict = "account";
  }
  return verdict;
}

function applies({ actions, resources, condition }: Statement, { need, keys }: Evaluation): boolean {
  return actions(need.action.toLowerCase()) && resources(need.resource, variablesOf(keys)) && condition(keys);
}
