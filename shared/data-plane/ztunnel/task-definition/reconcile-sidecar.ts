import { isJsonObject, isSameJson, type Json, type JsonObject } from "../../../base/json.ts";
import { listAt, objectAt, textAt } from "../../../base/json-fields.ts";
import { ZTUNNEL } from "../../../base/vocabulary.ts";
import type { DriftReason } from "../../../model/reasons.ts";
import { isLogRouter, nameOf } from "../../../model/task-definition.ts";
import { type Added, addedBefore, withAdded } from "./added.ts";
import { ztunnelOf } from "./containers.ts";
import { dependenciesOf, startDependencies } from "./dependencies.ts";
import { withoutProxyEnvironment, withProxyEnvironment } from "./proxy-environment.ts";
import {
  BOOTSTRAP_TOKEN,
  derivedLogConfiguration,
  findSidecar,
  requiredReservationMiB,
  reservesEnough,
  type SidecarSpec,
  ztunnelContainer,
  ztunnelHealthCheck,
} from "./sidecar.ts";
import { waitsForZtunnel, withWait } from "./waiting.ts";

/** A task definition with the sidecar, and what had to change for it: no reason means that it is the given object. */
export interface ReconciledSidecar {
  readonly definition: JsonObject;
  readonly reasons: readonly DriftReason[];
}

/** Gives the very same object back when nothing has to change: that is how a difference is told. */
type Edit = (container: JsonObject) => JsonObject;

const set =
  (key: string, value: Json): Edit =>
  (container) =>
    isSameJson(container[key] ?? null, value) ? container : { ...container, [key]: value };

const isToken = (entry: Json): boolean => isJsonObject(entry) && entry.name === BOOTSTRAP_TOKEN;

const withoutPlainToken: Edit = (container) => {
  const environment = listAt(container, "environment");
  const rest = environment.filter((entry) => !isToken(entry));
  return rest.length === environment.length ? container : { ...container, environment: rest };
};

/** Members that AWS may add to the entry tomorrow stay: else they would be a difference for ever. */
const withSecret =
  (valueFrom: string): Edit =>
  (container) => {
    const secrets = listAt(container, "secrets");
    const first = secrets.findIndex(isToken);
    if (first < 0) return { ...container, secrets: [...secrets, { name: BOOTSTRAP_TOKEN, valueFrom }] };
    const updated = secrets.flatMap((entry, index) => {
      if (!isJsonObject(entry) || !isToken(entry)) return [entry];
      return index === first ? [{ ...entry, valueFrom }] : [];
    });
    return set("secrets", updated)(container);
  };

const withToken =
  (valueFrom: string): Edit =>
  (container) =>
    withSecret(valueFrom)(withoutPlainToken(container));

const withHealthCheck =
  (spec: SidecarSpec): Edit =>
  (container) => {
    const healthCheck = { ...objectAt(container, "healthCheck"), ...ztunnelHealthCheck(spec) };
    return set("startTimeout", spec.startTimeoutSeconds)(set("healthCheck", healthCheck)(container));
  };

/** ECS describes a log configuration with members that nobody registered, such as an empty `secretOptions`. */
const withLogs =
  (derived: JsonObject | undefined): Edit =>
  (container) => {
    if (derived === undefined) return container;
    const current = objectAt(container, "logConfiguration");
    const kept = textAt(current, "logDriver") === textAt(derived, "logDriver") ? current : {};
    return set("logConfiguration", { ...kept, ...derived })(container);
  };

const withSettings =
  (reservationMiB: number | undefined): Edit =>
  (container) => {
    const essential = container.essential === false ? { ...container, essential: true } : container;
    return reservesEnough(essential, reservationMiB) || reservationMiB === undefined
      ? essential
      : { ...essential, memoryReservation: reservationMiB };
  };

/**
 * The edits that make an existing sidecar what the spec says, each with the drift that it corrects. All else that
 * somebody set on it (limits, a restart policy, what it waits for itself) stays.
 */
function sidecarEdits(spec: SidecarSpec, definition: JsonObject): readonly (readonly [DriftReason, Edit])[] {
  const token = findSidecar(definition).kind === "istioctl" ? "token-in-plain-text" : "token";
  return [
    ["image", set("image", spec.image)],
    [token, withToken(spec.secretValueFrom)],
    ["health-check", withHealthCheck(spec)],
    ["log-configuration", withLogs(derivedLogConfiguration(definition))],
    ["container-settings", withSettings(requiredReservationMiB(spec, definition))],
  ];
}

function amendSidecar(container: JsonObject, spec: SidecarSpec, definition: JsonObject, reasons: Set<DriftReason>) {
  return sidecarEdits(spec, definition).reduce((before, [reason, edit]) => {
    const after = edit(before);
    if (after !== before) reasons.add(reason);
    return after;
  }, container);
}

/**
 * A container on which ztunnel waits itself can't wait for ztunnel. Nor does a FireLens log router: the ECS agent starts
 * the containers that log through it after it only while it depends on no container.
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
 * Makes the sidecar of a task definition, and what the other containers need for it, as the spec says; in place, so that
 * an order that somebody chose is no difference. Doesn't judge whether it may: that is `inject`.
 */
export function reconcileSidecar(definition: JsonObject, spec: SidecarSpec): ReconciledSidecar {
  const reasons = new Set<DriftReason>();
  const existing = ztunnelOf(definition);
  const sidecar =
    existing === undefined ? ztunnelContainer(spec, definition) : amendSidecar(existing, spec, definition, reasons);
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
  const labelled = withAdded(sidecar, added);
  if (labelled !== sidecar && reasons.size === 0) reasons.add("container-settings");
  if (existing === undefined) {
    return {
      definition: { ...definition, containerDefinitions: [...containers, labelled] },
      reasons: ["sidecar-missing"],
    };
  }
  if (reasons.size === 0) return { definition, reasons: [] };
  const containerDefinitions = containers.map((container) => (container === existing ? labelled : container));
  return { definition: { ...definition, containerDefinitions }, reasons: [...reasons] };
}
