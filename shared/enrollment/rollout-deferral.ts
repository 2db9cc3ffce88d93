import type { Config } from "../config/config.ts";
import type { MeshGeneration } from "../model/mesh.ts";
import type { DriftReason } from "../model/reasons.ts";
import type { FleetState } from "../model/rollout.ts";
import type { ObservedService } from "../model/service.ts";
import type { DesiredSecret, TagRequest } from "./decision.ts";
import { pinsVersion, stagePrefixOfToken } from "./definition.ts";
import { desiredSecret } from "./desired.ts";
import { changedSettings, settingsHash } from "./settings-hash.ts";

/**
 * Drift that other sidecar settings explain. A sidecar, an image or tags that are missing or wrong are the service's
 * own, and so is a token, unless it is the right one.
 */
const comesOfSettings: Readonly<Record<DriftReason, boolean>> = {
  "sidecar-missing": false,
  image: false,
  token: false,
  "token-in-plain-text": false,
  "health-check": true,
  "log-configuration": true,
  "container-settings": true,
  dependency: true,
  "proxy-env": true,
  identity: false,
  ports: true,
  discovery: false,
  "propagate-tags": false,
  "task-tags": false,
  binding: false,
  secret: false,
  readers: false,
};

/**
 * The part of a drift that is corrected at once. The rest changed for the whole fleet and has not reached this
 * service yet: a token of mesh facts that are still good, and the effects of sidecar settings that were not released to
 * the fleet yet. The sidecar of an earlier release can't be built again; its recorded hash shows which drift comes from
 * that release. Throws `AutopilotError` `invalid-pem` when the root CA bundle of the facts is invalid.
 */
export function immediateDrift(
  drift: readonly DriftReason[],
  wanted: {
    readonly service: ObservedService;
    readonly request: TagRequest;
    /** Where the observed sidecar's token comes from, and where it should come from. */
    readonly valueFrom: string | undefined;
    readonly secret: DesiredSecret;
    readonly older: readonly MeshGeneration[];
    readonly fleet: Pick<FleetState, "settings">;
    readonly config: Config;
  },
): readonly DriftReason[] {
  const settings = settingsHash(wanted.config);
  const hasChanged = changedSettings(wanted.fleet.settings ?? settings, settings);
  return drift.filter((reason) => {
    if (reason === "token") return !pinsOlder(wanted) && !(hasChanged(reason) && pinsNewest(wanted));
    return !comesOfSettings[reason] || !hasChanged(reason);
  });
}

type Wanted = Parameters<typeof immediateDrift>[1];

/** Another network has another secret too: its name and its version both follow from the generation's facts. */
function pinsOlder({ service, request, valueFrom, older }: Wanted): boolean {
  if (valueFrom === undefined) return false;
  return older.some(({ facts }) =>
    pinsVersion(service, desiredSecret(request, facts, stagePrefixOfToken(valueFrom)), valueFrom),
  );
}

/** The token is right: it is handed to the container in another way. */
function pinsNewest({ service, secret, valueFrom }: Wanted): boolean {
  return valueFrom !== undefined && pinsVersion(service, secret, valueFrom);
}
