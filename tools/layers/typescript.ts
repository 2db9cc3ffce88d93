import { createRequire, registerHooks } from "node:module";
import { pathToFileURL } from "node:url";

/**
 * dependency-cruiser with a TypeScript that it can read. It supports versions below 7; next to TypeScript 7, which the
 * project uses, it skips every `.ts` file and reports nothing. npm installs it beside the project's version, so a hook
 * gives it the version that `tools/layers/package.json` asks for. Throws when it reads no TypeScript nevertheless.
 */
export async function dependencyCruiser(): Promise<typeof import("dependency-cruiser")> {
  const require = createRequire(import.meta.url);
  // Resolved beforehand: inside of the hook, the lookup would come back to the hook.
  const own = new Map(
    ["typescript", "typescript/package.json"].map((name) => [name, pathToFileURL(require.resolve(name)).href]),
  );
  // Never taken away again: a cruise imports further parts of dependency-cruiser when it needs them.
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const url = context.parentURL?.includes("/dependency-cruiser/") ? own.get(specifier) : undefined;
      return url === undefined ? nextResolve(specifier, context) : { url, shortCircuit: true };
    },
  });
  const cruiser = await import("dependency-cruiser");
  const typescript = cruiser.getAvailableTranspilers().find(({ name }) => name === "typescript");
  if (!typescript?.available) throw new Error(`dependency-cruiser needs TypeScript ${typescript?.version ?? ""}.`);
  return cruiser;
}
