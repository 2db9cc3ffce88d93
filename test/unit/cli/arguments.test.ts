import { describe, expect, it } from "vitest";
import { readArguments } from "../../../cli/arguments.ts";
import { commands } from "../../../cli/commands.ts";
import { runCommand } from "../../../cli/run.ts";
import { testContext } from "./context.ts";

const options = {
  image: { value: "IMAGE", about: "an image" },
  region: { value: "NAME", multiple: true, about: "a region" },
  watch: { about: "watch" },
};

describe("the arguments of a command", () => {
  it("are read as options, switches, lists and positionals, in any order", () => {
    const read = readArguments(["--region", "a", "ID", "--image=x:1", "--watch", "--region", "b"], options, ["ID"]);
    expect(read).toEqual({ values: { region: ["a", "b"], image: "x:1", watch: true }, positionals: ["ID"] });
  });

  it.each([
    ["an unknown option, with the nearest one", ["--imgae", "x"], "There is no option --imgae. Did you mean --image?"],
    ["an option without its value", ["--image"], "--image needs a value: --image IMAGE"],
    ["an option whose value is the next option", ["--image", "--watch"], "--image needs a value: --image IMAGE"],
    ["an option with an empty value", ["--image="], "--image needs a value: --image IMAGE"],
    ["a switch with a value", ["--watch=yes"], "--watch takes no value."],
    ["an unknown switch of one letter", ["-x"], "There is no option -x."],
    ["one argument too many", ["ID", "more"], "more is one argument too many."],
  ])("are refused for %s", (_what, args, message) => {
    expect(() => readArguments(args, options, args[0] === "ID" ? ["ID"] : [])).toThrow(message);
  });

  it("are refused without a positional that is needed", () => {
    expect(() => readArguments([], options, ["ID"])).toThrow("ID is missing.");
  });
});

describe("the command line", () => {
  it.each(commands.map(({ name }) => [name]))("has help for `%s` that names every option", async (name) => {
    const context = testContext();
    expect(await runCommand([...name.split(" "), "--help"], context)).toBe(0);
    for (const option of Object.keys(commands.find((one) => one.name === name)?.options ?? {}))
      expect(context.written.out).toContain(`--${option}`);
  });

  it("lists all commands without arguments, and a group's alone after its name", async () => {
    const all = testContext();
    expect(await runCommand([], all)).toBe(0);
    for (const { name } of commands) expect(all.written.out).toContain(name);
    const group = testContext();
    expect(await runCommand(["rollout"], group)).toBe(0);
    expect(group.written.out).toContain("rollout pause");
    expect(group.written.out).not.toContain("unenroll  ");
  });

  it.each([
    [["stauts"], "There is no command stauts. Did you mean status?"],
    [["rolout", "list"], "There is no command rolout list. Did you mean rollout list?"],
    [["rollout", "pauze", "x"], "There is no command rollout pauze. Did you mean rollout pause?"],
    [["rollout", "pause"], "ID is missing."],
    [["rollout", "request", "rotat"], "There is no kind rotat. Did you mean rotate?"],
    [["rollout", "request", "rollback"], "rollout rollback ID"],
    [["rollout", "request", "upgrade"], "An upgrade needs --image."],
    [["rollout", "request", "rotate", "--image", "x:1"], "--image goes with upgrade, not with rotate."],
    [["rollout", "request", "upgrade", "--image", "no image"], "The image is no image reference:"],
    [["rollout", "request", "rotate", "--waves", "50,10"], "--waves: rising, the last one 100"],
    [["rollout", "request", "rotate", "--waves", "ten,100"], "--waves:"],
    [["rollout", "request", "rotate", "--bake", "soon"], "--bake: soon is no number"],
    [["rollout", "request", "rotate", "--concurrency", "1.5"], "--concurrency:"],
    [["rollout", "request", "rotate", "--account", "12"], "--account:"],
    [["rollout", "request", "unenroll"], "unenroll --all"],
    [["unenroll"], "unenroll needs --all."],
    [["cost", "--services", "10"], "--regions: is required"],
    [["cost", "--services", "many", "--regions", "1"], "--services: expected a whole number"],
    [["inject"], "--definition: is required"],
    [["inject", "--definition", "no/such.json"], "--definition no/such.json: ENOENT"],
    [["rollout", "list", "--config", "no/config.ts"], "--config no/config.ts:"],
  ])("ends %j with code 2 and says what is wrong, before it asks AWS", async (args, message) => {
    const context = testContext({ aws: { endpoint: "http://127.0.0.1:1" } });
    expect(await runCommand(args, context)).toBe(2);
    expect(context.written.err).toContain(message);
    expect(context.written.out).toBe("");
  });

  it("tells an error as JSON too where JSON is asked for", async () => {
    const context = testContext();
    await runCommand(["rollout", "request", "upgrade", "--json"], context);
    expect(JSON.parse(context.written.out)).toMatchObject({ error: { code: "invalid-request" } });
  });

  it("ends with code 3 when AWS can't be reached", async () => {
    const aws = { endpoint: "http://127.0.0.1:1", credentials: { accessKeyId: "a", secretAccessKey: "b" } };
    const context = testContext({ aws });
    expect(await runCommand(["rollout", "list"], context)).toBe(3);
    expect(context.written.err).toContain("AWS_ENDPOINT_URL");
  });
});
