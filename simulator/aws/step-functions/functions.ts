import { createHash } from "node:crypto";
import type { Expression } from "jsonata";
import type { Clock } from "../../clock/clock.ts";

/** A function as `registerFunction` of JSONata takes it. */
export interface ExpressionFunction {
  readonly name: string;
  readonly signature: string;
  readonly call: Parameters<Expression["registerFunction"]>[1];
}

const HASH_ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ["MD5", "md5"],
  ["SHA-1", "sha1"],
  ["SHA-256", "sha256"],
  ["SHA-384", "sha384"],
  ["SHA-512", "sha512"],
]);

/**
 * The functions that Step Functions adds to JSONata ($partition, $range, $hash, $random, $uuid, $parse), and $now and
 * $millis, which follow the given clock.
 * Source: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
 */
export function expressionFunctions(clock: Clock, random: () => number): readonly ExpressionFunction[] {
  return [
    { name: "now", signature: "<:s>", call: () => new Date(clock.now()).toISOString() },
    { name: "millis", signature: "<:n>", call: () => clock.now() },
    { name: "random", signature: "<n?:n>", call: (seed?: number) => (seed === undefined ? random() : seeded(seed)) },
    { name: "uuid", signature: "<:s>", call: () => uuid(random) },
    { name: "parse", signature: "<s:x>", call: (text?: string): unknown => text && JSON.parse(text) },
    { name: "hash", signature: "<ss:s>", call: hash },
    { name: "range", signature: "<nnn:a<n>>", call: range },
    { name: "partition", signature: "<an:a>", call: partition },
  ];
}

function seeded(seed: number): number {
  return createHash("sha256").update(String(seed)).digest().readUInt32BE() / 2 ** 32;
}

/** A version 4 UUID from a source of random numbers between 0 and 1. */
function uuid(random: () => number): string {
  const digits = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join("");
  const variant = "89ab".charAt(Math.floor(random() * 4));
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-${variant}${digits.slice(17, 20)}-${digits.slice(20)}`;
}

function hash(text: string | undefined, algorithm: string): string | undefined {
  const name = HASH_ALGORITHMS.get(algorithm);
  if (name === undefined) throw new Error(`$hash knows ${[...HASH_ALGORITHMS.keys()].join(", ")}, not ${algorithm}`);
  return text === undefined ? undefined : createHash(name).update(text).digest("hex");
}

function range(first: number, last: number, step: number): number[] {
  if (!step) throw new Error("$range needs a step that is not zero");
  const length = Math.max(0, Math.floor((last - first) / step) + 1);
  return Array.from({ length }, (_, index) => first + index * step);
}

function partition(items: readonly unknown[] | undefined, size: number): unknown[][] | undefined {
  if (!(Number.isInteger(size) && size > 0)) throw new Error("$partition needs a positive integer as its size");
  if (items === undefined) return undefined;
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
