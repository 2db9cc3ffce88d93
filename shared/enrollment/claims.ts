import { sameRole } from "../base/arn.ts";
import { type Claim, type ClaimHolder, newClaim, withHolder } from "../model/claim.ts";

/** The subject of a service account's role. */
export function accountSubject(controlPlane: string, namespace: string, serviceAccount: string): string {
  return `service-account ${controlPlane} ${namespace} ${serviceAccount}`;
}

/** The subject of a role's service account. A role's path counts as little as it does for istiod. */
export function roleSubject(controlPlane: string, roleArn: string): string {
  return `role ${controlPlane} ${roleArn.replace(/:role\/.*\//, ":role/")}`;
}

/** What a claim becomes when a service asks for it, or who has it instead. */
export type Claimed =
  /** `next` is undefined where the claim says so already. */
  { readonly next: Claim | undefined; readonly owner?: never } | { readonly next?: never; readonly owner: string };

/**
 * The service account's claim with this role. Another role owns it as long as another service has it with that role; a
 * role without any other service is replaced, since the caller has seen that nothing is bound to it.
 */
export function claimedAccount(
  claim: Claim | undefined,
  wanted: { readonly subject: string; readonly roleArn: string; readonly serviceArn: string },
): Claimed {
  const { subject, roleArn, serviceArn } = wanted;
  const before = claim ?? newClaim(subject);
  const mine = Object.entries(before.holders).filter(([role]) => sameRole(role, roleArn));
  const others = Object.entries(before.holders).filter(([role]) => !sameRole(role, roleArn));
  const [owner] = others.find(([, holder]) => isOfAnother(holder, serviceArn)) ?? [];
  if (owner !== undefined) return { owner };
  const [key = roleArn] = mine[0] ?? [];
  const alone = others.length === 0 ? before : { ...before, holders: Object.fromEntries(mine) };
  return { next: withHolder(alone, key, serviceArn) ?? (others.length === 0 ? undefined : alone) };
}

/**
 * The role's claim with this service account (`namespace/name`). Another one owns it as long as another service needs
 * that; with `shared` it is added beside it.
 */
export function claimedRole(
  claim: Claim | undefined,
  wanted: {
    readonly subject: string;
    readonly account: string;
    readonly serviceArn: string;
    readonly shared: boolean;
  },
): Claimed {
  const { subject, account, serviceArn, shared } = wanted;
  const before = claim ?? newClaim(subject);
  const [owner] =
    Object.entries(before.holders).find(
      ([other, holder]) => other !== account && !holder.unneededSinceMs && isOfAnother(holder, serviceArn),
    ) ?? [];
  if (owner !== undefined && !shared) return { owner };
  return { next: withHolder(before, account, serviceArn) };
}

/** The claim without a holder that only this service has asked for; undefined where there is nothing to give back. */
export function givenBack(claim: Claim | undefined, holder: string, serviceArn: string): Claim | undefined {
  const found = claim?.holders[holder];
  if (!claim || !found || isOfAnother(found, serviceArn)) return undefined;
  const { [holder]: _, ...holders } = claim.holders;
  return { ...claim, holders };
}

function isOfAnother({ services }: ClaimHolder, serviceArn: string): boolean {
  return services.some((service) => service !== serviceArn);
}
