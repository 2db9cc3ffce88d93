/** To whose mesh a service belongs: remembered with it, since it stays there when the configuration changes. */

import { parseServiceArn } from "../base/arn.ts";
import { type Config, controlPlaneFor, targetsOf } from "../config/config.ts";
import type { ServiceState } from "../model/service-state.ts";

type Member = Pick<ServiceState, "serviceArn" | "controlPlane">;

/** What of a service in the mesh left the configuration, so that no sweep reads it any more. */
export const missingParts = ["account", "region", "control-plane"] as const;
export type MissingPart = (typeof missingParts)[number];

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
