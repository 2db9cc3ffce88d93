import jsonata from "jsonata";
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { type AstNode, isNode, problemsOf } from "./expression-check.ts";
import type { ExpressionFunction } from "./functions.ts";
import { copyJson } from "./payload.ts";
import { StatesError } from "./states-error.ts";

/** What an expression can see: `states` and the variables, by their names. */
export type Environment = Readonly<Record<string, Json>> & { readonly states: JsonObject };

/** A value of a definition, ready to be evaluated. */
export type Template =
  | { readonly constant: true; readonly value: Json }
  | { readonly constant: false; readonly evaluate: (environment: Environment) => Json | Promise<Json> };

/** Where a template stands, and what its expressions may refer to. */
export interface TemplatePlace {
  /** For messages: a path such as `/Plan/Arguments`. */
  readonly path: string;
  readonly variables: ReadonlySet<string>;
  /** The members that `$states` has here. */
  readonly statesMembers: readonly string[];
  readonly functions: readonly ExpressionFunction[];
}

/** An expression of a definition that is refused when the definition is loaded. */
export class ExpressionError extends Error {
  override readonly name = "ExpressionError";
}

/**
 * Compiles a value of a definition: strings of the form `{% … %}` are expressions, at any depth.
 * @throws ExpressionError for an expression that Step Functions would refuse.
 */
export function compileTemplate(value: Json, place: TemplatePlace): Template {
  if (typeof value === "string") return compileString(value, place);
  if (Array.isArray(value)) {
    const items = value.map((item: Json, index) =>
      compileTemplate(item, { ...place, path: `${place.path}[${index}]` }),
    );
    return combine(items, (values) => values);
  }
  if (isJsonObject(value)) {
    const keys = Object.keys(value);
    const members = Object.entries(value).map(([key, inner]) =>
      compileTemplate(inner, { ...place, path: `${place.path}/${key}` }),
    );
    return combine(members, (values) => Object.fromEntries(keys.map((key, index) => [key, values[index] ?? null])));
  }
  return { constant: true, value };
}

/**
 * The template's value.
 * @throws StatesError `States.QueryEvaluationError` if an expression fails or has no value: JSON knows no undefined.
 */
export async function evaluate(template: Template, environment: Environment): Promise<Json> {
  return template.constant ? template.value : await template.evaluate(environment);
}

function compileString(text: string, place: TemplatePlace): Template {
  if (!/^\s*\{%[\s\S]*%\}\s*$/.test(text)) return { constant: true, value: text };
  if (text !== text.trim()) throw new ExpressionError(`${place.path}: an expression starts with {% and ends with %}`);
  const source = text.slice(2, -2).trim();
  const expression = parse(source, place);
  const ast: unknown = expression.ast();
  if (!isNode(ast)) throw new ExpressionError(`${place.path}: no expression: ${source}`);
  const names = new Set([...place.variables, ...place.functions.map(({ name }) => name)]);
  const [problem] = problemsOf(ast, (name) => names.has(name), place.statesMembers);
  if (problem !== undefined) throw new ExpressionError(`${place.path}: ${problem}: ${source}`);
  for (const { name, call, signature } of place.functions) expression.registerFunction(name, call, signature);

  const slow = (environment: Environment) => evaluateExpression(expression, environment, source, place.path);
  const path = plainPath(ast);
  return { constant: false, evaluate: path ? (environment) => lookUp(path, environment) ?? slow(environment) : slow };
}

function parse(source: string, place: TemplatePlace): jsonata.Expression {
  try {
    return jsonata(source);
  } catch (error) {
    throw new ExpressionError(`${place.path}: ${messageOf(error)}: ${source}`, { cause: error });
  }
}

async function evaluateExpression(
  expression: jsonata.Expression,
  environment: Environment,
  source: string,
  path: string,
): Promise<Json> {
  const fail = (why: string, cause?: unknown) =>
    new StatesError("States.QueryEvaluationError", `${path}: ${why}: ${source}`, { location: path, cause });
  let value: unknown;
  try {
    value = await expression.evaluate(undefined, environment);
    // The copy drops the marks that JSONata leaves on arrays, and shares nothing with what the expression read.
    if (value !== undefined && !isFunction(value)) return copyJson(value);
  } catch (error) {
    throw fail(messageOf(error), error);
  }
  throw fail(
    value === undefined ? "the expression returned nothing (undefined)" : "the expression returned a function",
  );
}

/** JSONata represents functions as objects with a mark. */
function isFunction(value: unknown): boolean {
  return (
    typeof value === "function" ||
    (typeof value === "object" && value !== null && ("_jsonata_function" in value || "_jsonata_lambda" in value))
  );
}

/** JSONata throws plain objects that have a message. */
function messageOf(error: unknown): string {
  const hasMessage = typeof error === "object" && error !== null && "message" in error;
  return hasMessage ? String(error.message) : String(error);
}

/** The names of an expression that is only a variable and members of it, as most are: `$job.service`. */
function plainPath(ast: AstNode): readonly string[] | undefined {
  const steps = ast.type === "path" ? (ast.steps ?? []) : [ast];
  if (Object.keys(ast).some((member) => ["group", "keepSingletonArray", "tuple", "keepArray"].includes(member)))
    return undefined;
  const plain = steps.every(
    (step, index) =>
      step.type === (index === 0 ? "variable" : "name") &&
      typeof step.value === "string" &&
      Object.keys(step).every((member) => ["type", "value", "position"].includes(member)),
  );
  return plain ? steps.map((step) => String(step.value)) : undefined;
}

/** The value at the path, through objects only; undefined where JSONata's own rules are needed. */
function lookUp(path: readonly string[], environment: Environment): Json | undefined {
  let value: Json | undefined = environment;
  for (const name of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

function combine(parts: readonly Template[], build: (values: readonly Json[]) => Json): Template {
  const constants = parts.flatMap((part) => (part.constant ? [part.value] : []));
  if (constants.length === parts.length) return { constant: true, value: build(constants) };
  return {
    constant: false,
    evaluate: async (environment) => {
      const values: Json[] = [];
      for (const part of parts) values.push(part.constant ? part.value : await part.evaluate(environment));
      return build(values);
    },
  };
}
