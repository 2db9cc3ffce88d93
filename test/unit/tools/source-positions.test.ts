import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { bundleWithMap, withSources } from "../../../tools/sst/source-positions.ts";

const FUNCTION = "rollout/hold";
const bundled = bundleWithMap(FUNCTION);

/** Where the bundle has a text of the sources, as a line of a stack says it. */
async function positionOf(text: string): Promise<string> {
  const { code } = await bundled;
  const before = code.slice(0, code.indexOf(text)).split("\n");
  expect(before.length).toBeGreaterThan(1);
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}

describe("a stack trace of a function", () => {
  it("gets the files and lines of the sources", async () => {
    const { map } = await bundled;
    const position = await positionOf("Something failed that has no name yet.");
    const trace = `Error: x\n    at aB (file:///var/task/bundle.mjs:${position})\n    at async /var/runtime/index.mjs:1:2`;
    const [first, second, third] = withSources(trace, map).split("\n");
    expect(first).toBe("Error: x");
    expect(second).toMatch(/^ {4}at aB \(shared\/base\/errors\.ts:\d+:\d+\)$/);
    expect(third).toBe("    at async /var/runtime/index.mjs:1:2");
  });

  it("gets them also inside of a log line of JSON, and keeps a position that the bundle does not have", async () => {
    const { map } = await bundled;
    const position = await positionOf("Something failed that has no name yet.");
    const line = JSON.stringify({ stack: [`at a (file:///var/task/functions/x/bundle.mjs:${position})`] });
    expect(withSources(line, map)).toMatch(/"at a \(shared\/base\/errors\.ts:\d+:\d+\)"/);
    expect(withSources("at b (/var/task/bundle.mjs:999999:1)", map)).toBe("at b (/var/task/bundle.mjs:999999:1)");
  });

  it("is made readable by the command, which says what is wrong with its options", async () => {
    const run = (...args: string[]) => {
      const started = promisify(execFile)(process.execPath, ["tools/readable-stack.ts", ...args]);
      started.child.stdin?.end(`at a (file:///var/task/bundle.mjs:${1}:${1})`);
      return started;
    };
    expect((await run("--help")).stdout).toMatch(/^npm run -s readable-stack -- --function NAME/);
    expect((await run("--function", FUNCTION)).stdout).toContain("at a (");
    await expect(run("--function", "nothing")).rejects.toMatchObject({ stderr: expect.stringContaining("nothing") });
    await expect(run()).rejects.toMatchObject({ stderr: expect.stringContaining("--function") });
  }, 60_000);
});
