import { asAutopilotError } from "../shared/base/errors.ts";
import { servingCertificates } from "../shared/gateways/kubernetes/serving-chain.ts";
import type { MeshFacts } from "../shared/model/mesh.ts";
import type { Measure, ServingCertificateCalls } from "../shared/ports/ports.ts";
import { isBundle, parseBundle } from "../shared/trust/bundle.ts";
import { daysUntilFirstEnd } from "../shared/trust/expiry.ts";
import { watchMeshFacts } from "../shared/use-cases/rotation/watch.ts";
import { environmentContext, type FunctionContext } from "./context.ts";
import { type ControlPlanes, environmentControlPlanes } from "./control-planes.ts";
import { lambda, type Step } from "./middleware.ts";

/**
 * On a schedule, and on an event that a root CA was rotated: keeps every control plane's mesh facts in the ledger and
 * emits events about its root CA. The event's detail makes no difference: all control planes are read.
 */
export function watchRootCa(
  context: FunctionContext,
  controlPlane: ControlPlanes,
  serving: ServingCertificateCalls,
): Step {
  return async (_event, { log, measure }) => {
    try {
      const result = await watchMeshFacts({ ...context, controlPlane, serving, log });
      measure.record("ControlPlanesRead", result.read, {});
      measure.record("RootCaChanges", result.changed, {});
      log.info("watched", { ...result });
      return { ...result };
    } finally {
      await measureDaysLeft(context, measure);
    }
  };
}

/** By the ledger's facts: the days go by also while a control plane can't be reached. */
async function measureDaysLeft({ config, ledger, now }: FunctionContext, measure: Measure): Promise<void> {
  for (const { name } of config.controlPlanes) {
    const facts = await knownFacts(name, ledger);
    if (!facts || !isBundle(facts.rootCaPem)) continue;
    const days = daysUntilFirstEnd(parseBundle(facts.rootCaPem), now());
    measure.record("RootCaDaysLeft", days, { controlPlane: name });
  }
}

/** Undefined also where the ledger has them in another shape, as before the watch has replaced them. */
async function knownFacts(controlPlane: string, ledger: FunctionContext["ledger"]): Promise<MeshFacts | undefined> {
  try {
    return await ledger.getMeshFacts(controlPlane);
  } catch (error) {
    if (asAutopilotError(error).code === "ledger-item-unreadable") return undefined;
    throw error;
  }
}

export const handler = lambda("watch-root-ca", () =>
  watchRootCa(environmentContext(), environmentControlPlanes(), servingCertificates),
);
