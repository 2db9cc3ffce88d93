import { globSync, readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import * as z from "zod";

const folder = fileURLToPath(new URL("../", import.meta.url));
const names = z.record(z.string(), z.string());
const { dependencies, devDependencies } = z
  .object({ dependencies: names, devDependencies: names })
  .parse(JSON.parse(readFileSync(`${folder}/package.json`, "utf8")));

/** What every file of the package imports: files by their place in it, packages by name. */
const imports = globSync("**/*.ts", { cwd: folder, exclude: ["node_modules"] }).flatMap((file) => {
  const text = readFileSync(`${folder}/${file}`, "utf8");
  const specifiers = [...text.matchAll(/^(?:import|export|\}).* from "([^"]+)";$/gm)].map(
    ([, specifier = ""]) => specifier,
  );
  return specifiers.map((specifier) => ({
    file,
    imported: specifier.startsWith(".")
      ? relative(folder, resolve(folder, dirname(file), specifier))
      : (/^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? ""),
    isFile: specifier.startsWith("."),
  }));
});

describe("the package", () => {
  it("imports no file from outside of it", () => {
    expect(imports.length).toBeGreaterThan(300);
    expect(imports.filter(({ imported, isFile }) => isFile && imported.startsWith(".."))).toEqual([]);
  });

  it("lists the packages that it imports, and those that only its tests do among the others", () => {
    const packages = imports.filter(({ imported, isFile }) => !isFile && !imported.startsWith("node:"));
    const isTest = (file: string) => file.startsWith("test/") || file === "vitest.config.ts";
    const unlisted = packages.filter(
      ({ file, imported }) => !(imported in dependencies || (isTest(file) && imported in devDependencies)),
    );
    expect(unlisted).toEqual([]);
    const used = new Set(packages.filter(({ file }) => !isTest(file)).map(({ imported }) => imported));
    expect(Object.keys(dependencies).filter((name) => !used.has(name))).toEqual([]);
  });
});
