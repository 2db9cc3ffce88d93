import * as z from "zod";
import type { Place } from "../base/arn.ts";
import { openEnum, openObject } from "../base/lenient.ts";
import { sharedProblemNames } from "./reasons.ts";

/** Who needs a thing that services share. */
const holderSchema = openObject({
  /** Some of the services that need it, for people; no more than `MAX_NAMED_SERVICES`. */
  services: z.array(z.string()).default([]),
  /** Since when no service needs it, epoch milliseconds: a sweep has recorded it. Absent while one does. */
  unneededSinceMs: z.int().nonnegative().optional(),
});
export type ClaimHolder = z.output<typeof holderSchema>;

/** What is wrong with the thing itself, which no single service can be blamed for. */
const problemSchema = openObject({
  code: openEnum(sharedProblemNames),
  detail: z.string(),
  sinceMs: z.int().nonnegative(),
  /** Somebody is about to notify people of it until then, epoch milliseconds. Absent once they are notified. */
  notifyUntilMs: z.int().nonnegative().optional(),
});
export type Problem = z.output<typeof problemSchema>;

/**
 * What the ledger knows about one thing that services share outside of their task definitions: a secret and the
 * execution roles that read it, a service account and its role, a role and its service account, a namespace. It is
 * written before the thing itself is changed.
 */
export const claimSchema = openObject({
  shape: z.literal(1),
  /** Rises with every write. */
  version: z.int().nonnegative(),
  /** As the functions below write it. */
  subject: z.string().min(1),
  holders: z.record(z.string(), holderSchema).default({}),
  /** Of a secret: the versions (`valueFrom`) whose content the autopilot has written or proven. The oldest first. */
  proven: z.array(z.string()).default([]),
  /** Of a secret: the readers that its policy had before the ledger knew them are among the holders. */
  adopted: z.boolean().default(false),
  /** Of a secret that nobody needs: when Secrets Manager deletes it, as the autopilot has asked, epoch milliseconds. */
  deletesAtMs: z.int().nonnegative().optional(),
  problem: problemSchema.optional(),
});
export type Claim = z.output<typeof claimSchema>;

export const MAX_NAMED_SERVICES = 20;
/** A secret has 20 labels at most, and a version in use has one. */
const MAX_PROVEN = 40;

/** The subject of a secret's readers. */
export function secretSubject({ account, region }: Place, secretName: string): string {
  return `secret ${account} ${region} ${secretName}`;
}

/** A claim that nobody has made yet. */
export function newClaim(subject: string): Claim {
  return { shape: 1, version: 0, subject, holders: {}, proven: [], adopted: false };
}

/** The claim with a holder that a service needs; undefined when it says so already. */
export function withHolder(claim: Claim, holder: string, serviceArn: string): Claim | undefined {
  const known = Object.hasOwn(claim.holders, holder) ? claim.holders[holder] : undefined;
  const services = known?.services ?? [];
  const isNamed = services.includes(serviceArn) || services.length >= MAX_NAMED_SERVICES;
  if (known && isNamed && known.unneededSinceMs === undefined) return undefined;
  const named = isNamed ? services : [...services, serviceArn];
  const { deletesAtMs: _, ...needed } = claim;
  return { ...needed, holders: { ...claim.holders, [holder]: neededBy(known, named) } };
}

/** The holder, which these services need. */
export function neededBy(holder: ClaimHolder | undefined, services: string[]): ClaimHolder {
  const { unneededSinceMs: _, ...kept } = holder ?? {};
  return { ...kept, services };
}

/** The secret's claim with readers that its policy has and that no claim knew. */
export function withAdopted(claim: Claim, readers: readonly string[]): Claim {
  const found = Object.fromEntries(readers.map((reader) => [reader, { services: [] }]));
  return { ...claim, holders: { ...found, ...claim.holders }, adopted: true };
}

/** The secret's claim with a version whose content is known. */
export function withProven(claim: Claim, valueFrom: string): Claim {
  const others = claim.proven.filter((known) => known !== valueFrom);
  return { ...claim, proven: [...others, valueFrom].slice(-MAX_PROVEN) };
}
