import { readFileSync } from "node:fs";
import { faultKinds } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import autopilotConfig from "../../../autopilot.config.ts";
import { autopilotCommand } from "../../../cli/program.ts";
import { allCommands, pathOf } from "../../../cli/runtime/command-tree.ts";
import { parseConfig } from "../../../shared/config/config.ts";
import { alarmName } from "../../../stacks/definitions/deployment.ts";
import { deploymentOf } from "../../../stacks/deployment.ts";
import { homeAlarms } from "../../../stacks/observability/alarm-definitions.ts";

/** The code in the first cells of all tables of a page. */
const firstCells = (page: string): readonly string[] =>
  readFileSync(new URL(`../../../docs/${page}`, import.meta.url), "utf8")
    .split("\n")
    .flatMap((line) => /^\| (`[^|]*)\|/.exec(line)?.[1] ?? [])
    .flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code));

describe("a table of the documentation", () => {
  it("has every kind of fault", () => {
    expect(firstCells("lab.md")).toEqual(expect.arrayContaining([...faultKinds]));
  });

  it("has every command of the operator", () => {
    const words = firstCells("cli.md").map((code) => code.split(" ").filter((word) => /^[a-z]+$/.test(word)));
    const commands = allCommands(autopilotCommand(async () => undefined)).filter(
      ({ commands }) => commands.length === 0,
    );
    // `rollout pause`, `resume`, … share a row: the group's name stands once.
    const named = new Set(words.flatMap((one) => [one.join(" "), `rollout ${one.join(" ")}`]));
    expect(commands.map(pathOf).filter((path) => !named.has(path))).toEqual([]);
  });

  it("has every alarm of the home region on a metric of the autopilot's own", () => {
    const deployment = deploymentOf(parseConfig(autopilotConfig), "production");
    const endings = homeAlarms(deployment)
      .filter(({ namespace }) => !namespace.startsWith("AWS/"))
      .map(({ name }) => name.slice(alarmName(deployment, "").length));
    const named = firstCells("operations.md").map((code) => code.replace(/(-<[^>]*>)+$/, ""));
    expect(endings.filter((ending) => !named.some((one) => ending.startsWith(one)))).toEqual([]);
  });
});
