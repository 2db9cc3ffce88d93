import { isJsonObject, type Json, type JsonObject } from "../../shared/base/json.ts";
import { objectAt } from "../../shared/base/json-fields.ts";
import { type Inject, inject } from "../../shared/data-plane/ztunnel/task-definition/inject.ts";
import { containersOf } from "../../shared/model/task-definition.ts";

type Change = (container: JsonObject) => JsonObject;
const unchanged: Change = (container) => container;

/** A release of the autopilot that builds what this one builds, with changes to the sidecar and to the others. */
export function release(ztunnel: Change, others: Change = unchanged): Inject {
  return (definition, spec) => {
    const injection = inject(definition, spec);
    if (!injection.ok) return injection;
    const containerDefinitions = containersOf(injection.definition).map((container) =>
      container.name === "ztunnel" ? ztunnel(container) : others(container),
    );
    return { ok: true, definition: { ...injection.definition, containerDefinitions } };
  };
}

/** An earlier release: it checked ztunnel less often, set no start timeout, and let the others start too early. */
export const earlierRelease = release(
  ({ startTimeout: _, ...container }) => ({
    ...container,
    essential: false,
    healthCheck: { ...objectAt(container, "healthCheck"), interval: 30 },
  }),
  (container) => ({ ...container, dependsOn: [{ containerName: "ztunnel", condition: "START" }] }),
);

/** Where something stands in a container, as its keys and indices. */
export type Path = readonly (string | number)[];

/** Everything that stands in a container, at any depth. */
export function pathsIn(value: Json): readonly Path[] {
  return entriesOf(value).flatMap(([key, inner]) => [[key], ...pathsIn(inner).map((rest) => [key, ...rest])]);
}

function entriesOf(value: Json): readonly (readonly [string | number, Json])[] {
  if (Array.isArray(value)) return [...value.entries()];
  return isJsonObject(value) ? Object.entries(value) : [];
}

/** A container in which something else stands at the path, or nothing; where nothing does, it is the same. */
export function changedAt(path: Path, how: "altered" | "left out"): Change {
  return (container) => {
    const changed = withChange(container, path, how === "altered" ? other : () => undefined);
    return isJsonObject(changed) ? changed : container;
  };
}

function withChange(value: Json, [key, ...rest]: Path, change: (value: Json) => Json | undefined): Json {
  const entries = entriesOf(value).flatMap(([at, inner]) => {
    if (at !== key) return [[at, inner] as const];
    const now = rest.length === 0 ? change(inner) : withChange(inner, rest, change);
    return now === undefined ? [] : [[at, now] as const];
  });
  return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}

function other(value: Json): Json {
  if (typeof value === "number") return value + 1;
  if (typeof value === "boolean") return !value;
  if (typeof value === "string") return `${value}x`;
  return Array.isArray(value) ? [...value, "x"] : { ...(isJsonObject(value) ? value : {}), x: "x" };
}
