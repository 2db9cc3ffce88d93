import { keyKind } from "./catalog.ts";
import { arnParts, compileArnPattern, compileText, type Pattern, type Variables, variableKeys } from "./pattern.ts";
import { UnsupportedPolicy } from "./unsupported-policy.ts";

/** The values of a condition key in a request; undefined when the request's context has no such key. */
export type KeyValues = (key: string) => readonly string[] | undefined;

/** A statement's condition: whether a request fulfills it. */
export type Condition = (values: KeyValues) => boolean;

/** A policy's condition as it is written: values by key, by operator. */
export type ConditionBlock = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

interface Comparison {
  /** Whether one value of the request is what one value of the policy says. */
  readonly compile: (expected: string, variables: boolean) => Pattern;
  /** The operator holds when none of the policy's values match. */
  readonly negated: boolean;
}

const text = (wildcards: boolean, ignoreCase = false): Comparison["compile"] => {
  return (expected, variables) => compileText(expected, { wildcards, variables, ignoreCase });
};
const arn: Comparison["compile"] = (expected, variables) => {
  const matches = compileArnPattern(expected, variables);
  return (value, given) => arnParts(value) !== undefined && matches(value, given);
};
const ordered = (read: (value: string) => number, holds: (value: number, expected: number) => boolean) => {
  const compile: Comparison["compile"] = (expected) => {
    const limit = read(expected);
    if (Number.isNaN(limit)) throw new UnsupportedPolicy(`${expected} can't be compared`);
    return (value) => holds(read(value), limit);
  };
  return compile;
};
const bool: Comparison["compile"] = (expected) => {
  if (!/^(true|false)$/i.test(expected)) throw new UnsupportedPolicy(`${expected} is neither true nor false`);
  return (value) => value.toLowerCase() === expected.toLowerCase();
};
const dateOf = (value: string) => (/^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value));

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html */
const comparisons: Readonly<Record<string, Comparison>> = {
  StringEquals: { compile: text(false), negated: false },
  StringNotEquals: { compile: text(false), negated: true },
  StringEqualsIgnoreCase: { compile: text(false, true), negated: false },
  StringNotEqualsIgnoreCase: { compile: text(false, true), negated: true },
  StringLike: { compile: text(true), negated: false },
  StringNotLike: { compile: text(true), negated: true },
  ArnEquals: { compile: arn, negated: false },
  ArnLike: { compile: arn, negated: false },
  ArnNotEquals: { compile: arn, negated: true },
  ArnNotLike: { compile: arn, negated: true },
  Bool: { compile: bool, negated: false },
  ...both("Numeric", Number),
  ...both("Date", dateOf),
};

function both(type: string, read: (value: string) => number): Record<string, Comparison> {
  const equal = ordered(read, (value, expected) => value === expected);
  return {
    [`${type}Equals`]: { compile: equal, negated: false },
    [`${type}NotEquals`]: { compile: equal, negated: true },
    [`${type}LessThan`]: { compile: ordered(read, (value, expected) => value < expected), negated: false },
    [`${type}LessThanEquals`]: { compile: ordered(read, (value, expected) => value <= expected), negated: false },
    [`${type}GreaterThan`]: { compile: ordered(read, (value, expected) => value > expected), negated: false },
    [`${type}GreaterThanEquals`]: { compile: ordered(read, (value, expected) => value >= expected), negated: false },
  };
}

type Quantifier = "ForAllValues" | "ForAnyValue" | undefined;

/**
 * The condition that a statement has. All operators and keys have to hold, and one of the values of each.
 * @throws UnsupportedPolicy for an operator, a key or a value that is not known: it would otherwise pass, or never
 */
export function compileCondition(block: ConditionBlock, variables: boolean): Condition {
  const tests = Object.entries(block).flatMap(([operator, byKey]) =>
    Object.entries(byKey).map(([key, values]) => compileTest(operator, key.toLowerCase(), [values].flat(), variables)),
  );
  return (values) => tests.every((test) => test(values));
}

function compileTest(operator: string, key: string, expected: readonly string[], variables: boolean): Condition {
  const kind = keyKind(key);
  if (kind === undefined) throw new UnsupportedPolicy(`the condition key ${key} is not known`);
  if (operator === "Null") return nullTest(key, expected);
  const [, quantifier, name = "", ifExists] = /^(?:(\w+):)?(\w+?)(IfExists)?$/.exec(operator) ?? [];
  const comparison = Object.hasOwn(comparisons, name) ? comparisons[name] : undefined;
  if (comparison === undefined || !isQuantifier(quantifier)) {
    throw new UnsupportedPolicy(`the condition operator ${operator} is not known`);
  }
  if (kind === "multi" && quantifier === undefined) {
    throw new UnsupportedPolicy(`${key} has several values: ${operator} needs ForAllValues or ForAnyValue`);
  }
  for (const variable of variables ? expected.flatMap(variableKeys) : []) {
    if (keyKind(variable) === undefined) throw new UnsupportedPolicy(`the policy variable ${variable} is not known`);
  }
  const patterns = expected.map((value) => comparison.compile(value, variables));
  const holds = (value: string, given: Variables) =>
    patterns.some((matches) => matches(value, given)) !== comparison.negated;
  return (values) => {
    const found = values(key);
    const given: Variables = (variable) => singleOf(values(variable));
    if (found === undefined || found.length === 0) return absent(quantifier, comparison.negated, ifExists);
    if (quantifier === "ForAllValues") return found.every((value) => holds(value, given));
    return found.some((value) => holds(value, given));
  };
}

function isQuantifier(text: string | undefined): text is Quantifier {
  return text === undefined || text === "ForAllValues" || text === "ForAnyValue";
}

/** What a test says of a request that lacks its key. */
function absent(quantifier: Quantifier, negated: boolean, ifExists: string | undefined): boolean {
  if (ifExists !== undefined || quantifier === "ForAllValues") return true;
  return quantifier === undefined && negated;
}

function nullTest(key: string, expected: readonly string[]): Condition {
  const wanted = new Set(expected.map((value) => value.toLowerCase()));
  if ([...wanted].some((value) => value !== "true" && value !== "false")) {
    throw new UnsupportedPolicy(`Null of ${key} is neither true nor false`);
  }
  return (values) => wanted.has(String((values(key) ?? []).length === 0));
}

function singleOf(values: readonly string[] | undefined): string | undefined {
  return values?.length === 1 ? values[0] : undefined;
}
