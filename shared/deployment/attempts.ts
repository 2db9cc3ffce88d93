import { minutesToMs } from "../base/durations.ts";
import type { FailureCode } from "../base/errors.ts";
import { canonicalJson, sha256 } from "../base/json.ts";
import type { Policy } from "../config/config.ts";
import type { ServicePatch, ServiceState } from "../model/service-state.ts";

type Attempts = Pick<ServiceState, "failedAttemptKey" | "consecutiveFailures" | "notBefore">;

/** What a roll tries, as a hash: the revision that it starts from and the content that it brings. */
export function attemptKeyOf(observedRevisionArn: string, desiredContent: string): string {
  return sha256(canonicalJson([observedRevisionArn, desiredContent]));
}

/**
 * Whether a roll may start now. Only a repetition of the attempt that failed last has to wait: once somebody has
 * changed the service or the mesh, the key is another one. Times are epoch milliseconds.
 */
export function nextAttempt(
  state: Attempts | undefined,
  attemptKey: string,
  nowMs: number,
): { readonly start: true } | { readonly start: false; readonly notBeforeMs: number } {
  if (state?.failedAttemptKey !== attemptKey || state.notBefore === undefined) return { start: true };
  return nowMs >= state.notBefore ? { start: true } : { start: false, notBeforeMs: state.notBefore };
}

/**
 * What the ledger remembers of a failed roll. The same attempt waits for one delay of `policy.attemptDelaysMinutes`
 * after the other, the last one repeated. Another attempt key than that of the last failure begins with the first
 * delay.
 */
export function afterFailure(
  state: Attempts | undefined,
  attemptKey: string,
  nowMs: number,
  policy: Pick<Policy, "attemptDelaysMinutes">,
): ServicePatch & { readonly consecutiveFailures: number; readonly notBefore: number } {
  const consecutiveFailures = state?.failedAttemptKey === attemptKey ? state.consecutiveFailures + 1 : 1;
  const delays = policy.attemptDelaysMinutes;
  const delayMinutes = delays[consecutiveFailures - 1] ?? delays.at(-1) ?? 0;
  return { failedAttemptKey: attemptKey, consecutiveFailures, notBefore: nowMs + minutesToMs(delayMinutes) };
}

const SHARED_WAIT_MS = minutesToMs(5);

/** Failures of AWS or of a control plane: any service would have had them at that time. */
const sharedCodes: readonly string[] = [
  "throttled",
  "aws-unavailable",
  "control-plane-unreachable",
  "control-plane-busy",
  "control-plane-incomplete",
  "mesh-facts-missing",
  "invalid-pem",
  "ledger-behind",
] satisfies FailureCode[];

/** True for the code of a failure that services share. */
export function isSharedFailure(code: string): boolean {
  return sharedCodes.includes(code);
}

/**
 * What the ledger remembers of a roll that a shared dependency kept from deploying. It says nothing about the service:
 * nothing is counted, and the wait is short, so that it ends soon after the dependency has recovered.
 */
export function afterSharedFailure(state: Attempts | undefined, attemptKey: string, nowMs: number): ServicePatch {
  const consecutiveFailures = state?.failedAttemptKey === attemptKey ? state.consecutiveFailures : 0;
  return { failedAttemptKey: attemptKey, consecutiveFailures, notBefore: nowMs + SHARED_WAIT_MS };
}

/** What the ledger remembers of a roll that succeeded: no failure. */
export function afterSuccess(): ServicePatch {
  return { failedAttemptKey: null, consecutiveFailures: 0, notBefore: null };
}
