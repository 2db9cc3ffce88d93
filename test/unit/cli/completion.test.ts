import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { autopilotCommand } from "../../../cli/program.ts";
import { runCommand } from "../../../cli/run.ts";
import { allCommands, pathOf } from "../../../cli/runtime/command-tree.ts";
import { testContext } from "../../support/cli-contexts.ts";

const commands = allCommands(autopilotCommand(async () => undefined));

async function scriptFor(shell: string): Promise<string> {
  const context = testContext();
  expect(await runCommand(["completion", shell], context)).toBe(0);
  return context.written.out;
}

/** Each shell's options to check a script without running it. */
const checks = { bash: ["-n"], zsh: ["-n"], fish: ["--no-execute"] };
const isInstalled = (shell: string) => spawnSync(shell, ["-c", "true"]).status === 0;

describe("a completion script", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "autopilot-completion-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each(Object.keys(checks))(
    "for %s names every command and every option, with the command's own words",
    async (shell) => {
      const script = await scriptFor(shell);
      for (const command of commands) {
        expect(script).toContain(shell === "fish" ? `__autopilot_at \\'${pathOf(command)}\\'` : `"${pathOf(command)}"`);
        if (command.parent) expect(script).toContain(command.name());
        for (const { long = "" } of command.options)
          expect(script).toContain(shell === "fish" ? `-l ${long.slice(2)} ` : long);
      }
      expect(script).toContain("help");
    },
  );

  it.each(Object.entries(checks).filter(([shell]) => isInstalled(shell)))(
    "is one that %s can read",
    async (shell, flags) => {
      // From a file: fish refuses a socket as its standard input.
      const file = join(folder, `completion.${shell}`);
      await writeFile(file, await scriptFor(shell));
      const { status, stderr } = spawnSync(shell, [...flags, file], { encoding: "utf8" });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    },
  );
});

describe("bash", () => {
  /** The words that bash offers for the last word. */
  async function completed(...words: readonly string[]): Promise<readonly string[]> {
    const script = `${await scriptFor("bash")}
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_autopilot
printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync("bash", ["-c", script, "bash", "autopilot", ...words], { encoding: "utf8" });
    expect(stderr).toBe("");
    return stdout.trim().split("\n").filter(Boolean);
  }

  it.each([
    [["ro"], ["rollout"]],
    [["rollout", "p"], ["pause"]],
    [
      ["rollout", "re"],
      ["request", "resume"],
    ],
    [["rollout", "request", "u"], ["upgrade"]],
    [["rollout", "request", "upgrade", "--ima"], ["--image"]],
    [
      ["rollout", "status", "--s"],
      ["--services", "--stage"],
    ],
    [["cost", "--s"], ["--services"]],
    [["completion", "f"], ["fish"]],
    [["--v"], ["--version"]],
    [["rollout", "list", "--v"], []],
    [["inject", "--definition", "package.j"], ["package.json"]],
    [["status", "--region", ""], []],
    [["cost", "--services", ""], []],
  ])("completes %j as %j", async (words, offered) => {
    expect(await completed(...words)).toEqual(offered);
  });

  it("offers all words for an empty word", async () => {
    expect(await completed("")).toEqual(expect.arrayContaining(["status", "rollout", "completion", "help", "--help"]));
    expect(await completed("rollout", "pause", "")).toEqual(["--json", "--config", "--stage", "-h", "--help"]);
  });
});
