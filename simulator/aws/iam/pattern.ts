import { type WildcardPart, wildcard } from "../../base/wildcard.ts";

/** A part of a pattern, or a policy variable. */
type Part = WildcardPart | { readonly kind: "variable"; readonly key: string; readonly otherwise: string | undefined };

/** The value of a policy variable in a request; undefined when the request has none. */
export type Variables = (key: string) => string | undefined;

/** A compiled text of a policy: whether a value is what it says, in a request. */
export type Pattern = (value: string, variables: Variables) => boolean;

/**
 * A text with `*` and `?` as wildcards, and `${key}`, `${key, 'default'}` as policy variables. The value of a variable
 * stands for itself: wildcards in it are none. A text with a variable that has no value matches nothing.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
export function compileText(
  text: string,
  options: { readonly wildcards: boolean; readonly variables: boolean; readonly ignoreCase?: boolean },
): Pattern {
  const parts = partsOf(text, options);
  const cased = (value: string): string => (options.ignoreCase === true ? value.toLowerCase() : value);
  const test = (variables: Variables) => {
    const filled = filledIn(parts, variables);
    return (
      filled && wildcard(filled.map((part) => (part.kind === "text" ? { ...part, text: cased(part.text) } : part)))
    );
  };
  if (parts.some(({ kind }) => kind === "variable")) {
    return (value, variables) => test(variables)?.(cased(value)) ?? false;
  }
  const fixed = test(() => undefined);
  return (value) => fixed?.(cased(value)) ?? false;
}

/** The keys of the policy variables in a text. */
export function variableKeys(text: string): readonly string[] {
  const parts = partsOf(text, { wildcards: true, variables: true });
  return parts.flatMap((part) => (part.kind === "variable" ? [part.key] : []));
}

const TOKEN = /\$\{([^}]*)\}|[*?]/g;

function partsOf(
  text: string,
  { wildcards, variables }: { readonly wildcards: boolean; readonly variables: boolean },
): readonly Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [token, variable] = match;
    if (variable === undefined ? !wildcards : !variables) continue;
    if (match.index > end) parts.push({ kind: "text", text: text.slice(end, match.index) });
    end = match.index + token.length;
    parts.push(variable === undefined ? { kind: token === "*" ? "any" : "one" } : variablePart(variable));
  }
  if (end < text.length || parts.length === 0) parts.push({ kind: "text", text: text.slice(end) });
  return parts;
}

function variablePart(variable: string): Part {
  if (["*", "?", "$"].includes(variable)) return { kind: "text", text: variable };
  const [, key = "", otherwise] = /^\s*([^,'\s]+)\s*(?:,\s*'([^']*)'\s*)?$/.exec(variable) ?? [];
  if (key === "") throw new Error(`\${${variable}} is not a policy variable`);
  return { kind: "variable", key: key.toLowerCase(), otherwise };
}

/** The parts with the values of their variables; undefined where one has none. */
function filledIn(parts: readonly Part[], variables: Variables): readonly WildcardPart[] | undefined {
  const filled: WildcardPart[] = [];
  for (const part of parts) {
    if (part.kind !== "variable") {
      filled.push(part);
      continue;
    }
    const text = variables(part.key) ?? part.otherwise;
    if (text === undefined) return undefined;
    filled.push({ kind: "text", text });
  }
  return filled;
}

const ARN_PARTS = 6;

/** The six parts of an ARN, the last one with all that follows; undefined for what is none. */
export function arnParts(text: string): readonly string[] | undefined {
  const parts = text.split(":");
  if (parts[0] !== "arn" || parts.length < ARN_PARTS) return undefined;
  return [...parts.slice(0, ARN_PARTS - 1), parts.slice(ARN_PARTS - 1).join(":")];
}

/**
 * An ARN with wildcards, each within its part: `*` in the region's place does not reach into the account's.
 * @throws Error for a text that is not of an ARN's form
 */
export function compileArnPattern(text: string, variables: boolean): Pattern {
  const parts = text === "*" ? undefined : arnPatternParts(text);
  if (parts === undefined) return () => true;
  const patterns = parts.map((part) => compileText(part, { wildcards: true, variables }));
  return (value, given) => {
    const valueParts = arnParts(value);
    return valueParts?.every((part, index) => patterns[index]?.(part, given) === true) ?? false;
  };
}

/** A policy variable holds a colon: `${aws:PrincipalAccount}`. */
function arnPatternParts(text: string): readonly string[] {
  const hidden = text.replaceAll(/\$\{[^}]*\}/g, (variable) => variable.replaceAll(":", "\u0000"));
  const parts = arnParts(hidden)?.map((part) => part.replaceAll("\u0000", ":"));
  if (parts === undefined) throw new Error(`${text} is not an ARN`);
  return parts;
}
