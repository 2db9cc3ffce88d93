import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";

/** Files that say what is installed: requirement files, and programs in other languages that are compiled. */
const PINNING = [".txt", ".xml", ".mod", ".sum", ".java", ".go", ".patch"];
const MARK = "installed";

/** What an engine's folder must hold: the hash of its pinning files. */
export function pinOf(sources: string): string {
  const hash = createHash("sha256");
  for (const file of readdirSync(sources).sort()) {
    if (PINNING.includes(extname(file))) hash.update(`${file}\0`).update(readFileSync(join(sources, file)));
  }
  return hash.digest("hex");
}

/** True if what the sources pin now is installed as a whole. */
export function isInstalled(folder: string, sources: string): boolean {
  const mark = join(folder, MARK);
  return existsSync(mark) && readFileSync(mark, "utf8").trim() === pinOf(sources);
}

/** Empties the folder, lets `install` fill it, and marks it once that has succeeded. */
export async function installInto(folder: string, sources: string, install: () => Promise<void>): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await install();
  writeFileSync(join(folder, MARK), `${pinOf(sources)}\n`);
}
