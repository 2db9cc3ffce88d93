import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ICruiseResult, IModule } from "dependency-cruiser";
import { cruiseRules } from "./rules.ts";
import { dependencyCruiser } from "./typescript.ts";

/** One import: a file of the project and the file that it imports, as paths from the project's root. */
export interface Import {
  readonly from: string;
  readonly to: string;
}

/** What dependency-cruiser found. */
export interface Cruised {
  /** The project's own files. */
  readonly files: readonly string[];
  /** Imports between these, type imports included. */
  readonly imports: readonly Import[];
  readonly violations: ICruiseResult["summary"]["violations"];
  /** What to do, by the name of a rule. */
  readonly advice: ReadonlyMap<string, string>;
}

/** Reads the project's files and checks the rules of dependency-cruiser. */
export async function cruiseProject(root: string): Promise<Cruised> {
  const { cruise } = await dependencyCruiser();
  const rules = cruiseRules();
  const { output } = await cruise(
    ["."],
    {
      baseDir: root,
      exclude: { path: "^\\.[^/]+/" },
      doNotFollow: { path: "(^|/)node_modules/" },
      tsPreCompilationDeps: true,
      combinedDependencies: true,
      validate: true,
      ruleSet: { forbidden: [...rules] },
    },
    { exportsFields: ["exports"], conditionNames: ["import", "types", "node", "default"] },
  );
  if (typeof output === "string") throw new Error(`dependency-cruiser reports text: ${output}`);
  const own = output.modules.filter(isOwn);
  const files = new Set(own.map(({ source }) => source));
  return {
    files: [...files],
    imports: own.flatMap(({ source, dependencies }) =>
      dependencies
        .filter(({ resolved }) => files.has(resolved))
        .map(({ resolved }) => ({ from: source, to: resolved })),
    ),
    violations: output.summary.violations,
    advice: new Map(rules.map(({ name, comment }) => [name, comment])),
  };
}

function isOwn({ source, coreModule, couldNotResolve, matchesDoNotFollow }: IModule): boolean {
  return !coreModule && !couldNotResolve && !matchesDoNotFollow && !source.includes("node_modules/");
}

/** The TypeScript and JavaScript files that Git knows and that are there, as paths from the project's root. */
export function trackedFiles(root: string): readonly string[] {
  const patterns = ["*.ts", "*.mts", "*.cts", "*.tsx", "*.js", "*.mjs", "*.cjs"];
  const listed = execFileSync("git", ["ls-files", "-z", "--", ...patterns], { cwd: root, encoding: "utf8" });
  return listed.split("\0").filter((path) => path !== "" && existsSync(join(root, path)));
}
