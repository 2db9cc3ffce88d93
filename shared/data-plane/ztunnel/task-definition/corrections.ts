import { isJsonObject, isSameJson, type Json, type JsonObject } from "../../../base/json.ts";
import { isSet, listAt, numberAt, objectAt, textAt } from "../../../base/json-fields.ts";
import type { DriftReason } from "../../../model/reasons.ts";
import { BOOTSTRAP_TOKEN, type BuiltSidecar } from "./sidecar.ts";

/** Gives the very same object back when nothing has to change: that is how a difference is found. */
type Edit = (container: JsonObject) => JsonObject;

/** How a member of an existing sidecar is brought to what it should be, and the drift that this is. */
interface Correction {
  readonly reason: DriftReason;
  readonly edit: (built: BuiltSidecar) => Edit;
}

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

/** Members that AWS may add to the entry in the future stay. Otherwise they would be drift that is never corrected. */
const withSecret =
  ([token]: BuiltSidecar["secrets"]): Edit =>
  (container) => {
    const secrets = listAt(container, "secrets");
    const first = secrets.findIndex(isToken);
    if (first < 0) return { ...container, secrets: [...secrets, token] };
    const updated = secrets.flatMap((entry, index) => {
      if (!isJsonObject(entry) || !isToken(entry)) return [entry];
      return index === first ? [{ ...entry, ...token }] : [];
    });
    return set("secrets", updated)(container);
  };

const withHealthCheck =
  (healthCheck: BuiltSidecar["healthCheck"]): Edit =>
  (container) =>
    set("healthCheck", { ...objectAt(container, "healthCheck"), ...healthCheck })(container);

/** ECS describes a log configuration with members that nobody registered, such as an empty `secretOptions`. */
const withLogs =
  (derived: BuiltSidecar["logConfiguration"]): Edit =>
  (container) => {
    if (derived === undefined) return container;
    const current = objectAt(container, "logConfiguration");
    const kept = textAt(current, "logDriver") === textAt(derived, "logDriver") ? current : {};
    return set("logConfiguration", { ...kept, ...derived })(container);
  };

/** Somebody may have given it more, or a hard limit of its own. */
const withReservation =
  (requiredMiB: BuiltSidecar["memoryReservation"]): Edit =>
  (container) => {
    if (requiredMiB === undefined || isSet(container, "memory")) return container;
    if ((numberAt(container, "memoryReservation") ?? 0) >= requiredMiB) return container;
    return { ...container, memoryReservation: requiredMiB };
  };

/**
 * For every member of the container that `ztunnelContainer` builds, in the order in which drift is reported: a new one
 * needs an entry here. One that is `kept` is set when the sidecar is added; afterwards it is its owner's.
 */
export const corrections = {
  name: "kept",
  image: { reason: "image", edit: ({ image }) => set("image", image) },
  secrets: {
    reason: "token",
    edit:
      ({ secrets }) =>
      (container) =>
        withSecret(secrets)(withoutPlainToken(container)),
  },
  healthCheck: { reason: "health-check", edit: ({ healthCheck }) => withHealthCheck(healthCheck) },
  startTimeout: { reason: "health-check", edit: ({ startTimeout }) => set("startTimeout", startTimeout) },
  logConfiguration: { reason: "log-configuration", edit: ({ logConfiguration }) => withLogs(logConfiguration) },
  // ECS takes a container that doesn't say so for an essential one.
  essential: {
    reason: "container-settings",
    edit:
      ({ essential }) =>
      (container) =>
        container.essential === !essential ? { ...container, essential } : container,
  },
  memoryReservation: {
    reason: "container-settings",
    edit: ({ memoryReservation }) => withReservation(memoryReservation),
  },
  cpu: "kept",
  portMappings: "kept",
} as const satisfies Readonly<Record<keyof BuiltSidecar, Correction | "kept">>;
