import { describe, expect, it } from "vitest";
import { autopilotCommand } from "../../../cli/program.ts";
import { runCommand } from "../../../cli/run.ts";
import { allCommands, pathOf } from "../../../cli/runtime/command-tree.ts";
import packageJson from "../../../package.json" with { type: "json" };
import { testContext } from "../../support/cli-contexts.ts";

const tree = autopilotCommand(async () => undefined);
const commands = allCommands(tree).map((command) => ({ path: pathOf(command), command }));
const words = (path: string) => path.split(" ").filter(Boolean);

async function run(args: readonly string[], context = testContext()) {
  const code = await runCommand(args, context);
  return { code, ...context.written };
}

describe("the help", () => {
  it.each(commands)("of `$path` names its subcommands, arguments and options", async ({ path, command }) => {
    const { code, out, err } = await run([...words(path), "--help"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain(`Usage: npm run autopilot -- ${path}`.trim());
    for (const one of command.commands) expect(out).toContain(`  ${one.name()} `);
    for (const { long } of command.options) expect(out).toContain(` ${long}`);
    for (const one of command.registeredArguments) expect(out).toContain(`<${one.name()}${one.variadic ? "..." : ""}>`);
  });

  it.each([[[]], [["help"]], [["-h"]]])("is printed for %j", async (args) => {
    expect(await run(args)).toEqual(await run(["--help"]));
  });

  it.each([[["rollout"]], [["rollout", "help"]], [["help", "rollout"]]])(
    "of the rollout commands is printed for %j",
    async (args) => {
      expect(await run(args)).toEqual(await run(["rollout", "--help"]));
    },
  );

  it("of every command fits a terminal of 80 columns", async () => {
    for (const { path } of commands) {
      const { out } = await run([...words(path), "--help"], testContext({ tty: true, columns: 80 }));
      for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    }
  });
});

describe("the version", () => {
  it("is the package's", async () => {
    expect(await run(["--version"])).toEqual({ code: 0, out: `${packageJson.version}\n`, err: "" });
  });
});

describe("the command line", () => {
  it.each([
    [["stauts"], "Unknown command 'stauts'. Did you mean status?\nSee npm run autopilot -- --help\n"],
    [["rolout", "list"], "Unknown command 'rolout'. Did you mean rollout?"],
    [
      ["rollout", "pauze", "x"],
      "Unknown command 'pauze'. Did you mean pause?\nSee npm run autopilot -- rollout --help\n",
    ],
    [["deploy"], "Unknown command 'deploy'.\n"],
    [["status", "--acount", "1"], "Unknown option '--acount'. Did you mean --account?"],
    [["status", "--quiet"], "Unknown option '--quiet'.\nSee npm run autopilot -- status --help\n"],
    [["status", "-x"], "Unknown option '-x'."],
    [["--stage", "prod", "status"], "Unknown option '--stage'."],
    [["rollout", "status", "ID", "--watch=yes"], "Option '--watch' takes no value."],
    [["rollout", "list", "--stage"], "Option '--stage <NAME>' argument missing."],
    [["rollout", "list", "--stage", "--config", "x.ts"], "Option '--stage <NAME>' argument missing."],
    [["rollout", "list", "--stage="], "Option '--stage <NAME>' argument missing."],
    [["status", "--region", "us-east-1", "--region", "--account", "1"], "Option '--region <NAME>' argument missing."],
    [["rollout", "status", "--stage", "--watch"], "Option '--stage <NAME>' argument missing."],
    [["rollout", "pause"], "Missing required argument 'ID'.\nSee npm run autopilot -- rollout pause --help\n"],
    [["rollout", "pause", "ID", "more"], "Too many arguments for 'pause'. Expected 1 argument but got 2: ID, more."],
    [["rollout", "request", "rotat"], "There is no kind rotat. Did you mean rotate?"],
    [["rollout", "request", "deploy"], "There is no kind deploy. There are: rotate, upgrade, reconfigure."],
    [["rollout", "request", "rollback"], "rollout rollback ID"],
    [["rollout", "request", "upgrade"], "An upgrade needs --image."],
    [["rollout", "request", "rotate", "--image", "x:1"], "--image goes with upgrade, not with rotate."],
    [["rollout", "request", "upgrade", "--image", "no image"], "The image is not an image reference:"],
    [["rollout", "request", "rotate", "--waves", "50,10"], "--waves: rising, the last one 100"],
    [["rollout", "request", "rotate", "--waves", "ten,100"], "--waves:"],
    [["rollout", "request", "rotate", "--bake", "soon"], "--bake: soon is not a number"],
    [["rollout", "request", "rotate", "--concurrency", "1.5"], "--concurrency:"],
    [["rollout", "request", "rotate", "--account", "12"], "--account:"],
    [["rollout", "request", "unenroll"], "unenroll --all"],
    [["completion", "csh"], "'csh' is invalid for argument 'SHELL'. Allowed choices are bash, zsh, fish."],
    [["unenroll"], "unenroll needs --all."],
    [["cost", "--services", "10"], "--regions: is required"],
    [["cost", "--services", "many", "--regions", "1"], "--services: expected a whole number"],
    [["inject"], "--definition: is required"],
    [["inject", "--definition", "no/such.json"], "--definition no/such.json: ENOENT"],
    [["inject", "--definition", "x.json", "--cluster-tags", "novalue"], "--cluster-tags: expected key=value"],
    [["rollout", "list", "--config", "no/config.ts"], "--config no/config.ts:"],
  ])("refuses %j with exit code 2 and a message, without a call to AWS", async (args, message) => {
    const context = testContext({ aws: { endpoint: "http://127.0.0.1:1" } });
    const { code, out, err } = await run(args, context);
    expect(err).toContain(message);
    expect({ code, out }).toEqual({ code: 2, out: "" });
  });

  it("accepts options in any order, repeated options, and a value like an option after `=`", async () => {
    const cost = ["cost", "--json", "--regions=2", "--services", "10"];
    expect(JSON.parse((await run(cost)).out)).toMatchObject({ input: { regions: 2, services: 10 } });
    const request = ["rollout", "request", "--account=12", "rotate", "--account", "34", "--why=--because"];
    const { err } = await run(request);
    expect(err.match(/--account: /g)).toHaveLength(2);
    expect(err).not.toContain("--why");
  });

  it("writes an error as JSON, too, with --json", async () => {
    const refused = await run(["rollout", "request", "upgrade", "--json"]);
    expect(JSON.parse(refused.out)).toMatchObject({ error: { code: "invalid-request" } });
    const misspelled = await run(["statsu", "--json"]);
    expect(JSON.parse(misspelled.out)).toEqual({
      error: { code: "usage", sentence: "Unknown command 'statsu'. Did you mean status?", fix: "" },
    });
  });

  it("repeats arguments without characters that could control the terminal", async () => {
    const { err } = await run(["rollout", "request", "\u001b[2Jrotate\u009b31m"]);
    expect(err).toContain("There is no kind rotate");
    expect(err).not.toMatch(/(?!\n)\p{Cc}/u);
  });

  it("exits with code 3 when AWS can't be reached", async () => {
    const aws = { endpoint: "http://127.0.0.1:1", credentials: { accessKeyId: "a", secretAccessKey: "b" } };
    const { code, err } = await run(["rollout", "list"], testContext({ aws }));
    expect(code).toBe(3);
    expect(err).toContain("AWS_ENDPOINT_URL");
  });
});
