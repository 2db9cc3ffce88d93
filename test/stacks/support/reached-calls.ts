/**
 * Finds the AWS actions that a function's code can reach. The handler is bundled without its packages and without
 * unused code, and the bundle's calls are followed from the handler to the SDK commands.
 *
 * A gateway is an object of methods, and a function that has the gateway doesn't call all of them. A method counts as
 * called where reached code reads a property with its name. An ambiguous name counts only where it is read from a
 * variable with the gateway's name.
 */
import { resolve } from "node:path";
import * as esbuild from "esbuild";
import { parseAst } from "vitest/node";

/** Modules that create gateways, with the names of variables that hold such a gateway. */
const gateways: Readonly<Record<string, readonly string[]>> = {
  "functions/context.ts": ["context", "calls", "this"],
  "shared/gateways/aws/aws-clients.ts": ["clients"],
  "shared/gateways/aws/ecs.ts": ["ecs"],
  "shared/gateways/ledger/ledger-dynamodb.ts": ["ledger"],
  "shared/gateways/ledger/ledger-table.ts": ["table"],
};

/** IAM's service prefix by the package of the client. */
const servicePrefixes: Readonly<Record<string, string>> = {
  "@aws-sdk/client-cloudwatch": "cloudwatch",
  "@aws-sdk/client-dynamodb": "dynamodb",
  "@aws-sdk/client-ecs": "ecs",
  "@aws-sdk/client-eks": "eks",
  "@aws-sdk/client-eventbridge": "events",
  "@aws-sdk/client-secrets-manager": "secretsmanager",
  "@aws-sdk/client-sfn": "states",
  "@aws-sdk/client-ssm": "ssm",
  "@aws-sdk/client-sts": "sts",
  "@aws-sdk/lib-dynamodb": "dynamodb",
};

/** IAM's actions by the document client's commands, where the names differ. */
const documentCommands: Readonly<Record<string, string>> = {
  Get: "GetItem",
  Put: "PutItem",
  Update: "UpdateItem",
  Delete: "DeleteItem",
  TransactWrite: "TransactWriteItems",
  BatchGet: "BatchGetItem",
  BatchWrite: "BatchWriteItem",
};

export interface Reached {
  /** IAM actions of the calls, sorted, such as `ecs:UpdateService`. */
  readonly actions: readonly string[];
  /** Properties that reached code reads, with their object, such as `executions.startExecution`. */
  readonly reads: ReadonlySet<string>;
  /** The project's modules in the bundle. */
  readonly modules: readonly string[];
}

/** The calls that a function can make. `functionName` is its file below `functions/`. */
export async function reachedCalls(functionName: string): Promise<Reached> {
  return reachedFrom(`functions/${functionName}.ts`);
}

/** The calls that a program can make. `entry` is the path of its first module. */
export async function reachedFrom(entry: string): Promise<Reached> {
  const { code, modules } = await bundle(entry);
  return { ...new CallGraph(code).reached(), modules };
}

async function bundle(entry: string): Promise<{ readonly code: string; readonly modules: readonly string[] }> {
  const root = resolve(import.meta.dirname, "../../..");
  const { outputFiles, metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "es2024",
    treeShaking: true,
    metafile: true,
    write: false,
    outfile: "reached.mjs",
  });
  const [output] = Object.values(metafile.outputs);
  const modules = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  return { code: outputFiles[0]?.text ?? "", modules: modules.map(([path]) => path).sort() };
}

interface AstNode {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

/** A unit of code: a function, by module and name, or a gateway's method. */
type Owner = string;

interface PropertyRead {
  readonly name: string;
  /** The name of the object that the property is read from, if it has one. */
  readonly receiver: string | undefined;
}

interface Uses {
  readonly identifiers: Set<string>;
  readonly properties: PropertyRead[];
  readonly actions: Set<string>;
  readonly module: string;
}

const ROOT: Owner = "root";

/** Method names that many other objects have, too. */
const commonNames = new Set([
  ...["change", "create", "insert", "put", "query", "remove", "scan", "update", "write"],
  ...Object.getOwnPropertyNames(Array.prototype),
  ...Object.getOwnPropertyNames(String.prototype),
  ...Object.getOwnPropertyNames(Map.prototype),
  ...Object.getOwnPropertyNames(Promise.prototype),
]);

class CallGraph {
  readonly #uses = new Map<Owner, Uses>();
  readonly #functions = new Set<Owner>();
  readonly #topLevel = new Map<string, Owner>();
  readonly #members = new Map<string, { readonly module: string; readonly owner: Owner }[]>();
  readonly #commands = new Map<string, string>();
  readonly #modules: readonly { readonly start: number; readonly path: string }[];

