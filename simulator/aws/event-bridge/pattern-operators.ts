import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { type WildcardPart, wildcard } from "../../base/wildcard.ts";

/** A value of an event that is neither object nor array. */
export type Leaf = null | boolean | number | string;
/** Says whether a leaf matches; `undefined` stands for a member that the event does not have. */
export type LeafTest = (leaf: Leaf | undefined) => boolean;
/** Makes the error that refuses a pattern. */
type Refuse = (why: string) => Error;

const MAX_NUMBER = 5e9;

/** The test that one element of a pattern's array stands for. Throws what `refuse` makes for an unknown operator. */
export function compileLeaf(pattern: Json, refuse: Refuse): LeafTest {
  if (!isJsonObject(pattern)) {
    if (Array.isArray(pattern)) throw refuse("An array inside an array is not allowed");
    return (leaf) => leaf === pattern;
  }
  const [operator, operand] = onlyEntry(pattern, refuse);
  switch (operator) {
    case "anything-but":
      return compileAnythingBut(operand, refuse);
    case "numeric":
      return compileNumeric(operand, refuse);
    case "exists":
      if (typeof operand !== "boolean") throw refuse("exists must be true or false");
      return (leaf) => (leaf !== undefined) === operand;
    default:
      return onText(compileText(operator, operand, refuse));
  }
}

/** The operators on texts: prefix, suffix, equals-ignore-case, wildcard. */
function compileText(operator: string, operand: Json, refuse: Refuse): (text: string) => boolean {
  switch (operator) {
    case "prefix":
    case "suffix": {
      const ignoreCase = isJsonObject(operand);
      const [inner, value] = isJsonObject(operand) ? onlyEntry(operand, refuse) : ["equals-ignore-case", operand];
      if (inner !== "equals-ignore-case") throw refuse(`Unrecognized match type ${inner} in ${operator}`);
      const part = fold(requireText(value, operator, refuse), ignoreCase);
      return operator === "prefix"
        ? (text) => fold(text, ignoreCase).startsWith(part)
        : (text) => fold(text, ignoreCase).endsWith(part);
    }
    case "equals-ignore-case": {
      const whole = fold(requireText(operand, operator, refuse), true);
      return (text) => fold(text, true) === whole;
    }
    case "wildcard":
      return compileWildcard(requireText(operand, operator, refuse), refuse);
    default:
      throw refuse(`Unrecognized match type ${operator}`);
  }
}

/** `anything-but`: the member is there and is none of these. */
function compileAnythingBut(operand: Json, refuse: Refuse): LeafTest {
  const excluded = compileExcluded(operand, refuse);
  return (leaf) => leaf !== undefined && !excluded.some((test) => test(leaf));
}

function compileExcluded(operand: Json, refuse: Refuse): readonly LeafTest[] {
  if (!isJsonObject(operand)) {
    const values = asList(operand);
    const types = new Set(values.map((value) => typeof value));
    if (values.length === 0 || types.size > 1 || !(types.has("string") || types.has("number")))
      throw refuse("anything-but needs a text, a number, or a list of only one of them");
    return values.map((value) => (leaf) => leaf === value);
  }
  const [operator, inner] = onlyEntry(operand, refuse);
  const patterns =
    operator === "prefix" || operator === "suffix" ? asList(inner).map(plainText(refuse)) : asList(inner);
  if (patterns.length === 0) throw refuse(`An empty list is not allowed in anything-but ${operator}`);
  return patterns.map((pattern) => onText(compileText(operator, pattern, refuse)));
}

/** `numeric`: one comparison, or a lower and an upper bound. */
function compileNumeric(operand: Json, refuse: Refuse): LeafTest {
  const parts = asList(operand);
  if (parts.length !== 2 && parts.length !== 4) throw refuse("numeric needs one comparison or a range");
  const [first, firstBound, second, secondBound] = parts;
  const tests = [compileComparison(first, firstBound, refuse)];
  if (parts.length === 4) {
    if (typeof first !== "string" || !first.startsWith(">") || typeof second !== "string" || !second.startsWith("<"))
      throw refuse("a numeric range has a lower bound first, then an upper bound");
    if (Number(firstBound) >= Number(secondBound)) throw refuse("Bottom must be less than top");
    tests.push(compileComparison(second, secondBound, refuse));
  }
  return (leaf) => typeof leaf === "number" && tests.every((test) => test(leaf));
}

function compileComparison(
  operator: Json | undefined,
  bound: Json | undefined,
  refuse: Refuse,
): (value: number) => boolean {
  if (typeof bound !== "number" || Math.abs(bound) > MAX_NUMBER)
    throw refuse("the bound of numeric must be a number between -5.0e9 and 5.0e9");
  switch (operator) {
    case "=":
      return (value) => value === bound;
    case "<":
      return (value) => value < bound;
    case "<=":
      return (value) => value <= bound;
    case ">":
      return (value) => value > bound;
    case ">=":
      return (value) => value >= bound;
    default:
      throw refuse(`Unrecognized numeric range operator: ${JSON.stringify(operator)}`);
  }
}

/** `*` stands for any characters; `\*` and `\\` for themselves. */
function compileWildcard(pattern: string, refuse: Refuse): (text: string) => boolean {
  const parts: WildcardPart[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern.charAt(at);
    const next = pattern.charAt(at + 1);
    if (character === "*") {
      if (next === "*") throw refuse("Consecutive wildcard characters are not allowed");
      parts.push({ kind: "any" });
    } else if (character === "\\") {
      if (next !== "*" && next !== "\\") throw refuse("Invalid escape character in wildcard");
      parts.push({ kind: "text", text: next });
      at++;
    } else parts.push({ kind: "text", text: character });
  }
  return wildcard(parts);
}

function onText(test: (text: string) => boolean): LeafTest {
  return (leaf) => typeof leaf === "string" && test(leaf);
}

function onlyEntry(pattern: JsonObject, refuse: Refuse): [string, Json] {
  const [entry, ...others] = Object.entries(pattern);
  if (entry === undefined || others.length > 0) throw refuse("Only one key allowed in match expression");
  return entry;
}

function requireText(value: Json, operator: string, refuse: Refuse): string {
  if (typeof value !== "string" || value === "") throw refuse(`${operator} needs a text that is not empty`);
  return value;
}

function plainText(refuse: Refuse): (value: Json) => string {
  return (value) => requireText(value, "anything-but prefix or suffix", refuse);
}

function asList(value: Json): readonly Json[] {
  return isList(value) ? value : [value];
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function fold(text: string, ignoreCase: boolean): string {
  return ignoreCase ? text.toLowerCase() : text;
}
