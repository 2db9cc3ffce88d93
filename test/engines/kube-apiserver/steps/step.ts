import type { Json, JsonObject } from "../../../../shared/base/json.ts";
import type { ApiAnswer } from "../cluster/cluster.ts";
import { answered } from "../cluster/outcomes.ts";
import { pathOf, type World } from "../cluster/worlds.ts";

/** What is done in both worlds. The steps are played in their order; later ones find what earlier ones left. */
export interface Step {
  readonly what: string;
  /** Returns how it ended, in a line. */
  readonly play: (world: World) => Promise<string>;
}

/** The steps of one subject. */
export interface Chapter {
  readonly name: string;
  readonly steps: readonly Step[];
}

export interface ApplyOptions {
  /** The field manager. */
  readonly by?: string;
  readonly force?: boolean;
  /** The path, if it is not the object's own. */
  readonly at?: string;
}

/** The answer to a server-side apply of the object. */
export function apply(world: World, object: JsonObject, options: ApplyOptions = {}): Promise<ApiAnswer> {
  const { by = "ztunnel-autopilot", force = false, at = pathOf(object) } = options;
  const query = new URLSearchParams({ ...(by !== "" && { fieldManager: by }), ...(force && { force: "true" }) });
  return world.send({
    method: "PATCH",
    path: `${at}?${query}`,
    body: object,
    contentType: "application/apply-patch+yaml",
  });
}

/** A step that applies an object. */
export function applies(what: string, object: JsonObject, options: ApplyOptions = {}): Step {
  return { what, play: async (world) => answered(await apply(world, object, options)) };
}

/** A step that reads what is at the path. */
export function reads(what: string, path: string): Step {
  return { what, play: async (world) => answered(await world.send({ method: "GET", path })) };
}

/** A step that prepares the ones after it: it has no answer to compare. */
export function given(what: string, prepare: (world: World) => Promise<unknown>): Step {
  return {
    what,
    play: async (world) => {
      await prepare(world);
      return "done";
    },
  };
}

/** A Namespace with these labels. */
export function namespace(name: string, labels: JsonObject = {}, more: JsonObject = {}): JsonObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, ...member("labels", labels), ...more } };
}

/** An empty map would be a field of its own, which its applier owns. */
function member(name: string, values: JsonObject): JsonObject {
  return Object.keys(values).length > 0 ? { [name]: values } : {};
}

/** A ServiceAccount with these annotations. */
export function account(at: string, annotations: JsonObject = {}, more: JsonObject = {}): JsonObject {
  const [place = "", name = ""] = at.split("/");
  const metadata = { name, namespace: place, ...member("annotations", annotations), ...more };
  return { apiVersion: "v1", kind: "ServiceAccount", metadata };
}

/** A WorkloadEntry with these labels. */
export function workloadEntry(
  at: string,
  labels: JsonObject = {},
  spec: Readonly<Record<string, Json>> = { address: "10.0.0.1" },
): JsonObject {
  const [place = "", name = ""] = at.split("/");
  const metadata = { name, namespace: place, ...member("labels", labels) };
  return { apiVersion: "networking.istio.io/v1", kind: "WorkloadEntry", metadata, spec };
}
