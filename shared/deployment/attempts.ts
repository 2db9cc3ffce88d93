import { canonicalJson, sha256 } from "../base/json.ts";
import type { Policy } from "../config/config.ts";
import type { ServicePatch, ServiceState } from "../model/service-state.ts";

type Attempts = Pick<ServiceState, "failedSituation" | "failuresInARow" | "notBefore">;

/** What a roll tries, as a hash: the revision that it starts from and the content that it brings. */
export function situationOf(observedRevisionArn: string, desiredContent: string): string {
  return sha256(canonicalJson([observedRevisionArn, desiredContent]));
}

/**
 * Whether a roll may start now. Only the situation that failed last has to wait: as soon as somebody changes the
 * service or the mesh it is another one. Times are epoch milliseconds.
 */
export function nextAttempt(
  state: Attempts | undefined,
  situation: string,
  nowMs: number,
): { readonly start: true } | { readonly start: false; readonly notBeforeMs: number } {
  if (state?.failedSituation !== situation || state.notBefore === undefined) return { start: true };
  return nowMs >= state.notBefore ? { start: true } : { start: false, notBeforeMs: state.notBefore };
}

/**
 * What the ledger notes after a failed roll: the delays of `policy.attemptDelaysMinutes` one after the other, the last
 * one again and again. Another situation than the one that failed before begins with the first delay.
 */
export function afterFailure(
  state: Attempts | undefined,
  situation: string,
  nowMs: number,
  policy: Pick<Policy, "attemptDelaysMinutes">,
): ServicePatch & { readonly failuresInARow: number; readonly notBefore: number } {
  const failuresInARow = state?.failedSituation === situation ? state.failuresInARow + 1 : 1;
  const delays = policy.attemptDelaysMinutes;
  const delayMinutes = delays[failuresInARow - 1] ?? delays.at(-1) ?? 0;
  return { failedSituation: situation, failuresInARow, notBefore: Math.ceil(nowMs + delayMinutes * 60_000) };
}

/** What the ledger notes after a roll that succeeded: no failure is remembered. */
export function afterSuccess(): ServicePatch {
  return { failedSituation: null, failuresInARow: 0, notBefore: null };
}
