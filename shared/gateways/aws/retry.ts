import { setTimeout as sleep } from "node:timers/promises";
import type { RetryErrorInfo, RetryStrategyV2, RetryToken } from "@smithy/types";
import { isBusy, isQuotaReached } from "./errors.ts";

/** How calls are paced between attempts. */
export interface Pacing {
  /** Waits for `ms` milliseconds. */
  readonly pause?: (ms: number) => Promise<void>;
  /** A number in [0, 1), for jitter. */
  readonly random?: () => number;
  /** Attempts in all, the first one included. */
  readonly maxAttempts?: { readonly throttled: number; readonly other: number };
}

export const DEFAULT_MAX_ATTEMPTS = { throttled: 8, other: 4 } as const;

const BASE_MS = 200;
const THROTTLED_BASE_MS = 1_000;
const CAP_MS = 20_000;

const notRepeatable = new WeakSet<object>();

/**
 * Notes that the call which failed with this error may have had its effect and must not be sent again: for operations
 * without an idempotency token. Being throttled is exempt, since a throttled call has done nothing.
 */
export function markNotRepeatable(error: unknown): void {
  if (typeof error === "object" && error !== null) notRepeatable.add(error);
}

/**
 * A retry strategy that waits by the given `pause`, with exponential backoff and full jitter. Throttled calls wait
 * longer and are tried more often: AWS's sustained rates go down to one call a second. The SDK's own default gives up
 * after three attempts within a second.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/request-throttling.html
 */
export function pacedRetryStrategy(pacing: Pacing = {}): RetryStrategyV2 {
  const { pause = sleep, random = Math.random, maxAttempts = DEFAULT_MAX_ATTEMPTS } = pacing;
  return {
    acquireInitialRetryToken: async () => retryToken(0),
    refreshRetryTokenForRetry: async (token, info) => {
      const retry = token.getRetryCount() + 1;
      const limit = attemptLimit(info, maxAttempts);
      if (retry >= limit) throw new Error(`no attempt left after ${retry}`, { cause: info.error });
      await pause(waitMs(info, retry, random));
      return retryToken(retry);
    },
    recordSuccess: () => undefined,
  };
}

function attemptLimit(info: RetryErrorInfo, max: { readonly throttled: number; readonly other: number }): number {
  if (isToldToWait(info)) return max.throttled;
  if (isQuotaReached(info.error) || info.errorType === "CLIENT_ERROR") return 1;
  return info.error !== undefined && notRepeatable.has(info.error) ? 1 : max.other;
}

/** The SDK takes a refusal by its message alone for any other client error. */
function isToldToWait({ error, errorType }: RetryErrorInfo): boolean {
  return !isQuotaReached(error) && (errorType === "THROTTLING" || isBusy(error));
}

function waitMs(info: RetryErrorInfo, retry: number, random: () => number): number {
  const base = isToldToWait(info) ? THROTTLED_BASE_MS : BASE_MS;
  return Math.floor(random() * Math.min(CAP_MS, base * 2 ** (retry - 1)));
}

/** The delay is 0, since the strategy has waited already. */
function retryToken(count: number): RetryToken {
  return { getRetryCount: () => count, getRetryDelay: () => 0 };
}
