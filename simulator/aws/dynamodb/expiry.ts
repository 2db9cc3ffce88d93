import { seededRandom } from "../../base/random.ts";

const MAX_DELAY_MS = 48 * 3_600_000;

/**
 * When DynamoDB deletes an item that expires at a time (epoch milliseconds): within 48 hours, never before. The seed,
 * the item's name and its time decide when; nothing is drawn from a simulator's random numbers.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
 */
export function deletionMs({
  seed,
  name,
  expiresMs,
}: {
  readonly seed: number;
  readonly name: string;
  readonly expiresMs: number;
}): number {
  return expiresMs + seededRandom(hashOf(`${seed} ${name} ${expiresMs}`))() * MAX_DELAY_MS;
}

/** 32-bit FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
