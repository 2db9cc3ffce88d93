import { transientErrors } from "./transient-errors.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

/** JSON has no `undefined`, but the types of JSON modules whose objects differ do. */
type Node = undefined | null | boolean | number | string | readonly Node[] | { readonly [key: string]: Node };

/** A state machine in the Amazon States Language. */
export type Definition = { readonly [key: string]: Node };

const TOKEN = /\$\{(\w+)\}/g;

/** The items of an array for which a token stands, by the token as the definition writes it. */
const lists: ReadonlyMap<unknown, readonly string[]> = new Map(
  Object.entries(transientErrors).map(([token, names]) => [`\${${token}}`, names]),
);

/**
 * The definition with every `${Token}` in its strings replaced. In an array, the token of a list in `transientErrors`
 * is replaced by all its items. Throws when a token has no value or a value is never used: a typo fails in the tests,
 * not on AWS.
 */
export function substitute(definition: Definition, values: Readonly<Record<string, string>>): JsonObject {
  const used = new Set<string>();
  const replace = (text: string) =>
    text.replace(TOKEN, (_match, token: string) => {
      const value = Object.hasOwn(values, token) ? values[token] : undefined;
      if (value === undefined) throw new Error(`the state machine's token \${${token}} has no value`);
      used.add(token);
      return value;
    });
  const walk = (node: Exclude<Node, undefined>): Json => {
    if (typeof node === "string") return replace(node);
    if (isArray(node)) return node.flatMap(items);
    return typeof node === "object" && node !== null ? members(node) : node;
  };
  const items = (node: Node): readonly Json[] => lists.get(node) ?? [node === undefined ? null : walk(node)];
  const members = (node: Definition): JsonObject =>
    Object.fromEntries(
      Object.entries(node).flatMap(([key, inner]) => (inner === undefined ? [] : [[key, walk(inner)]])),
    );
  const result = members(definition);
  const unused = Object.keys(values).filter((token) => !used.has(token));
  if (unused.length > 0) throw new Error(`the state machine does not use: ${unused.join(", ")}`);
  return result;
}

function isArray(node: Node): node is readonly Node[] {
  return Array.isArray(node);
}
