/** To whose mesh a service belongs: remembered with it, since it stays there when the configuration changes. */

import { clusterArnOf, parseServiceArn } from "../base/arn.ts";
import { type Config, controlPlaneFor, targetsOf } from "../config/config.ts";
import type { OrphanReason } from "../model/reasons.ts";
import type { ServiceState } from "../model/service-state.ts";

type Member = Pick<ServiceState, "serviceArn" | "controlPlane">;

/** What of a service in the mesh left the configuration, so that no sweep reads it any more. */
export type MissingPart = Extract<OrphanReason, "account" | "region" | "control-plane">;

/** An account and region as a sweep found it. */
export interface SeenPlace {
  /** The autopilot may not list its clusters. */
  readonly isRefused: boolean;
  /** The clusters that were listed, and of these the ones whose services it may not read. */
  readonly clusters: ReadonlySet<string>;
  /** All of them were listed. */
  readonly clustersListed: boolean;
  readonly refusedClusters: ReadonlySet<string>;
}

/** The control plane whose mesh the service is in; by today's configuration where an earlier version enrolled it. */
export function planeOf({ serviceArn, controlPlane }: Member, config: Config): string | undefined {
  const ref = parseServiceArn(serviceArn);
  return controlPlane ?? (ref && controlPlaneFor(config, ref)?.name);
}

/** The control planes whose mesh its tasks may be in: while a roll is under way, today's as well. Empty: unknown. */
export function planesOf(state: Member & Pick<ServiceState, "roll">, config: Config): readonly string[] {
  const ref = parseServiceArn(state.serviceArn);
  const present = state.roll && ref ? controlPlaneFor(config, ref)?.name : undefined;
  return [...new Set([planeOf(state, config), present])].filter((name) => name !== undefined);
}

/** True for a service that has tasks in the mesh, or may have: a roll may be starting some, or has left them. */
export function mayHaveTasks({
  enrolled,
  roll,
  secretsInUse,
}: Pick<ServiceState, "enrolled" | "roll" | "secretsInUse">): boolean {
  return enrolled || roll !== undefined || secretsInUse.length > 0;
}

/** What of the service left the configuration; undefined for one that sweeps read. */
export function missingPartOf(
  { serviceArn }: Pick<ServiceState, "serviceArn">,
  config: Config,
): MissingPart | undefined {
  const ref = parseServiceArn(serviceArn);
  if (!ref) return undefined;
  const ofAccount = targetsOf(config).filter(({ account }) => account === ref.account);
  if (ofAccount.length === 0) return "account";
  if (!ofAccount.some(({ region }) => region === ref.region)) return "region";
  return controlPlaneFor(config, ref) ? undefined : "control-plane";
}

/**
 * Why no sweep reads a service in the mesh, after a sweep; undefined for one that is kept. Of a cluster that the sweep
 * has not come to, what was known counts.
 */
export function orphanReasonOf(
  state: Pick<ServiceState, "serviceArn" | "enrolled" | "roll" | "secretsInUse" | "orphaned">,
  config: Config,
  seen: SeenPlace | undefined,
): OrphanReason | undefined {
  const ref = parseServiceArn(state.serviceArn);
  if (!ref || !mayHaveTasks(state)) return undefined;
  const missing = missingPartOf(state, config);
  if (missing !== undefined || !seen) return missing;
  const clusterArn = clusterArnOf(ref);
  if (seen.isRefused || seen.refusedClusters.has(clusterArn)) return "unreadable";
  if (seen.clusters.has(clusterArn)) return undefined;
  return seen.clustersListed ? "cluster-gone" : knownOrphan(state, config);
}

/** The same by the configuration, and by the record of the last sweep. */
export function knownOrphan(
  state: Pick<ServiceState, "serviceArn" | "enrolled" | "roll" | "secretsInUse" | "orphaned">,
  config: Config,
): OrphanReason | undefined {
  if (!mayHaveTasks(state)) return undefined;
  const recorded = state.orphaned?.why;
  // A part of the configuration that was missing may be back: the next sweep takes that record away.
  const isOfSweep = recorded === "unreadable" || recorded === "cluster-gone";
  return missingPartOf(state, config) ?? (isOfSweep ? recorded : undefined);
}
