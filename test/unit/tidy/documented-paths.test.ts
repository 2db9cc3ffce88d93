import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path/posix";
import { describe, expect, it } from "vitest";
import { AUTOPILOT_TAG_PREFIX } from "../../../shared/base/vocabulary.ts";

const root = new URL("../../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");
const git = (...args: readonly string[]) =>
  execFileSync("git", ["ls-files", "-z", ...args], { cwd: root, encoding: "utf8" }).split("\0");

/** Files that Git knows or would add, as paths from the project's root. */
const files = git("--cached", "--others", "--exclude-standard").filter(
  (path) => path !== "" && existsSync(new URL(path, root)),
);
const folders = new Set(files.flatMap(foldersOf));
const topFolders = new Set([...folders].filter((folder) => !folder.includes("/")));

function foldersOf(file: string): readonly string[] {
  const names = file.split("/").slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join("/"));
}

const codeFile = /\w\.(ts|cjs|asl\.json)$/;

/** True for what can only be meant as a path of this repository: from its root, a source file, or a folder. */
function isPath(text: string): boolean {
  if (!/^[\w.@*{},/-]+$/.test(text) || text.startsWith("/") || text.startsWith(AUTOPILOT_TAG_PREFIX)) return false;
  const parts = text.split("/");
  // A name in capitals stands for any: `docs/PAGE`.
  if (parts.some((part) => /^[A-Z_]+$/.test(part))) return false;
  if (parts.length > 1 && topFolders.has(parts[0] ?? "")) return true;
  return codeFile.test(text) || /^[\w.-]+\.md$/.test(text) || (text.endsWith("/") && text !== "/");
}

/** The pattern of a path in which `*` stands for any name, and `{a,b}` for one of several. */
function patternOf(path: string): RegExp {
  const escaped = path.replace(/[.+?^$()|[\]\\]/g, "\\$&").replaceAll("*", "[^/]*");
  return new RegExp(`^${escaped.replace(/\{([^}]*)\}/g, (_, names: string) => `(${names.replaceAll(",", "|")})`)}$`);
}

function exists(path: string): boolean {
  const pattern = patternOf(normalize(path).replace(/\/$/, ""));
  return files.some((file) => pattern.test(file)) || [...folders].some((folder) => pattern.test(folder));
}

/**
 * The paths in backticks that lead nowhere, outside of code blocks. A path counts from the project's root, from the
 * document's folder, or, after another path in the same paragraph, from the folders of that one.
 */
function deadPaths(document: string, text: string): readonly string[] {
  return text
    .replace(/^```.*?^```/gms, "")
    .split(/\n\s*\n/)
    .flatMap((paragraph) => {
      const bases = new Set(["", dirname(document)]);
      return [...paragraph.matchAll(/`([^`\n]+)`/g)].flatMap(([, path = ""]) => {
        if (!isPath(path)) return [];
        const base = [...bases].find((one) => exists(join(one, path)));
        if (base === undefined) return [path];
        for (const folder of foldersOf(join(base, path))) bases.add(folder);
        return [];
      });
    });
}

/** Symbols that a document says to be in a file ("`decide` in `shared/enrollment/decide.ts`") but that it lacks. */
function deadSymbols(text: string): readonly string[] {
  return [...text.matchAll(/`(\w+)`\s+in\s+`([^`\n]+\.(?:ts|json))`/g)].flatMap(([, symbol = "", file = ""]) =>
    files.includes(file) && new RegExp(`\\b${symbol}\\b`).test(read(file)) ? [] : [`${symbol} in ${file}`],
  );
}

const documents = files.filter((file) => /^(README|CONTRIBUTING)\.md$|^docs\/.*\.md$|\/README\.md$/.test(file));

describe("the paths that a document names", () => {
  it.each(documents)("exist: %s", (document) => {
    expect(deadPaths(document, read(document))).toEqual([]);
  });

  it.each(documents)("are of files with the symbols that it says: %s", (document) => {
    expect(deadSymbols(read(document))).toEqual([]);
  });
});

describe("a path in a document", () => {
  it.each([
    ["a file that is not there", "`shared/enrollment/decided.ts`", ["shared/enrollment/decided.ts"]],
    ["a folder that is not there", "`shared/domain/`", ["shared/domain/"]],
    ["a name that stands for no file", "`lab/*.js`", ["lab/*.js"]],
    ["a bare file of another folder", "`shared/enrollment/decide.ts`, `sidecar.ts`", ["sidecar.ts"]],
    ["a bare file in another paragraph", "`shared/enrollment/decide.ts`\n\n`tags.ts`", ["tags.ts"]],
  ])("is found dead: %s", (_what, text, dead) => {
    expect(deadPaths("docs/page.md", text)).toEqual(dead);
  });

  it.each([
    ["from the root", "`shared/enrollment/decide.ts`, `docs/`"],
    ["from the document's folder", "`architecture.md`"],
    ["beside another path", "`shared/enrollment/decide.ts`, `tags.ts`"],
    ["with a name for any, and one of several", "`functions/roll/*.ts`, `shared/{model,ports}/`"],
    ["that is none: a tag, a function, a place of the reader's own", "`ecs.solo.io/ports`, `roll/plan`, `docs/PAGE`"],
    ["in a code block", "```sh\n`lab/nothing.ts`\n```"],
  ])("is fine: %s", (_what, text) => {
    expect(deadPaths("docs/page.md", text)).toEqual([]);
  });

  it("is found without the symbol that it should have", () => {
    const text = "`decide` in `shared/enrollment/decide.ts`, `decided` in `shared/enrollment/decide.ts`";
    expect(deadSymbols(text)).toEqual(["decided in shared/enrollment/decide.ts"]);
  });
});
