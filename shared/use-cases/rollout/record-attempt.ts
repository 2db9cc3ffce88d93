import type { Ledger } from "../../ports/ledger.ts";

export interface RecordAttemptCalls {
  readonly ledger: Pick<Ledger, "changeMesh">;
  readonly now: () => number;
}

/**
 * Records the rotation that was requested last for tasks that are cut off, as the next attempt. The rotation that is
 * requested because of the bundle itself is the first one.
 */
export async function recordAttempt(
  controlPlane: string,
  { id: rolloutId, isFirst = false }: { readonly id: string; readonly isFirst?: boolean },
  { ledger, now }: RecordAttemptCalls,
): Promise<void> {
  const at = new Date(now()).toISOString();
  const unknown = { since: at, serviceArns: [], services: 0, tasks: 0, countedAt: at, attempts: 0 };
  await ledger.changeMesh(controlPlane, (mesh) => {
    if (!mesh || mesh.emergency?.rolloutId === rolloutId) return {};
    const before = { ...unknown, ...mesh.emergency };
    const attempts = isFirst ? 1 : before.attempts + 1;
    const firstRolloutId = isFirst ? rolloutId : (before.firstRolloutId ?? rolloutId);
    return { next: { ...mesh, emergency: { ...before, rolloutId, firstRolloutId, attempts } } };
  });
}
