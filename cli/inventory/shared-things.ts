import type { Place } from "../../shared/base/arn.ts";
import type { Config } from "../../shared/config/config.ts";
import { knownOrphan, planeOf } from "../../shared/enrollment/membership.ts";
import type { Claim, Problem } from "../../shared/model/claim.ts";
import type { OrphanReason } from "../../shared/model/reasons.ts";
import type { Scope } from "../../shared/model/rollout.ts";
import type { ServiceState } from "../../shared/model/service-state.ts";
import { matchesScope } from "../../shared/rollout/identity.ts";

/** A workload identity that no service has. */
export interface OrphanedIdentity {
  readonly controlPlane: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly roleArn: string;
  /** Since when, and when a sweep unbinds it. Absent where its control plane left the configuration: no sweep comes. */
  readonly since?: string;
  readonly unboundFrom?: string;
}

/** A secret of a bootstrap token that is scheduled for deletion. */
export interface OrphanedSecret extends Place {
  readonly name: string;
  /** When Secrets Manager deletes it. */
  readonly deletedFrom: string;
}

/** A service in the mesh that no sweep reads any more. */
export interface OrphanedService {
  readonly serviceArn: string;
  readonly why: OrphanReason;
  /** Whose mesh it is in. Absent where an earlier version has enrolled it and nothing says it. */
  readonly controlPlane?: string;
  /** Since when sweeps have found it so. */
  readonly since?: string;
}

/** A problem of what services share. */
export interface SharedThingProblem extends Pick<Problem, "code" | "detail"> {
  readonly controlPlane: string;
  readonly since: string;
}

/** What the ledger knows beside services: what nobody needs any more, and what is wrong with shared things. */
export interface SharedThings {
  readonly orphans: {
    readonly identities: readonly OrphanedIdentity[];
    readonly secrets: readonly OrphanedSecret[];
    readonly services: readonly OrphanedService[];
  };
  readonly problems: readonly SharedThingProblem[];
}

const DAY_MS = 24 * 3_600_000;

/**
 * The same for a scope. Of a scope with clusters or services, orphaned services alone: nothing else belongs to one.
 */
export function sharedThings(
  known: { readonly claims: Iterable<Claim>; readonly states: Iterable<ServiceState> },
  { scope, config, nowMs }: { readonly scope: Scope; readonly config: Config; readonly nowMs: number },
): SharedThings {
  const services = [...known.states].flatMap((state) => orphanedService(state, scope, config));
  if (scope.clusters || scope.services) return { orphans: { identities: [], secrets: [], services }, problems: [] };
  const claims = [...known.claims].toSorted((a, b) => (a.subject < b.subject ? -1 : 1));
  const identities = claims
    .flatMap((claim) => orphanedIdentities(claim, config))
    .filter(({ roleArn }) => isInScope(scope, { account: roleArn.split(":")[4] ?? "", region: undefined }));
  const secrets = claims.flatMap((claim) => orphanedSecret(claim, nowMs)).filter((place) => isInScope(scope, place));
  return { orphans: { identities, secrets, services }, problems: claims.flatMap(problemOf) };
}

function isInScope(
  { accounts, regions }: Scope,
  { account, region }: { readonly account: string; readonly region: string | undefined },
): boolean {
  const asked = { ...(accounts && { accounts }), ...(regions && region !== undefined && { regions }) };
  const serviceArn = `arn:aws:ecs:${region ?? "us-east-1"}:${account}:service/any/any`;
  return matchesScope(asked, { serviceArn }, () => undefined);
}

function orphanedService(state: ServiceState, scope: Scope, config: Config): readonly OrphanedService[] {
  const why = knownOrphan(state, config);
  const controlPlane = planeOf(state, config);
  if (!why || !matchesScope(scope, state, () => controlPlane)) return [];
  const { serviceArn, orphaned } = state;
  const since = orphaned?.why === why ? { since: timeOf(orphaned.sinceMs) } : {};
  return [{ serviceArn, why, ...(controlPlane !== undefined && { controlPlane }), ...since }];
}

function orphanedIdentities({ subject, holders }: Claim, config: Config): readonly OrphanedIdentity[] {
  const [kind, controlPlane = "", namespace = "", serviceAccount = ""] = subject.split(" ");
  if (kind !== "service-account") return [];
  const isConfigured = config.controlPlanes.some(({ name }) => name === controlPlane);
  return Object.entries(holders).flatMap(([roleArn, { unneededSinceMs }]) => {
    const identity = { controlPlane, namespace, serviceAccount, roleArn };
    if (!isConfigured) return [identity];
    if (unneededSinceMs === undefined) return [];
    const unboundMs = unneededSinceMs + config.policy.identityGraceDays * DAY_MS;
    return [{ ...identity, since: timeOf(unneededSinceMs), unboundFrom: timeOf(unboundMs) }];
  });
}

function orphanedSecret({ subject, holders, deletesAtMs }: Claim, nowMs: number): readonly OrphanedSecret[] {
  const [kind, account = "", region = "", name = ""] = subject.split(" ");
  const isNeeded = Object.values(holders).some(({ unneededSinceMs }) => unneededSinceMs === undefined);
  if (kind !== "secret" || deletesAtMs === undefined || deletesAtMs <= nowMs || isNeeded) return [];
  return [{ account, region, name, deletedFrom: timeOf(deletesAtMs) }];
}

function problemOf({ subject, problem }: Claim): readonly SharedThingProblem[] {
  if (!problem) return [];
  const [, controlPlane = ""] = subject.split(" ");
  const { code, detail, sinceMs } = problem;
  return [{ controlPlane, code, detail, since: timeOf(sinceMs) }];
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
