import type { MeshState } from "../../model/mesh.ts";
import type { Ledger } from "../../ports/ledger.ts";

export interface ClaimNewsCalls {
  readonly ledger: Pick<Ledger, "changeMesh">;
  readonly now: () => number;
}

/** Longer than it takes to emit events and to record that; the watch comes again every five minutes. */
const NOTIFY_MS = 60_000;

/**
 * Of the news of a control plane, each by its key, those that the caller is to notify people of: `newsIn` finds them
 * still as news, and nobody else is about to notify. What a crash keeps from being emitted is claimed again later.
 */
export async function claimNews(
  controlPlane: string,
  news: readonly string[],
  newsIn: (mesh: MeshState) => readonly string[],
  { ledger, now }: ClaimNewsCalls,
): Promise<readonly string[]> {
  if (news.length === 0) return [];
  const { result = [] } = await ledger.changeMesh(controlPlane, (mesh) => {
    if (!mesh) return { result: [] };
    const open = Object.entries(mesh.notifying ?? {}).filter(([, untilMs]) => untilMs > now());
    const still = newsIn(mesh);
    const claimed = news.filter((one) => still.includes(one) && !open.some(([other]) => other === one));
    const claims = claimed.map((one) => [one, now() + NOTIFY_MS] as const);
    if (claimed.length === 0) return { result: claimed };
    return { next: { ...mesh, notifying: Object.fromEntries([...open, ...claims]) }, result: claimed };
  });
  return result;
}
