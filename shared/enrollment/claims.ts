import { sameRole } from "../base/arn.ts";
import { isSameJson, type Json } from "../base/json.ts";
import { type Claim, type ClaimHolder, MAX_NAMED_SERVICES, neededBy, newClaim, withHolder } from "../model/claim.ts";

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

/** The services that need each holder of a claim. */
export type Needed = ReadonlyMap<string, ReadonlySet<string>>;

/** What a sweep makes of a claim. `ripe`: holders that no service has needed for the whole time of grace. */
export interface Reviewed {
  /** Undefined where the claim says so already. */
  readonly next: Claim | undefined;
  readonly ripe: readonly string[];
}

/**
 * The claim as it follows from who needs what: a holder that nobody needs is marked, and is ripe `graceMs` after it was
 * marked by an earlier sweep. A service that asks for a marked holder takes the mark away. `knowsAll` is false where it
 * is unknown what some service holds: then nothing is marked, and nothing is ripe. A holder that a roll plans with is
 * left as it is.
 */
export function reviewed(
  claim: Claim,
  needed: Needed,
  at: {
    readonly nowMs: number;
    readonly graceMs: number;
    readonly knowsAll: boolean;
    readonly planned: Needed;
  },
): Reviewed {
  const ripe: string[] = [];
  const holders: Record<string, ClaimHolder> = {};
  for (const [name, holder] of Object.entries(claim.holders)) {
    const services = servicesOf(needed, name);
    const isPlanned = servicesOf(at.planned, name).length > 0;
    if (services.length > 0) holders[name] = neededBy(holder, named(holder.services, services));
    else if (!at.knowsAll || isPlanned) holders[name] = holder;
    else holders[name] = { ...holder, services: [], unneededSinceMs: holder.unneededSinceMs ?? at.nowMs };
    const since = holders[name]?.unneededSinceMs;
    if (at.knowsAll && !isPlanned && since !== undefined && since < at.nowMs && since + at.graceMs <= at.nowMs)
      ripe.push(name);
  }
  for (const [name, services] of needed) {
    const isKnown = Object.keys(holders).some((holder) => isOne(holder, name));
    if (!isKnown && mayJoin(claim, holders)) holders[name] = { services: named([], [...services]) };
  }
  const next = isSameJson(holders as unknown as Json, claim.holders as unknown as Json)
    ? undefined
    : { ...claim, holders };
  return { next, ripe };
}

/** The claim without these holders. */
export function withoutHolders(claim: Claim, names: readonly string[]): Claim {
  const kept = Object.entries(claim.holders).filter(([name]) => !names.includes(name));
  return { ...claim, holders: Object.fromEntries(kept) };
}

/** A service account has one role: another that is needed, too, has to be refused by its own roll. */
function mayJoin({ subject }: Claim, holders: Readonly<Record<string, ClaimHolder>>): boolean {
  return !subject.startsWith("service-account ") || Object.keys(holders).length === 0;
}

function servicesOf(needed: Needed, name: string): readonly string[] {
  return [...needed].flatMap(([other, services]) => (isOne(other, name) ? [...services] : []));
}

function isOne(a: string, b: string): boolean {
  return a === b || (a.startsWith("arn:") && b.startsWith("arn:") && sameRole(a, b));
}

/** Those that are named and still there, and others up to the number that is named. */
function named(before: readonly string[], services: readonly string[]): string[] {
  const there = new Set(services);
  const kept = before.filter((service) => there.has(service));
  const others = services.filter((service) => !kept.includes(service));
  return [...kept, ...others].slice(0, MAX_NAMED_SERVICES);
}

function isOfAnother({ services }: ClaimHolder, serviceArn: string): boolean {
  return services.some((service) => service !== serviceArn);
}
