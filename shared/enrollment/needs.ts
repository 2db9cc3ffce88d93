import { type Place, parseServiceArn } from "../base/arn.ts";
import { type Config, controlPlaneFor } from "../config/config.ts";
import { secretSubject } from "../model/claim.ts";
import type { ServiceState } from "../model/service-state.ts";
import { accountSubject, type Needed, roleSubject } from "./claims.ts";
import { planeOf } from "./membership.ts";

/** The services that a sweep has seen. */
export interface Seen {
  /** The services that ECS no longer has. */
  readonly isGone: (serviceArn: string) => boolean;
  /** Those whose task definitions name a secret of ours. */
  readonly users: Iterable<string>;
}

/** Who needs what, by the subjects of claims. */
export interface Needs {
  readonly bySubject: ReadonlyMap<string, Needed>;
  /** Places (`account/region`) with a service of which it is unknown what it holds. */
  readonly unknownIn: ReadonlySet<string>;
  /** Control planes that serve such a place. */
  readonly unknownFor: ReadonlySet<string>;
}

/**
 * Who needs what, by what the ledger knows of every service. A service that ECS no longer has needs nothing. One that
 * has left the mesh needs what a rollback of its rollout would start from. One that uses a secret of ours, and of which
 * the ledger does not know it, needs something unknown.
 */
export function needsOf(states: Iterable<ServiceState>, config: Config, seen: Seen): Needs {
  const bySubject = new Map<string, Map<string, Set<string>>>();
  const unknownIn = new Set<string>();
  const unknownFor = new Set<string>();
  const users = new Set(seen.users);
  const need = (subject: string, holder: string, serviceArn: string) => {
    const holders = bySubject.get(subject) ?? new Map<string, Set<string>>();
    bySubject.set(subject, holders);
    holders.set(holder, (holders.get(holder) ?? new Set()).add(serviceArn));
  };
  const unknown = (place: Place) => {
    unknownIn.add(placeName(place));
    const plane = controlPlaneFor(config, place)?.name;
    if (plane !== undefined) unknownFor.add(plane);
  };
  for (const state of states) {
    const { serviceArn } = state;
    const ref = parseServiceArn(serviceArn);
    if (!ref || !holds(state, seen)) continue;
    users.delete(serviceArn);
    const plane = planeOf(state, config);
    if (!state.held || state.held.length === 0) unknown(ref);
    for (const { namespace, serviceAccount, roleArn, secretName, executionRoleArn } of state.held ?? []) {
      need(secretSubject(ref, secretName), executionRoleArn, serviceArn);
      if (plane === undefined) continue;
      need(accountSubject(plane, namespace, serviceAccount), roleArn, serviceArn);
      need(roleSubject(plane, roleArn), `${namespace}/${serviceAccount}`, serviceArn);
    }
  }
  for (const serviceArn of users) {
    const ref = parseServiceArn(serviceArn);
    if (ref) unknown(ref);
  }
  return { bySubject, unknownIn, unknownFor };
}

/** An account and region as one text. */
export function placeName({ account, region }: Place): string {
  return `${account}/${region}`;
}

/**
 * A rollout that has taken a service out of the mesh may be rolled back: it succeeded, and left a version in use. A
 * roll holds something once it begins to apply: one that only plans may end refused, at every sweep again.
 */
function holds({ serviceArn, roll, enrolled, secretsInUse, lastOutcome }: ServiceState, { isGone }: Seen): boolean {
  if (roll?.applyStartedAt !== undefined) return true;
  const mayReturn = secretsInUse.length > 0 && lastOutcome?.outcome === "succeeded";
  return (enrolled || mayReturn) && !isGone(serviceArn);
}
