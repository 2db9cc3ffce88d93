import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import * as z from "zod";

const root = resolve(import.meta.dirname, "../../..");

const resourceSchema = z.object({
  type: z.string(),
  name: z.string(),
  region: z.string().optional(),
  inputs: z.record(z.string(), z.unknown()),
  protect: z.boolean().default(false),
  retainOnDelete: z.boolean().default(false),
  ignoreChanges: z.array(z.string()).default([]),
});
export type Resource = z.infer<typeof resourceSchema>;

const renderedSchema = z.object({
  app: z.looseObject({ name: z.string(), stage: z.string(), removal: z.string(), protect: z.boolean() }),
  resources: z.array(resourceSchema),
});
export type Rendered = z.infer<typeof renderedSchema>;

/** Everything that the rendered graph depends on. */
const sources = ["sst.config.ts", "autopilot.config.ts", "package-lock.json", "stacks", "shared", "functions", "tools"];

/**
 * The resources that would be created for a stage, with another configuration file if one is given. Renders them in a
 * process of its own, or returns an earlier result of the same sources. Installs SST's components when they are
 * missing, which takes about a minute.
 */
export async function rendered(stage: string, configFile?: string): Promise<Rendered> {
  const config = configFile ? [configFile] : [];
  const key = contentHash([...sources, ...config]).slice(0, 16);
  const file = join(root, ".sst/render", `${stage}${configFile ? "-configured" : ""}-${key}.json`);
  if (!existsSync(file)) {
    const partial = `${file}.${process.pid}`;
    const options = ["--stage", stage, "--out", partial, ...config.flatMap((one) => ["--config", one])];
    await promisify(execFile)(process.execPath, [join(root, "tools/render.ts"), ...options], { cwd: root });
    renameSync(partial, file);
    removeOldResults();
  }
  return renderedSchema.parse(JSON.parse(readFileSync(file, "utf8")));
}

const MAX_AGE_MS = 24 * 3600 * 1000;

function removeOldResults(): void {
  for (const name of readdirSync(join(root, ".sst/render"))) {
    const file = join(root, ".sst/render", name);
    if (name.endsWith(".json") && Date.now() - statSync(file).mtimeMs > MAX_AGE_MS) rmSync(file, { force: true });
  }
}

function contentHash(paths: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of paths.flatMap(filesIn).sort()) hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

function filesIn(path: string): readonly string[] {
  if (path.includes(".")) return [path];
  const found = readdirSync(join(root, path), { recursive: true, withFileTypes: true });
  return found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name).slice(root.length + 1));
}

/** A policy document's statement. Single values are lists, too. */
export interface PolicyStatement {
  readonly effect: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly principal: unknown;
  readonly condition: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const documentSchema = z.object({
  Statement: z.array(
    z
      .object({
        Effect: z.string(),
        Action: oneOrMore,
        Resource: oneOrMore.default([]),
        Principal: z.unknown().optional(),
        Condition: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
      })
      .transform(
        ({ Effect, Action, Resource, Principal, Condition }): PolicyStatement => ({
          effect: Effect,
          actions: Action,
          resources: Resource,
          principal: Principal,
          condition: Condition,
        }),
      ),
  ),
});

/** The statements of a policy document, which is JSON text or an object. */
export function statementsOf(document: unknown): readonly PolicyStatement[] {
  return documentSchema.parse(typeof document === "string" ? JSON.parse(document) : document).Statement;
}

const roleSchema = z.object({
  name: z.string(),
  assumeRolePolicy: z.string(),
  inlinePolicies: z.array(z.object({ name: z.string(), policy: z.string() })).default([]),
  managedPolicyArns: z.array(z.string()).default([]),
});

/** A role's trust policy and its permissions. */
export function roleOf({ inputs }: Resource) {
  const { name, assumeRolePolicy, inlinePolicies, managedPolicyArns } = roleSchema.parse(inputs);
  return {
    name,
    managedPolicyArns,
    trust: statementsOf(assumeRolePolicy),
    statements: inlinePolicies.flatMap(({ policy }) => statementsOf(policy)),
    characters: inlinePolicies.reduce((sum, { policy }) => sum + policy.replaceAll(/\s/g, "").length, 0),
  };
}
