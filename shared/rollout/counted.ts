import { failedStatuses, type RolloutService } from "../model/rollout.ts";

/** The reason of a service that its own alarm has reverted. */
export const OWN_ALARM = "alarm-fired";

/** Failures that come of an image which the service's own tag names. */
export const IMAGE_FAILURES: readonly string[] = ["image-unavailable", "ztunnel-unhealthy"];

/**
 * True for a failure that the rollout's budget counts. What a service's owner broke or asked for by a tag decides
 * nothing for the others: it did not run well before, its own tag names a bad image, or an alarm that its tag names has
 * fired.
 */
export function countsAsFailed({
  status,
  unfit,
  ownImage,
  reason,
}: Pick<RolloutService, "status" | "unfit" | "ownImage" | "reason">): boolean {
  if (!failedStatuses.includes(status) || unfit !== undefined || reason === OWN_ALARM) return false;
  return !(ownImage === true && reason !== undefined && IMAGE_FAILURES.includes(reason));
}
