import { watchMeshFacts } from "../shared/trust/watch.ts";
import { type ControlPlanes, environmentControlPlanes } from "./control-planes.ts";
import { lambda, type Step } from "./middleware.ts";
import { environmentWorld, type World } from "./world.ts";

/**
 * On a schedule, and when somebody says that a root CA was rotated: keeps every control plane's mesh facts in the ledger
 * and tells what becomes of its root CA. What the event says makes no difference: all control planes are read.
 */
export function watchRootCa(world: World, controlPlane: ControlPlanes): Step {
  return async (_event, { log, measure }) => {
    const result = await watchMeshFacts({ ...world, controlPlane, log });
    measure.count("ControlPlanesRead", {}, result.read);
    measure.count("RootCaChanges", {}, result.changed);
    log.info("watched", { ...result });
    return { ...result };
  };
}

export const handler = lambda("watch-root-ca", () => watchRootCa(environmentWorld(), environmentControlPlanes()));
