import type { MeshState } from "../model/mesh.ts";
import { anchorsIn } from "./bundle.ts";
import { lastingAnchors } from "./cut-off.ts";

/**
 * True when the newest bundle shares no anchor with the released one that has not expired: a service that has that is
 * cut off.
 */
export function dropsReleased({ generations, releasedId }: MeshState): boolean {
  const released = generations.find(({ id }) => id === releasedId);
  const newest = generations.at(-1);
  if (!released || !newest) return false;
  const lasting = lastingAnchors(newest.facts);
  return !anchorsIn(released.facts.rootCaPem).some((anchor) => lasting.has(anchor));
}
