import { canonicalJson, sha256 } from "../base/json.ts";
import type { Config } from "../config/config.ts";

/** A hash of the sidecar settings that the whole fleet shares: a change of them reaches services by a rollout. */
export function settingsHash({ ztunnel }: Pick<Config, "ztunnel">): string {
  const { healthCheckCommand, startTimeoutSeconds, memoryReservationMiB } = ztunnel;
  return sha256(canonicalJson({ healthCheckCommand, startTimeoutSeconds, memoryReservationMiB }));
}
