import type { MeshState } from "../model/mesh.ts";
import { anchorsIn } from "./bundle.ts";

/** True when the newest bundle shares no anchor with the released one: a service that has that is cut off. */
export function dropsReleased({ generations, releasedId }: MeshState): boolean {
  const released = generations.find(({ id }) => id === releasedId);
  const newest = generations.at(-1);
  if (!released || !newest) return false;
  const trusted = new Set(anchorsIn(released.facts.rootCaPem));
  return !anchorsIn(newest.facts.rootCaPem).some((anchor) => trusted.has(anchor));
}
