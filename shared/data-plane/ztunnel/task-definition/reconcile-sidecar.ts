import { isJsonObject, type JsonObject } from "../../../base/json.ts";
import { listAt } from "../../../base/json-fields.ts";
import { ZTUNNEL } from "../../../base/vocabulary.ts";
import type { DriftReason } from "../../../model/reasons.ts";
import { isLogRouter, nameOf } from "../../../model/task-definition.ts";
import { type Added, addedBefore, withAdded } from "./added.ts";
import { appendedTo, claimsOf, withAppended, withClaims } from "./claims.ts";
import { otherContainers, ztunnelOf } from "./containers.ts";
import { claimsOfNew, corrections } from "./corrections.ts";
import { dependenciesOf, startDependencies } from "./dependencies.ts";
import type { Appended } from "./no-proxy.ts";
import type { Draft } from "./owned-members.ts";
import {
  type Proxied,
  proxyProblems,
  usesZtunnel,
  withoutProxyEnvironment,
  withProxyEnvironment,
} from "./proxy-environment.ts";
import { type BuiltSidecar, findSidecar, type SidecarSpec, ztunnelContainer } from "./sidecar.ts";
import { withoutRouterWait, withWait } from "./waiting.ts";

/** A task definition with the sidecar, and what had to change for it: no reason means that it is the given object. */
export interface ReconciledSidecar {
  readonly definition: JsonObject;
  readonly reasons: readonly DriftReason[];
}

/**
 * The container with every correction that it needs, and the label of what is claimed of it. All else that somebody set
 * on it (larger sizes, a restart policy, what it waits for itself) stays.
 */
function amendSidecar(container: JsonObject, built: BuiltSidecar, definition: JsonObject, reasons: Set<DriftReason>) {
  const { kind } = findSidecar(definition);
  const draft: Draft = { container, claims: claimsOf(container), isOurs: kind === "ours" };
  const corrected = Object.values(corrections).reduce((before, correction) => {
    if (correction === "kept") return before;
    const after = correction.edit(built)(before);
    if (after.container !== before.container) {
      reasons.add(correction.reason === "token" && kind === "istioctl" ? "token-in-plain-text" : correction.reason);
    }
    return after;
  }, draft);
  const labeled = withClaims(corrected.container, corrected.claims);
  if (labeled !== corrected.container && reasons.size === 0) reasons.add("container-settings");
  return labeled;
}

/**
 * The sidecar's container as it shall be in the definition, apart from what it keeps about the other containers.
 * `reasons` receives what had to change.
 */
export function sidecarIn(definition: JsonObject, spec: SidecarSpec, reasons = new Set<DriftReason>()): JsonObject {
  const existing = ztunnelOf(definition);
  const built = ztunnelContainer(spec, definition);
  if (existing !== undefined) return amendSidecar(existing, built, definition, reasons);
  return withClaims(built, claimsOfNew(built));
}

/**
 * A container on which ztunnel waits itself can't wait for ztunnel. Nor does a FireLens log router: the ECS agent
 * starts the containers that log through it after it only while it depends on no container, and ztunnel is one of them.
 */
function mustWait(container: JsonObject, beforeZtunnel: ReadonlySet<string>): boolean {
  return !isLogRouter(container) && !beforeZtunnel.has(nameOf(container));
}

/** What another container needs for the sidecar, as it is before. */
interface Other {
  readonly container: JsonObject;
  readonly added: Added;
  readonly appended: Appended;
  readonly waits: boolean;
}

/** The containers beside the sidecar, with what is known to be added to them. */
function othersOf(definition: JsonObject): readonly Other[] {
  const existing = ztunnelOf(definition);
  const before = addedBefore(existing);
  const claims = claimsOf(existing ?? {});
  const beforeZtunnel = dependenciesOf(ZTUNNEL, startDependencies(definition));
  return otherContainers(definition).map((container) => {
    const name = nameOf(container);
    const added = before.get(name) ?? { container: name };
    return { container, added, appended: appendedTo(name, claims), waits: mustWait(container, beforeZtunnel) };
  });
}

function amendOther({ container, added, appended, waits }: Other, proxyEnv: boolean, reasons: Set<DriftReason>) {
  const [waiting, waitingAdded] = waits
    ? withWait(container, added)
    : isLogRouter(container)
      ? withoutRouterWait(container, added)
      : [container, added];
  if (waiting !== container) reasons.add("dependency");
  const amended = (proxyEnv && waits ? withProxyEnvironment : withoutProxyEnvironment)(waiting, waitingAdded, appended);
  if (amended.container !== waiting) reasons.add("proxy-env");
  return amended;
}

/** Why the proxy environment does not do all that it is for, as sentences: for every container that shall have it. */
export function proxyProblemsIn(definition: JsonObject): readonly string[] {
  return othersOf(definition)
    .filter(({ waits }) => waits)
    .flatMap(({ container, added, appended }) => proxyProblems(container, added, appended));
}

/** True if every container that can wait for ztunnel sends its outbound traffic through it, by us or by itself. */
export function proxiesOutbound(definition: JsonObject): boolean {
  return othersOf(definition)
    .filter(({ waits }) => waits)
    .every(({ container }) => usesZtunnel(container));
}

/**
 * Makes the sidecar of a task definition, and what the other containers need for it, as the spec says; in place, so
 * that an order that somebody chose is not drift. Doesn't judge whether it may: that is `inject`.
 */
export function reconcileSidecar(definition: JsonObject, spec: SidecarSpec): ReconciledSidecar {
  const reasons = new Set<DriftReason>();
  const existing = ztunnelOf(definition);
  const sidecar = sidecarIn(definition, spec, reasons);
  const others = new Map(
    othersOf(definition).map((other) => [other.container, amendOther(other, spec.proxyEnv, reasons)]),
  );
  const containers = listAt(definition, "containerDefinitions").map((container) =>
    isJsonObject(container) ? (others.get(container)?.container ?? container) : container,
  );
  const byName = <T>(of: (amended: Proxied) => T) => new Map([...others].map(([one, now]) => [nameOf(one), of(now)]));
  const claimed = withClaims(
    sidecar,
    withAppended(
      claimsOf(sidecar),
      byName(({ appended }) => appended),
    ),
  );
  const labeled = withAdded(
    claimed,
    byName(({ added }) => added),
  );
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