  constructor(code: string) {
    this.#modules = [...code.matchAll(/^\/\/ ((?:cli|functions|shared|autopilot\.config)[\w./-]*\.ts)$/gm)].map(
      (match) => ({
        start: match.index,
        path: match[1] ?? "",
      }),
    );
    const program = asNode(parseAst(code));
    if (!program) throw new Error("the bundle has no syntax tree");
    for (const statement of nodesIn(program.body)) this.#note(statement);
    for (const statement of nodesIn(program.body)) this.#visit(statement, ROOT, undefined);
  }

  reached(): Omit<Reached, "modules"> {
    const reached = new Set<Owner>();
    const reads = new Set<string>();
    const actions = new Set<string>();
    const waiting: Owner[] = [ROOT];
    for (let owner = waiting.pop(); owner !== undefined; owner = waiting.pop()) {
      if (reached.has(owner)) continue;
      reached.add(owner);
      const uses = this.#uses.get(owner);
      if (!uses) continue;
      for (const action of uses.actions) actions.add(action);
      for (const name of uses.identifiers) waiting.push(...this.#named(name, uses.module));
      for (const read of uses.properties) {
        reads.add(`${read.receiver ?? ""}.${read.name}`);
        waiting.push(...this.#methods(read));
      }
    }
    return { actions: [...actions].sort(), reads };
  }

  #named(name: string, module: string): Owner[] {
    const near = `${module}#${name}`;
    if (this.#functions.has(near)) return [near];
    const far = this.#topLevel.get(name);
    return far ? [far] : [];
  }

  #methods({ name, receiver }: PropertyRead): Owner[] {
    const members = this.#members.get(name) ?? [];
    const modules = new Set(members.map(({ module }) => module));
    const ambiguous = modules.size > 1 || commonNames.has(name);
    // The bundle adds numbers to names that several modules have, as in `table2`.
    const called = receiver?.replace(/\d+$/, "");
    const isOf = (module: string) => called === undefined || gateways[module]?.includes(called);
    return members.filter(({ module }) => !ambiguous || isOf(module)).map(({ owner }) => owner);
  }

  /** Records a top-level function or import, because code may use it before its definition. */
  #note(statement: AstNode): void {
    if (statement.type === "ImportDeclaration") this.#noteImport(statement);
    const declared = statement.type === "FunctionDeclaration" ? [statement] : nodesIn(statement.declarations);
    for (const one of declared) {
      const name = nameOf(one.id);
      if (name) this.#topLevel.set(name, `${this.#moduleAt(statement.start)}#${name}`);
    }
  }

