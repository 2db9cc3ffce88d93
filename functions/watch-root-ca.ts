import { watchMeshFacts } from "../shared/trust/watch.ts";
import { type ControlPlanes, environmentControlPlanes } from "./control-planes.ts";
import { lambda, type Step } from "./middleware.ts";
import { environmentWorld, type World } from "./world.ts";

/** On a schedule: keeps every control plane's mesh facts in the ledger, and tells when a root CA bundle changed. */
export function watchRootCa(world: World, controlPlane: ControlPlanes): Step {
  return async (_event, { log, measure }) => {
    const result = await watchMeshFacts({ ...world, controlPlane, log });
    measure.count("ControlPlanesRead", {}, result.read);
    log.info("watched", { ...result });
    return { ...result };
  };
}

export const handler = lambda("watch-root-ca", () => watchRootCa(environmentWorld(), environmentControlPlanes()));
