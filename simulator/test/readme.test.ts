import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const folder = new URL("../", import.meta.url);

/** The first code block below a heading. */
function codeBelow(heading: string): string {
  const [, section = ""] = readFileSync(new URL("README.md", folder), "utf8").split(`\n## ${heading}\n`);
  const [, code] = /```ts\n(.*?)```/s.exec(section) ?? [];
  if (code === undefined) throw new Error(`no code below ${heading}`);
  return code;
}

describe("the README", () => {
  it("has a quick start that runs as it stands there", async () => {
    const node = ["--input-type=module-typescript", "--eval", codeBelow("Quick start")];
    const { stdout } = await promisify(execFile)(process.execPath, node, { cwd: fileURLToPath(folder) });
    const lines = stdout.trim().split("\n");
    expect(lines.at(-1)).toBe("COMPLETED");
    expect(lines[0]).toMatch(/^2026-01-05T12:00:\d\d\.\d{3}Z watch .*SERVICE_DEPLOYMENT_IN_PROGRESS/);
    expect(lines[1]).toContain("SERVICE_DEPLOYMENT_COMPLETED");
  });
});
