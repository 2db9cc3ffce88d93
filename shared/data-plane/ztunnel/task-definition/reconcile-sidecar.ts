import { isJsonObject, type JsonObject } from "../../../base/json.ts";
import { listAt } from "../../../base/json-fields.ts";
import { ZTUNNEL } from "../../../base/vocabulary.ts";
import type { DriftReason } from "../../../model/reasons.ts";
import { isLogRouter, nameOf } from "../../../model/task-definition.ts";
import { type Added, addedBefore, withAdded } from "./added.ts";
import { ztunnelOf } from "./containers.ts";
import { corrections } from "./corrections.ts";
import { dependenciesOf, startDependencies } from "./dependencies.ts";
import { withoutProxyEnvironment, withProxyEnvironment } from "./proxy-environment.ts";
import { type BuiltSidecar, findSidecar, type SidecarSpec, ztunnelContainer } from "./sidecar.ts";
import { waitsForZtunnel, withWait } from "./waiting.ts";

/** A task definition with the sidecar, and what had to change for it: no reason means that it is the given object. */
export interface ReconciledSidecar {
  readonly definition: JsonObject;
  readonly reasons: readonly DriftReason[];
}

/**
 * The container with every correction that it needs. All else that somebody set on it (limits, a restart policy, what
 * it waits for itself) stays.
 */
function amendSidecar(container: JsonObject, built: BuiltSidecar, definition: JsonObject, reasons: Set<DriftReason>) {
  const isInPlainText = findSidecar(definition).kind === "istioctl";
  return Object.values(corrections).reduce((before, correction) => {
    if (correction === "kept") return before;
    const after = correction.edit(built)(before);
    if (after !== before) {
      reasons.add(correction.reason === "token" && isInPlainText ? "token-in-plain-text" : correction.reason);
    }
    return after;
  }, container);
}

/**
 * A container on which ztunnel waits itself can't wait for ztunnel. Nor does a FireLens log router: the ECS agent
 * starts the containers that log through it after it only while it depends on no container.
 */
function mustWait(container: JsonObject, beforeZtunnel: ReadonlySet<string>): boolean {
  if (beforeZtunnel.has(nameOf(container))) return false;
  return !isLogRouter(container) || waitsForZtunnel(container);
}

function amendOther(container: JsonObject, added: Added, waits: boolean, proxyEnv: boolean, reasons: Set<DriftReason>) {
  const [waiting, waitingAdded] = waits ? withWait(container, added) : [container, added];
  if (waiting !== container) reasons.add("dependency");
  const proxied = proxyEnv && waits && !isLogRouter(container);
  const [result, resultAdded] = (proxied ? withProxyEnvironment : withoutProxyEnvironment)(waiting, waitingAdded);
  if (result !== waiting) reasons.add("proxy-env");
  return [result, resultAdded] as const;
}

/**
 * Makes the sidecar of a task definition, and what the other containers need for it, as the spec says; in place, so
 * that an order that somebody chose is not drift. Doesn't judge whether it may: that is `inject`.
 */
export function reconcileSidecar(definition: JsonObject, spec: SidecarSpec): ReconciledSidecar {
  const reasons = new Set<DriftReason>();
  const existing = ztunnelOf(definition);
  const built = ztunnelContainer(spec, definition);
  const sidecar = existing === undefined ? built : amendSidecar(existing, built, definition, reasons);
  const beforeZtunnel = dependenciesOf(ZTUNNEL, startDependencies(definition));
  const added = new Map(addedBefore(existing));
  const containers = listAt(definition, "containerDefinitions").map((container) => {
    if (!isJsonObject(container) || container === existing) return container;
    const name = nameOf(container);
    const waits = mustWait(container, beforeZtunnel);
    const [result, now] = amendOther(container, added.get(name) ?? { container: name }, waits, spec.proxyEnv, reasons);
    added.set(name, now);
    return result;
  });
  const labeled = withAdded(sidecar, added);
  // Nothing but a claim to a proxy variable that somebody has changed since.
  if (labeled !== sidecar && reasons.size === 0) reasons.add("proxy-env");
  if (existing === undefined) {
    return {
      definition: { ...definition, containerDefinitions: [...containers, labeled] },
      reasons: ["sidecar-missing"],
    };
  }
  if (reasons.size === 0) return { definition, reasons: [] };
  const containerDefinitions = containers.map((container) => (container === existing ? labeled : container));
  return { definition: { ...definition, containerDefinitions }, reasons: [...reasons] };
}
