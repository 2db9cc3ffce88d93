/** No request of an SDK nests this deep; code that walks through deeper ones would run out of stack. */
export const MOST_NESTED = 500;

/** True for JSON that nests more than `MOST_NESTED` lists and objects. */
export function isNestedTooDeep(body: string): boolean {
  if (body.length <= MOST_NESTED) return false;
  let depth = 0;
  for (const [token] of body.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === "[" || token === "{") depth += 1;
    if (token === "]" || token === "}") depth -= 1;
    if (depth > MOST_NESTED) return true;
  }
  return false;
}
