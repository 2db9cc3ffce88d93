import type { Config } from "../config/config.ts";
import type { MeshGeneration } from "../model/mesh.ts";
import type { DriftReason } from "../model/reasons.ts";
import type { FleetState } from "../model/rollout.ts";
import type { ObservedService } from "../model/service.ts";
import type { TagRequest } from "./decision.ts";
import { pinsVersion } from "./definition.ts";
import { desiredSecret } from "./desired.ts";
import { settingsHash } from "./settings-hash.ts";

const settingsDrift: readonly DriftReason[] = ["health-check", "container-settings"];

/**
 * The part of a drift that is corrected at once. The rest is what changed for the whole fleet and has not reached this
 * service yet: a token of mesh facts that are still good, and sidecar settings while new ones are not rolled out. Throws
 * `AutopilotError` `invalid-pem` when facts have a root CA that is no bundle.
 */
export function immediateDrift(
  drift: readonly DriftReason[],
  wanted: {
    readonly service: ObservedService;
    readonly request: TagRequest;
    /** Where the observed sidecar's token comes from. */
    readonly valueFrom: string | undefined;
    readonly older: readonly MeshGeneration[];
    readonly fleet: Pick<FleetState, "settings">;
    readonly config: Config;
  },
): readonly DriftReason[] {
  const settingsWait = wanted.fleet.settings !== undefined && wanted.fleet.settings !== settingsHash(wanted.config);
  return drift.filter((reason) => {
    if (reason === "token") return !pinsOlder(wanted);
    return !settingsWait || !settingsDrift.includes(reason);
  });
}

/** Another network has another secret too: its name and its version both follow from the generation's facts. */
function pinsOlder(wanted: Parameters<typeof immediateDrift>[1]): boolean {
  const { service, request, valueFrom, older } = wanted;
  if (valueFrom === undefined) return false;
  return older.some(({ facts }) => pinsVersion(service, desiredSecret(request, facts), valueFrom));
}
