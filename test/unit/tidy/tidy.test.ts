import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { sharedNames } from "./exported-names.ts";
import { idiomsIn } from "./idioms.ts";
import { longLinesOfCode, longLinesOfProse, MAX_LENGTH } from "./line-lengths.ts";

const root = resolve(import.meta.dirname, "../../..");

interface TrackedFile {
  readonly path: string;
  readonly text: string;
}

function tracked(...patterns: readonly string[]): readonly TrackedFile[] {
  const paths = execFileSync("git", ["ls-files", "--", ...patterns], { cwd: root, encoding: "utf8" })
    .trim()
    .split("\n");
  return paths.map((path) => ({ path, text: readFileSync(resolve(root, path), "utf8") }));
}

const code = tracked("*.ts");
const prose = tracked("*.md", ":!CODE_OF_CONDUCT.md", ":!test/fixtures");

/** One line per finding, with its place. Empty if there are none. */
function findingsIn<T extends { readonly line: number }>(
  files: readonly TrackedFile[],
  find: (text: string) => readonly T[],
  describeFinding: (finding: T) => string,
): string {
  return files
    .flatMap(({ path, text }) => find(text).map((one) => `${path}:${one.line}: ${describeFinding(one)}`))
    .join("\n");
}

describe("the project's text", () => {
  it("has no idioms that readers stumble over", () => {
    // The list of idioms and its tests quote them.
    const files = [...code, ...prose].filter(({ path }) => !path.startsWith("test/unit/tidy/"));
    expect(findingsIn(files, idiomsIn, ({ found, instead }) => `"${found}". Write: ${instead}`)).toBe("");
  });

  it(`has no lines of more than ${MAX_LENGTH} characters that can be broken`, () => {
    const length = (finding: { readonly length: number }) => `${finding.length} characters`;
    expect(findingsIn(code, longLinesOfCode, length)).toBe("");
    expect(findingsIn(prose, longLinesOfProse, length)).toBe("");
  });
});

describe("the project's names", () => {
  const entryPoint = "handler";
  const modulesOf = (...folders: readonly string[]) =>
    code
      .filter(({ path }) => folders.some((folder) => path.startsWith(`${folder}/`)) && !path.endsWith(".test.ts"))
      .map(({ path, text }) => ({ path, code: text }));

  it.each([
    ["the product, its lab and its tools", modulesOf("shared", "functions", "cli", "lab", "stacks", "bench", "tools")],
    ["the simulator", modulesOf("simulator")],
  ])("are exported by one module each in %s", (_what, modules) => {
    const findings = sharedNames(modules)
      .filter(({ name, paths }) => name !== entryPoint && paths.length > 1)
      .map(({ name, paths }) => `${name}: ${paths.join(", ")}`);
    expect(findings.join("\n")).toBe("");
  });
});
