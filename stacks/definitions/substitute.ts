type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

type Definition = { readonly [key: string]: Json };

const TOKEN = /\$\{(\w+)\}/g;

/**
 * The definition with every `${Token}` in its strings replaced. Throws when a token has no value or a value is never
 * used: a typo fails in the tests, not on AWS.
 */
export function substitute(definition: Definition, values: Readonly<Record<string, string>>): Definition {
  const used = new Set<string>();
  const replace = (text: string) =>
    text.replace(TOKEN, (_match, token: string) => {
      const value = Object.hasOwn(values, token) ? values[token] : undefined;
      if (value === undefined) throw new Error(`the state machine's token \${${token}} has no value`);
      used.add(token);
      return value;
    });
  const walk = (node: Json): Json => {
    if (typeof node === "string") return replace(node);
    if (isArray(node)) return node.map(walk);
    return typeof node === "object" && node !== null ? members(node) : node;
  };
  const members = (node: Definition): Definition =>
    Object.fromEntries(Object.entries(node).map(([key, inner]) => [key, walk(inner)]));
  const result = members(definition);
  const unused = Object.keys(values).filter((token) => !used.has(token));
  if (unused.length > 0) throw new Error(`the state machine does not use: ${unused.join(", ")}`);
  return result;
}

function isArray(node: Json): node is readonly Json[] {
  return Array.isArray(node);
}
