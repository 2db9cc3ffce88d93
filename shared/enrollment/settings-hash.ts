import type { Config } from "../config/config.ts";
import { type Inject, inject, sidecarSettings } from "../data-plane/ztunnel/index.ts";
import type { DriftReason } from "../model/reasons.ts";
import { PORTS_RULE } from "./ports.ts";
import { configuredSidecar } from "./sidecar-spec.ts";

const known = new WeakMap<Config["ztunnel"], string>();

/**
 * A hash of the sidecar settings: of all that the configuration and this release decide about the sidecar, the same for
 * every service. A change of it reaches services by a rollout. It is a list of `drift reason=hash`, which
 * `changedSettings` reads. Computed once for a configuration. `build` is given for another release than this one.
 */
export function settingsHash(config: Pick<Config, "ztunnel">, build: Inject = inject): string {
  if (build !== inject) return hashOf(config, build);
  const hash = known.get(config.ztunnel) ?? hashOf(config, build);
  known.set(config.ztunnel, hash);
  return hash;
}

function hashOf(config: Pick<Config, "ztunnel">, build: Inject): string {
  return Object.entries({ ...sidecarSettings(configuredSidecar(config), build), ports: PORTS_RULE })
    .map(([reason, hash]) => `${reason}=${hash}`)
    .sort()
    .join(" ");
}

/**
 * Which drift a service may show because the settings have changed from one hash to the other: any, where one of them
 * was recorded by a release that hashed them otherwise.
 */
export function changedSettings(from: string, to: string): (reason: DriftReason) => boolean {
  const [before, now] = [parse(from), parse(to)];
  return (reason) => before.get(reason) !== now.get(reason);
}

function parse(hash: string): ReadonlyMap<string, string | undefined> {
  return new Map(
    hash.split(" ").map((entry) => {
      const [reason = "", part] = entry.split("=");
      return [reason, part];
    }),
  );
}
