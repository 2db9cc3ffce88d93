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
  /**
   * What rolls that only plan are about to hold. They have claimed it, or will: a sweep that read the claim before the
   * roll's end would take it away.
   */
  readonly planned: ReadonlyMap<string, Needed>;
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
  const planned = new Map<string, Map<string, Set<string>>>();
  const unknownIn = new Set<string>();
  const unknownFor = new Set<string>();
  const users = new Set(seen.users);
  const unknown = (place: Place) => {
    unknownIn.add(placeName(place));
    const plane = controlPlaneFor(config, place)?.name;
    if (plane !== undefined) unknownFor.add(plane);
  };
  for (const state of states) {
    const { serviceArn } = state;
    const ref = parseServiceArn(serviceArn);
    if (!ref) continue;
    const isHeld = holds(state, seen);
    if (!isHeld && !state.roll) continue;
    for (const [subject, holder] of wantedOf(state, ref, config)) {
      const all = isHeld ? bySubject : planned;
      const holders = all.get(subject) ?? new Map<string, Set<string>>();
      all.set(subject, holders.set(holder, (holders.get(holder) ?? new Set()).add(serviceArn)));
    }
    if (!isHeld) continue;
    users.delete(serviceArn);
    if (!state.held || state.held.length === 0) unknown(ref);
  }
  for (const serviceArn of users) {
    const ref = parseServiceArn(serviceArn);
    if (ref) unknown(ref);
  }
  return { bySubject, planned, unknownIn, unknownFor };
}

/** The claims' subjects and holders of what a service holds. */
function wantedOf(state: ServiceState, place: Place, config: Config): readonly (readonly [string, string])[] {
  const plane = planeOf(state, config);
  return (state.held ?? []).flatMap(({ namespace, serviceAccount, roleArn, secretName, executionRoleArn }) => [
    [secretSubject(place, secretName), executionRoleArn] as const,
    ...(plane === undefined
      ? []
      : [
          [accountSubject(plane, namespace, serviceAccount), roleArn] as const,
          [roleSubject(plane, roleArn), `${namespace}/${serviceAccount}`] as const,
        ]),
  ]);
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
