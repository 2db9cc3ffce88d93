import { sha256 } from "../base/json.ts";
import type { Phase } from "./steps.ts";

/** The name of a rollout's n-th RollFleet execution, counted from 1. */
export function fleetExecutionName(rolloutId: string, n: number): string {
  return `${rolloutId}-${n}`;
}

/**
 * The name of the RollService execution of one service of a rollout: each try has its own, since the name of a closed
 * execution stays taken. At most 80 characters of `[0-9A-Za-z_-]`.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
export function serviceExecutionName(
  rolloutId: string,
  service: { readonly serviceArn: string; readonly ordinal: number },
  phase: Phase,
  tries: number,
): string {
  const name = service.serviceArn.slice(service.serviceArn.lastIndexOf("/") + 1).replace(/[^0-9A-Za-z_-]/g, "_");
  const hash = sha256([rolloutId, service.serviceArn, String(service.ordinal), phase, String(tries)].join("\n"));
  return `${name.slice(0, 36)}-${phase}-${tries.toString(36)}-${hash.slice(0, 24)}`;
}
