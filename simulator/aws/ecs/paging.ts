import { invalidParameter } from "./errors.ts";

export interface PageRequest {
  readonly maxResults?: number | undefined;
  readonly nextToken?: string | undefined;
}

export interface PageLimits {
  readonly defaultResults: number;
  readonly maxResults: number;
}

/**
 * One page of a list. `keyOf` gives a number that rises along the list, so that a page goes on after its predecessor
 * even when items were removed in between.
 * @throws AwsError `InvalidParameterException` for a page size out of range or an invalid token.
 */
export function pageByKey<T>(
  items: Iterable<T>,
  keyOf: (item: T) => number,
  request: PageRequest,
  limits: PageLimits,
): { items: T[]; nextToken: string | undefined } {
  const size = request.maxResults ?? limits.defaultResults;
  if (!Number.isInteger(size) || size < 1 || size > limits.maxResults) {
    throw invalidParameter(`maxResults must be between 1 and ${limits.maxResults}.`);
  }
  const after = request.nextToken === undefined ? -Infinity : parseToken(request.nextToken);
  const result: T[] = [];
  for (const item of items) {
    if (keyOf(item) <= after) continue;
    const last = result.at(-1);
    if (result.length === size && last !== undefined) {
      return { items: result, nextToken: Buffer.from(`after:${keyOf(last)}`).toString("base64url") };
    }
    result.push(item);
  }
  return { items: result, nextToken: undefined };
}

function parseToken(token: string): number {
  const [, key] = /^after:(-?\d+)$/.exec(Buffer.from(token, "base64url").toString()) ?? [];
  if (key === undefined) throw invalidParameter("Invalid token.");
  return Number(key);
}
