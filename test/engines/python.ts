import { join } from "node:path";
import type { EngineContext } from "./engine.ts";

/** Makes a virtual environment in the engine's folder with what its `requirements.txt` pins. */
export async function installPython({ folder, sources, children, progress }: EngineContext): Promise<void> {
  progress("installing Python packages");
  await children.run("python3", ["-m", "venv", join(folder, "venv")]);
  const options = ["--quiet", "--disable-pip-version-check", "--no-input"];
  await children.run(python({ folder }), ["-m", "pip", "install", ...options, "-r", join(sources, "requirements.txt")]);
}

/** The interpreter of the engine's virtual environment. */
export function python({ folder }: Pick<EngineContext, "folder">): string {
  return join(folder, "venv/bin/python");
}