  #noteImport(statement: AstNode): void {
    const source = asNode(statement.source)?.value;
    const prefix = servicePrefixes[String(source)];
    for (const specifier of nodesIn(statement.specifiers)) {
      const [imported, local] = [nameOf(specifier.imported), nameOf(specifier.local)];
      // commander has a class with the name Command.
      if (!imported?.endsWith("Command") || !local || source === "commander") continue;
      if (!prefix) throw new Error(`${String(source)} has no IAM prefix here`);
      const name = imported.replace(/Command$/, "");
      const operation = source === "@aws-sdk/lib-dynamodb" ? (documentCommands[name] ?? name) : name;
      this.#commands.set(local, `${prefix}:${operation}`);
    }
  }

  #visit(node: AstNode, owner: Owner, lazy: Owner | undefined): void {
    switch (node.type) {
      case "ImportDeclaration":
        return;
      case "FunctionDeclaration":
        this.#visitNamed(node, nameOf(node.id), node.start);
        return;
      case "VariableDeclarator":
        this.#visitVariable(node, owner, lazy);
        return;
      case "ArrowFunctionExpression":
      case "FunctionExpression":
        this.#visitInside(node, lazy ?? owner, undefined);
        return;
      case "Property":
        this.#visitProperty(node, owner, lazy);
        return;
      case "MemberExpression":
        this.#noteRead(node, owner);
        break;
      case "ObjectPattern":
        for (const property of nodesIn(node.properties)) this.#noteKey(property, owner);
        break;
      case "NewExpression":
        this.#noteCommand(node, owner);
        break;
      case "Identifier":
        if (typeof node.name === "string") this.#usesOf(owner, node.start).identifiers.add(node.name);
        return;
    }
    this.#visitInside(node, owner, lazy);
  }

  #visitVariable(node: AstNode, owner: Owner, lazy: Owner | undefined): void {
    if (isFunction(node.init)) this.#visitNamed(asNode(node.init), nameOf(node.id), node.start);
    else this.#visitInside(node, owner, this.#lazyVariable(node) ?? lazy);
  }

  /** `const assumed = keyed(() => …)` in a gateway: the inner code runs when the variable is used. */
  #lazyVariable(node: AstNode): Owner | undefined {
    const [name, module] = [nameOf(node.id), this.#moduleAt(node.start)];
    if (!name || !isGateway(module) || asNode(node.init)?.type !== "CallExpression") return undefined;
    const owner: Owner = `${module}#${name}`;
    this.#functions.add(owner);
    return owner;
  }

  #visitInside(node: AstNode, owner: Owner, lazy: Owner | undefined): void {
    for (const [key, value] of Object.entries(node)) {
      // The name of a property or a definition doesn't refer to a variable.
      if ((key === "property" || key === "key") && node.computed !== true) continue;
      if (key === "id" && nameOf(value)) continue;
      for (const child of nodesIn(value)) this.#visit(child, owner, lazy);
    }
  }

  #visitNamed(node: AstNode | undefined, name: string | undefined, start: number): void {
    if (!node) return;
    const owner: Owner = `${this.#moduleAt(start)}#${name ?? ""}`;
    this.#functions.add(owner);
    this.#visitInside(node, owner, undefined);
  }

  #visitProperty(node: AstNode, owner: Owner, lazy: Owner | undefined): void {
    const name = nameOf(node.key);
    const value = asNode(node.value);
    const module = this.#moduleAt(node.start);
    if (!value || !name || !isGateway(module) || value.type === "AssignmentPattern") {
      this.#visitInside(node, owner, lazy);
      return;
    }
    const member: Owner = `${module}#.${name}`;
    this.#members.set(name, [...(this.#members.get(name) ?? []), { module, owner: member }]);
    // An identifier refers to a function. Any other value runs now, except the functions in it.
    this.#visit(value, value.type === "Identifier" ? member : owner, member);
  }

  #noteRead(node: AstNode, owner: Owner): void {
    const name = node.computed === true ? undefined : nameOf(node.property);
    if (name) this.#usesOf(owner, node.start).properties.push({ name, receiver: receiverOf(node.object) });
  }

  #noteKey(property: AstNode, owner: Owner): void {
    const name = nameOf(property.key);
    // A destructuring pattern doesn't name the object that it reads from.
    if (name) this.#usesOf(owner, property.start).properties.push({ name, receiver: "" });
  }

  #noteCommand(node: AstNode, owner: Owner): void {
    const action = this.#commands.get(nameOf(node.callee) ?? "");
    if (action) this.#usesOf(owner, node.start).actions.add(action);
  }

  #usesOf(owner: Owner, start: number): Uses {
    const known = this.#uses.get(owner);
    if (known) return known;
    const uses: Uses = {
      identifiers: new Set(),
      properties: [],
      actions: new Set(),
      module: this.#moduleAt(start),
    };
    this.#uses.set(owner, uses);
    return uses;
  }

  #moduleAt(position: number): string {
    return this.#modules.findLast(({ start }) => start <= position)?.path ?? "";
  }
}

function isGateway(module: string): boolean {
  return module.startsWith("shared/gateways/") || Object.hasOwn(gateways, module);
}

function asNode(value: unknown): AstNode | undefined {
  return nodesIn(value)[0];
}

function nodesIn(value: unknown): readonly AstNode[] {
  if (Array.isArray(value)) return value.flatMap(nodesIn);
  return isNode(value) ? [value] : [];
}

function isNode(value: unknown): value is AstNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

function isFunction(value: unknown): boolean {
  const type = asNode(value)?.type;
  return type === "ArrowFunctionExpression" || type === "FunctionExpression";
}

function nameOf(value: unknown): string | undefined {
  const node = asNode(value);
  return node?.type === "Identifier" && typeof node.name === "string" ? node.name : undefined;
}

function receiverOf(value: unknown): string | undefined {
  const node = asNode(value);
  if (!node) return undefined;
  if (node.type === "CallExpression") return receiverOf(node.callee);
  if (node.type === "AwaitExpression") return receiverOf(node.argument);
  if (node.type === "ChainExpression" || node.type === "ParenthesizedExpression") return receiverOf(node.expression);
  if (node.type === "ThisExpression") return "this";
  if (node.type === "MemberExpression") return nameOf(node.property);
  return nameOf(node);
}
