/** The part of JSONata's syntax tree that the checks need: every node has a type, and most have a value. */
export interface AstNode {
  readonly type: string;
  readonly value?: unknown;
  readonly steps?: readonly AstNode[];
  readonly [member: string]: unknown;
}

/** Functions of JSONata 2.0.6 that Step Functions has too: all but `$eval`. */
const BUILT_IN = new Set(
  (
    "sum count max min average string substring substringBefore substringAfter lowercase uppercase length trim pad " +
    "match contains replace split join formatNumber formatBase formatInteger parseInteger number floor ceil round " +
    "abs sqrt power boolean not map zip filter single reduce sift keys lookup append exists spread merge reverse " +
    "each error assert type sort shuffle distinct base64encode base64decode encodeUrlComponent encodeUrl " +
    "decodeUrlComponent decodeUrl toMillis fromMillis clone"
  ).split(" "),
);

/** Members below which a context item exists, so that bare names and `$` mean something. */
const WITH_CONTEXT = new Set(["predicate", "stages", "group", "terms", "pattern", "update", "delete"]);

interface Findings {
  readonly used: Set<string>;
  readonly bound: Set<string>;
  readonly problems: string[];
}

/**
 * What is wrong with an expression for Step Functions, as sentences; empty if nothing is. Found: unknown variables and
 * functions, `$eval`, bare names and `$` or `$$` where there is no context item, and members of `$states` that do not
 * exist in this place.
 */
export function problemsOf(
  ast: AstNode,
  known: (variable: string) => boolean,
  statesMembers: readonly string[],
): readonly string[] {
  const findings: Findings = { used: new Set(), bound: new Set(), problems: [] };
  walk(ast, false, statesMembers, findings);
  for (const name of findings.used) {
    if (name === "eval") findings.problems.push("$eval does not exist in Step Functions");
    else if (name !== "states" && !findings.bound.has(name) && !BUILT_IN.has(name) && !known(name))
      findings.problems.push(`$${name} is not defined`);
  }
  return findings.problems;
}

function walk(value: unknown, hasContext: boolean, statesMembers: readonly string[], findings: Findings): void {
  if (Array.isArray(value)) for (const item of value) walk(item, hasContext, statesMembers, findings);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  if (!isNode(value)) {
    for (const inner of Object.values(value)) walk(inner, hasContext, statesMembers, findings);
    return;
  }
  note(value, hasContext, statesMembers, findings);
  for (const [member, inner] of Object.entries(value)) {
    if (value.type === "path" && member === "steps" && Array.isArray(inner)) {
      walk(inner[0], hasContext, statesMembers, findings);
      walk(inner.slice(1), true, statesMembers, findings);
    } else if (member !== "signature") {
      walk(inner, hasContext || WITH_CONTEXT.has(member), statesMembers, findings);
    }
  }
}

function note(node: AstNode, hasContext: boolean, statesMembers: readonly string[], findings: Findings): void {
  const { used, bound, problems } = findings;
  for (const binding of bindings(node)) bound.add(binding);
  if (node.type === "name" && !hasContext) problems.push(`reference to '${String(node.value)}' at the top level`);
  if (node.type === "function" && isCallOf(node, "now") && Array.isArray(node.arguments) && node.arguments.length)
    problems.push("$now with a picture is not supported: use $fromMillis($millis(), picture)");
  if (node.type === "variable" && typeof node.value === "string") {
    if (node.value === "$" || (node.value === "" && !hasContext))
      problems.push("there is no context item: start from $states or a variable");
    else if (node.value !== "") used.add(node.value);
  }
  const [first, second] = node.steps ?? [];
  if (node.type === "path" && first?.type === "variable" && first.value === "states" && second !== undefined) {
    const member = second.type === "name" ? String(second.value) : second.type;
    if (!statesMembers.includes(member)) problems.push(`$states.${member} does not exist here`);
  }
}

/** The variables that a node itself defines: `:=`, a function's parameters, `@$v` and `#$i`. */
function bindings(node: AstNode): string[] {
  const names: unknown[] = [node.focus, node.index];
  if (node.type === "bind" && isNode(node.lhs)) names.push(node.lhs.value);
  if (node.type === "index") names.push(node.value);
  if (node.type === "lambda" && Array.isArray(node.arguments))
    for (const argument of node.arguments) if (isNode(argument)) names.push(argument.value);
  return names.filter((name) => typeof name === "string");
}

function isCallOf(node: AstNode, name: string): boolean {
  const procedure = node.procedure;
  return isNode(procedure) && procedure.type === "variable" && procedure.value === name;
}

/** True for a node of JSONata's syntax tree. */
export function isNode(value: unknown): value is AstNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}
