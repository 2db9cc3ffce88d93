import type { Clock } from "../clock/clock.ts";

/** A token bucket: `burst` calls at once, then `perSecond` of them each second. */
export interface Rate {
  readonly bucket: string;
  readonly burst: number;
  readonly perSecond: number;
}

/** Rates by operation. */
export type RateTable = Readonly<Record<string, Rate>>;

/** The rate of operations that take their tokens from one bucket. */
export function rates(bucket: string, burst: number, perSecond: number, ...operations: readonly string[]): RateTable {
  return Object.fromEntries(operations.map((operation) => [operation, { bucket, burst, perSecond }]));
}

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

/** Token buckets by account, region, service and group of operations. They refill as the clock advances. */
export class Throttle {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes a token. False when the bucket is empty: the call is to be refused. */
  admits(call: { readonly service: string; readonly account: string; readonly region: string }, rate: Rate): boolean {
    const key = `${call.account}/${call.region}/${call.service}/${rate.bucket}`;
    const nowMs = this.#clock.now();
    const bucket = this.#buckets.get(key) ?? { tokens: rate.burst, filledAtMs: nowMs };
    this.#buckets.set(key, bucket);
    const refill = ((nowMs - bucket.filledAtMs) / 1000) * rate.perSecond;
    bucket.tokens = Math.min(rate.burst, bucket.tokens + refill);
    bucket.filledAtMs = nowMs;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}
