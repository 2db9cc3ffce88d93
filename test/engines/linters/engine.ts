import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { parseConfig } from "../../../shared/config/config.ts";
import wideConfig from "../../stacks/support/wide.config.ts";
import type { Engine, EngineContext, EngineResult } from "../engine.ts";
import { withReasons } from "../listed.ts";
import { installPython, python } from "../python.ts";
import { listed } from "./listed.ts";
import { deployedPolicies, namedPolicies } from "./policies.ts";
import { templatesOf } from "./templates.ts";

/** Programs that read templates and policies for mistakes. */
export const linters: Engine = {
  name: "linters",
  about: "templates by cfn-lint and checkov, all policies by parliament",
  needs: ["python3"],
  inQuick: false,
  install: installPython,
  run,
};

/** A finding: what it is about, and the rule that it breaks. */
interface Finding {
  readonly linter: string;
  readonly what: string;
}

async function run(context: EngineContext): Promise<EngineResult> {
  const { folder, progress, quick } = context;
  const policies = deployedPolicies(parseConfig(wideConfig));
  const templates = templatesOf(parseConfig(wideConfig), policies);
  const directory = join(folder, "templates");
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  for (const [file, template] of Object.entries(templates)) writeFileSync(join(directory, file), textOf(template));
  const names = Object.keys(templates);
  const documents = namedPolicies(policies);
  progress(`reading ${names.length} templates and ${Object.keys(documents).length} policies`);
  const byCfnLint = await cfnLint(context, directory, names);
  const byCheckov = await checkov(context, directory);
  const byParliament = await parliament(context, documents);
  const findings = [...byCfnLint, ...byCheckov.findings, ...byParliament];
  const found = [...new Set(findings.map(({ linter, what }) => `${linter}: ${what}`))].sort();
  return {
    table: {
      columns: ["linter", "read", "findings"],
      rows: [
        ["cfn-lint", `${names.length} templates`, byCfnLint.length],
        ["checkov", `${byCheckov.checks} checks`, byCheckov.findings.length],
        ["parliament", `${Object.keys(documents).length} policies`, byParliament.length],
      ],
    },
    differences: withReasons(found, listed, { quick }),
    figures: { templates: names.length, policies: Object.keys(documents).length, findings: found.length },
  };
}

const cfnLintSchema = z.array(
  z.object({
    Filename: z.string(),
    Message: z.string(),
    Rule: z.object({ Id: z.string() }),
    Location: z.object({ Path: z.array(z.union([z.string(), z.number()])).nullish() }),
  }),
);

async function cfnLint(
  { folder, children }: EngineContext,
  directory: string,
  files: readonly string[],
): Promise<readonly Finding[]> {
  // It exits with a bit mask of what it found: only errors of itself must count.
  const options = [
    "--format",
    "json",
    "--non-zero-exit-code",
    "none",
    "--include-checks",
    "W",
    "--regions",
    "us-east-1",
  ];
  const output = await children.run(join(folder, "venv/bin/cfn-lint"), [...options, "--", ...files], {
    cwd: directory,
  });
  return cfnLintSchema.parse(JSON.parse(output)).map(({ Filename, Message, Rule, Location }) => ({
    linter: "cfn-lint",
    what: `${Rule.Id} ${Filename} ${(Location.Path ?? []).join("/")}: ${Message}`,
  }));
}

const checkovSchema = z.object({
  results: z.object({
    failed_checks: z.array(
      z.object({ check_id: z.string(), check_name: z.string(), resource: z.string(), file_path: z.string() }),
    ),
    parsing_errors: z.array(z.string()).optional(),
  }),
  summary: z.object({ passed: z.number(), failed: z.number() }),
});

async function checkov({ folder, children }: EngineContext, directory: string) {
  const options = ["--framework", "cloudformation", "--output", "json", "--compact", "--quiet", "--soft-fail"];
  const output = await children.run(python({ folder }), ["-m", "checkov.main", "-d", directory, ...options], {
    environment: { BC_SKIP_MAPPING: "TRUE", LOG_LEVEL: "ERROR" },
  });
  const { results, summary } = checkovSchema.parse(JSON.parse(output));
  const unread = (results.parsing_errors ?? []).map((file) => ({ linter: "checkov", what: `can't read ${file}` }));
  const failed = results.failed_checks.map(({ check_id, check_name, resource, file_path }) => ({
    linter: "checkov",
    what: `${check_id} ${file_path.slice(1)} ${resource}: ${check_name}`,
  }));
  return { checks: summary.passed + summary.failed, findings: [...unread, ...failed] };
}

const parliamentSchema = z.array(z.object({ policy: z.string(), issue: z.string(), detail: z.string() }));

async function parliament(context: EngineContext, policies: Readonly<Record<string, unknown>>) {
  const input = JSON.stringify(policies);
  // Compiled files would be written beside the sources.
  const script = ["-B", join(context.sources, "parliament_findings.py")];
  const output = await context.children.run(python(context), script, { input });
  return parliamentSchema.parse(JSON.parse(output)).map(({ policy, issue, detail }) => ({
    linter: "parliament",
    what: `${issue} ${policy}: ${detail}`,
  }));
}

function textOf(template: unknown): string {
  return `${JSON.stringify(template, null, 2)}\n`;
}
