import type { MeshState } from "../model/mesh.ts";
import { anchorsIn } from "./bundle.ts";
import { newestOf } from "./record.ts";

/** The ids of the generations whose bundle shares no anchor with the newest one: their tasks lose the mesh. */
export function cutOffGenerations(mesh: MeshState): ReadonlySet<string> {
  const newest = new Set(anchorsIn(newestOf(mesh).facts.rootCaPem));
  const cut = mesh.generations.filter(({ facts }) => !anchorsIn(facts.rootCaPem).some((anchor) => newest.has(anchor)));
  return new Set(cut.map(({ id }) => id));
}
