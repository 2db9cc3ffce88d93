import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import packageJson from "../../package.json" with { type: "json" };

const CHECK = "tools/require-node.cjs";
type NodeProblem = (version: string, needed: string) => string | undefined;
const { nodeProblem } = z
  .object({ nodeProblem: z.custom<NodeProblem>((value) => typeof value === "function") })
  .parse(createRequire(import.meta.url)(`../../${CHECK}`));

describe("an npm script", () => {
  it.each(Object.entries(packageJson.scripts))("`%s` checks Node.js before anything else", (name, command) => {
    // This script runs three others.
    if (name === "check") expect(command).toBe("npm run -s lint && npm run -s types && npm run -s layers");
    else expect(command).toMatch(/^(exec )?node (-r \.\/tools\/require-node\.cjs |tools\/require-node\.cjs && )/);
  });

  it.each(["v24.0.0", "v24.21.0", "v26.1.0"])("runs on %s", (version) => {
    expect(nodeProblem(version, packageJson.engines.node)).toBeUndefined();
  });

  it.each(["v4.9.1", "v18.20.4", "v20.20.2", "v22.22.0", "v23.11.1"])("asks for another version on %s", (version) => {
    const problem = nodeProblem(version, packageJson.engines.node);
    expect(problem).toContain(`needs Node.js 24 or newer; this is ${version}.`);
    expect(problem).toMatch(/nvm use.*\.nvmrc/);
  });

  it.each(oldNodes())("exits with only that message on %s", (node, version) => {
    for (const args of [[CHECK], ["-r", `./${CHECK}`, "cli/main.ts", "--version"]]) {
      const { status, stdout, stderr } = spawnSync(node, args, { encoding: "utf8" });
      expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
      expect(stderr.trim()).toBe(nodeProblem(version, packageJson.engines.node));
    }
  });
});

/** The host's Node.js versions that are too old, with their paths. */
function oldNodes(): readonly (readonly [node: string, version: string])[] {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  return folders.flatMap((folder) => {
    const node = join(folder, "node");
    const { status, stdout } = spawnSync(node, ["--version"], { encoding: "utf8" });
    return status === 0 && Number.parseInt(stdout.slice(1), 10) < 24 ? [[node, stdout.trim()] as const] : [];
  });
}
