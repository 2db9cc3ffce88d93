import * as z from "zod";
import type { JsonObject } from "../../../base/json.ts";
import { objectAt, textAt, without } from "../../../base/json-fields.ts";

/**
 * The docker label on the ztunnel container that keeps what the definition alone wouldn't tell when the sidecar is
 * taken out again. It is only there when there is something to tell: mostly with the proxy environment.
 */
export const ADDED_LABEL = "ztunnel-autopilot/added";

const addedSchema = z.strictObject({
  container: z.string(),
  /** Environment variables that we added. They count as ours only while they have our value. */
  env: z.array(z.enum(["ALL_PROXY", "NO_PROXY"])).optional(),
  /** What `environment` was before; an empty list when left out. */
  environment: z.enum(["absent", "null"]).optional(),
  /** What `dependsOn` was before, should nothing remain in it; absent when left out. */
  dependsOn: z.enum(["empty", "null"]).optional(),
});

/** What was added to one container, or replaced in it. */
export type Added = z.infer<typeof addedSchema>;
export type AddedByContainer = ReadonlyMap<string, Added>;

const labelSchema = z.array(addedSchema);

function parseLabel(label: string | undefined): readonly Added[] {
  if (label === undefined) return [];
  try {
    return labelSchema.safeParse(JSON.parse(label)).data ?? [];
  } catch {
    // Anybody can write a label. One that isn't JSON claims nothing.
    return [];
  }
}

/** What the ztunnel container's label claims, by container name; empty without a label or with one that isn't ours. */
export function addedBefore(ztunnel: JsonObject | undefined): AddedByContainer {
  const label = ztunnel === undefined ? undefined : textAt(objectAt(ztunnel, "dockerLabels"), ADDED_LABEL);
  return new Map(parseLabel(label).map((added) => [added.container, added]));
}

function labelOf(added: AddedByContainer): string {
  const sorted = [...added.values()].sort((a, b) => (a.container < b.container ? -1 : 1));
  const entries = sorted.map(({ container, env, environment, dependsOn }) => ({
    container,
    ...(env !== undefined && env.length > 0 && { env, ...(environment !== undefined && { environment }) }),
    ...(dependsOn !== undefined && { dependsOn }),
  }));
  return JSON.stringify(entries.filter((entry) => Object.keys(entry).length > 1));
}

const NOTHING = "[]";

/** The ztunnel container with a label that claims `added`; the same object when its label already does. */
export function withAdded(ztunnel: JsonObject, added: AddedByContainer): JsonObject {
  const label = labelOf(added);
  if (label === labelOf(addedBefore(ztunnel))) return ztunnel;
  const labels = objectAt(ztunnel, "dockerLabels");
  if (label !== NOTHING) return { ...ztunnel, dockerLabels: { ...labels, [ADDED_LABEL]: label } };
  const rest = without(labels, ADDED_LABEL);
  return Object.keys(rest).length > 0 ? { ...ztunnel, dockerLabels: rest } : without(ztunnel, "dockerLabels");
}
