import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Children } from "../../engines/children.ts";
import type { Engine, EngineResult } from "../../engines/engine.ts";
import { isFine, outcomeText, summaryLine } from "../../engines/report.ts";
import { runSuite } from "../../engines/suite.ts";
import type { Tool } from "../../engines/tools.ts";

const agreement: EngineResult = {
  table: { columns: ["call", "violations"], rows: [["ecs.ListClusters", 0]] },
  differences: [],
  figures: { calls: 1 },
};

let root = "";
let steps: string[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "engines-test-"));
  steps = [];
  writeFileSync(join(root, "requirements.txt"), "botocore==1.0.0\n");
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function engineOf(changes: Partial<Engine> = {}): Engine {
  return {
    name: "wire",
    about: "",
    needs: ["python3"],
    inQuick: true,
    install: async () => void steps.push("install"),
    run: async () => {
      steps.push("run");
      return agreement;
    },
    ...changes,
  };
}

async function outcomesOf(engines: readonly Engine[], install = false, missing: readonly Tool[] = []) {
  return runSuite({
    engines,
    install,
    contextOf: ({ name }) => ({
      folder: join(root, ".engines", name),
      sources: root,
      quick: false,
      children: new Children(),
      progress: () => undefined,
    }),
    lackOf: (tool) => (missing.includes(tool) ? `${tool} is missing` : undefined),
    now: () => 0,
  });
}

describe("an engine", () => {
  it("is skipped with a line that nobody overlooks where the host lacks what it needs", async () => {
    const [outcome, ...others] = await outcomesOf([engineOf()], false, ["python3"]);
    expect(others).toEqual([]);
    expect(outcome && [outcomeText(outcome), isFine(outcome)]).toEqual([
      "!!! wire: SKIPPED, nothing was compared: python3 is missing.",
      true,
    ]);
    expect(steps).toEqual([]);
  });

  it("fails with the command that installs it, if it is not installed", async () => {
    const [outcome] = await outcomesOf([engineOf()]);
    expect(outcome && outcomeText(outcome)).toMatch(/npm run engines -- --install --only wire$/);
    expect(outcome && isFine(outcome)).toBe(false);
    expect(steps).toEqual([]);
  });

  it("is compared once it is installed, and installed once as long as its pins are the same", async () => {
    await outcomesOf([engineOf()], true);
    await outcomesOf([engineOf()], true);
    const outcomes = await outcomesOf([engineOf()]);
    expect(outcomes).toMatchObject([{ kind: "compared", result: agreement }]);
    expect(outcomes.every(isFine)).toBe(true);
    expect(steps).toEqual(["install", "run"]);
  });

  it("is installed again after its pins have changed, and not compared before", async () => {
    await outcomesOf([engineOf()], true);
    writeFileSync(join(root, "requirements.txt"), "botocore==1.0.1\n");
    expect(await outcomesOf([engineOf()])).toMatchObject([{ kind: "not-installed" }]);
    await outcomesOf([engineOf()], true);
    expect(await outcomesOf([engineOf()])).toMatchObject([{ kind: "compared" }]);
    expect(steps).toEqual(["install", "install", "run"]);
  });

  it("counts as not installed after an installation that failed", async () => {
    const broken = engineOf({ install: () => Promise.reject(new Error("no network")) });
    expect(await outcomesOf([broken], true)).toMatchObject([{ kind: "failed", why: expect.stringMatching("network") }]);
    expect(await outcomesOf([broken])).toMatchObject([{ kind: "not-installed" }]);
  });

  it("fails when it throws, and the next one is compared nevertheless", async () => {
    const broken = engineOf({ name: "broken", run: () => Promise.reject(new Error("no such model")) });
    await outcomesOf([broken, engineOf()], true);
    const outcomes = await outcomesOf([broken, engineOf()]);
    expect(outcomes.map(({ name, kind }) => `${name}: ${kind}`)).toEqual(["broken: failed", "wire: compared"]);
    expect(summaryLine(outcomes)).toBe("2 engines: 1 (wire) fine, 1 (broken) NOT FINE");
  });

  it("fails by a difference without a reason, and not by a listed one", async () => {
    const listed = { what: "a member", listed: "AWS has it undocumented" };
    const differing = (differences: EngineResult["differences"]) =>
      engineOf({ run: async () => ({ ...agreement, differences }) });
    await outcomesOf([engineOf()], true);
    const [accepted] = await outcomesOf([differing([listed])]);
    const [open] = await outcomesOf([differing([listed, { what: "another member" }])]);
    expect([accepted && isFine(accepted), open && isFine(open)]).toEqual([true, false]);
    expect(open && outcomeText(open)).toBe(
      [
        "wire: DIFFERS in 1 (0.0 s)",
        "  call              violations",
        "  ----------------  ----------",
        "  ecs.ListClusters           0",
        "  calls: 1",
        "  listed: AWS has it undocumented",
        "    a member",
        "  DIFFERENT: another member",
      ].join("\n"),
    );
  });
});
