import type { Json } from "./json.ts";

/** ECMAScript's JSON.rawJSON and source text access, which Node.js has and TypeScript's library lacks yet. */
interface RawJson {
  rawJSON(text: string): Json;
  parse(text: string, reviver: (key: string, value: Json, context: { readonly source?: string }) => Json): unknown;
}

/** What may be a number that no JavaScript number holds: 16 digits and more, an exponent, or a negative zero. */
const SUSPICIOUS = /\d{16}|\d[eE][+-]?\d|-0|\d\.\d{14}/;
const MAX_EXACT_DIGITS = 15;

/**
 * The value of a JSON text. A number that JavaScript would change (beyond 2^53, with more digits than it keeps, a
 * negative zero) is kept as its text, so that `JSON.stringify` writes the same number again. Throws a SyntaxError.
 */
export function parseJson(text: string): unknown {
  if (!SUSPICIOUS.test(text)) return JSON.parse(text);
  // The runtime has both: see RawJson.
  const json = JSON as unknown as RawJson;
  return json.parse(text, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined && !isExact(value, source) ? json.rawJSON(source) : value,
  );
}

function isExact(value: number, source: string): boolean {
  if (!Number.isFinite(value) || Object.is(value, -0)) return false;
  if (/^-?\d+$/.test(source)) return BigInt(source) === BigInt(value);
  const digits = source
    .replace(/[eE].*$/, "")
    .replace(/\D/g, "")
    .replace(/^0+/, "");
  return digits.length <= MAX_EXACT_DIGITS && (value !== 0 || digits === "");
}
