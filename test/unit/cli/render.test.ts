import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bar, cells, holdLines, progressLine, rolloutLines } from "../../../cli/render/rollout.ts";
import { rolloutTable, serviceTable } from "../../../cli/render/rollout-tables.ts";
import { fitted, styler, visibleLength } from "../../../cli/render/style.ts";
import { table } from "../../../cli/render/table.ts";
import { span } from "../../../cli/render/time.ts";
import type { RolloutView } from "../../../cli/rollouts/view.ts";
import { midway, rollout, view } from "./rollouts.ts";

const plain = styler(false);
const colored = styler(true);

describe("a wave's bar", () => {
  it("is always as wide as it should be, and shows whatever there is one of", () => {
    const counts = fc.array(fc.nat(10_000), { minLength: 7, maxLength: 7 });
    fc.assert(
      fc.property(counts, fc.integer({ min: 7, max: 60 }), (of, width) => {
        const drawn = cells(of, width);
        const total = drawn.reduce((sum, cell) => sum + cell, 0);
        expect(total).toBe(of.some((count) => count > 0) ? width : 0);
        for (const [at, count] of of.entries())
          expect(drawn[at] ?? 0).toSatisfy((n: number) => (count > 0 ? n >= 1 : n === 0));
      }),
    );
  });

  it("fills from the left: done, failed, rolling, waiting", () => {
    const [canary, second] = view().progress.waves;
    if (!canary || !second) throw new Error("two waves");
    expect(bar(canary, plain, 12)).toBe("████████████");
    expect(bar(second, plain, 12)).toBe("✗✗✗✗▒▒▒▒····");
    expect(visibleLength(bar(second, colored, 12))).toBe(12);
  });
});

describe("a rollout on the screen", () => {
  it("tells what it is, its waves, its numbers, how long it may take and what failed", () => {
    expect(rolloutLines(view(), plain).join("\n")).toBe(`upgrade-0a1b2c3d4e  upgrade  running, wave 2 of 2
  why        A new ztunnel.
  asked by   arn:aws:iam::123456789012:user/ada, 2026-03-02 11:00 UTC
  scope      everything
  brings     example.com/ztunnel:1.28.2

  1  canary          ████████████████████████  2 of 2
  2  us-east-1 100%  ✗✗✗✗✗✗✗✗▒▒▒▒▒▒▒▒········  1 of 3, 1 failed, 1 rolling
  █ done  ▪ skipped  ✗ failed  ! stuck  ◂ taken back  ▒ rolling  · waiting

  5 services: 2 done, 1 failed, 1 rolling, 1 waiting. About 12 min 34 s left.

  reverted  arn:aws:ecs:us-east-1:123456789012:service/shop/service-2
    ztunnel-unhealthy: ztunnel of task 1 is UNHEALTHY`);
  });

  it("shows the waves around the current one where the screen is short", () => {
    const waves = Array.from({ length: 30 }, (_, at) => ({
      name: `wave-${at + 1}`,
      canary: false,
      lanes: [],
      state: "waiting" as const,
    }));
    const lines = rolloutLines(view({ rollout: rollout({ waves, nextWaveIndex: 20 }), services: [] }), plain, 22);
    expect(lines.length).toBeLessThanOrEqual(22);
    expect(lines.join("\n")).toContain("wave-21");
    expect(lines.join("\n")).toMatch(/… and \d+ more waves/);
  });

  it.each([
    ["paused", {}, "rollout resume upgrade-0a1b2c3d4e"],
    ["awaiting-approval", {}, "rollout approve upgrade-0a1b2c3d4e"],
    ["frozen", { holdUntilMs: Date.parse("2026-03-02T18:30:00Z") }, "until 2026-03-02 18:30 UTC"],
    ["running", { control: { action: "pause", by: "ada", at: "2026-03-02T11:30:00Z" } }, "ada asked for: pause"],
  ] as const)("says what holds a rollout that is %s, and what makes it go on", (status, changes, words) => {
    expect(holdLines(view({ rollout: rollout({ status, ...changes }) })).join("\n")).toContain(words);
  });

  it("says behind which rollout it waits", () => {
    const waiting = view({ rollout: rollout({ status: "waiting" }), behind: "rotate-1" });
    expect(holdLines(waiting)).toEqual(["Waits behind rotate-1."]);
  });

  it("says whether the old root CA may go", () => {
    const gate = { controlPlane: "mesh-us", retiring: ["AB:CD:EF:01:23"], retirable: true };
    const lines = (gates: RolloutView["gates"]) => rolloutLines(view({ gates }), plain).join("\n");
    expect(lines([gate])).toContain("the old root (abcdef01) any more: the bundle may drop it");
    expect(lines([{ ...gate, retirable: false }])).toContain("keep it in the bundle");
    expect(lines([])).not.toContain("Root CA");
  });

  it("gives the reason's sentence and fix of one that ended badly", () => {
    const reason = { code: "budget-exceeded", detail: "3 of 20 failed." };
    const lines = rolloutLines(view({ rollout: rollout({ status: "rolled-back", reason }) }), plain).join("\n");
    expect(lines).toContain("More services failed than the failure budget allows: 3 of 20 failed.");
    expect(lines).toContain("Fix: See the failed services' reasons");
  });

  it("is one line where nothing can be redrawn", () => {
    expect(progressLine(view())).toBe(
      "upgrade-0a1b2c3d4e running, us-east-1 100%: 1 of 3, 1 failed, 1 rolling. 5 services: 2 done, 1 failed, 1 rolling, 1 waiting. About 12 min 34 s left.",
    );
  });

  it("lists rollouts, and a rollout's services, as tables", () => {
    expect(rolloutTable([rollout()], plain)).toMatch(
      /upgrade-0a1b2c3d4e +upgrade +running +2\/2 +5 +0 +2026-03-02 11:00/,
    );
    expect(rolloutTable([], plain)).toBe("No rollouts.");
    expect(serviceTable(midway)).toMatch(
      /1 +us-east-1 +123456789012 +shop\/service-0 +succeeded +web:1 +web:2 +1 min 01 s/,
    );
  });
});

describe("tables and texts", () => {
  it("align cells by what is seen of them, numbers at the right", () => {
    const rows = [
      ["a", colored("12", "red")],
      ["long", ""],
    ];
    const lines = table([{ title: "name" }, { title: "n", right: true }], rows).split("\n");
    expect(lines.map(visibleLength)).toEqual([10, 10, 10, 10]);
    expect(lines[3]).toBe("  long   -");
  });

  it("are cut to the screen's width without a style left open", () => {
    expect(fitted(colored("abcdef", "red"), 4)).toBe("abc…");
    expect(fitted(colored("abc", "red"), 4)).toBe(colored("abc", "red"));
  });

  it.each([
    [0, "0 s"],
    [59.6, "1 min 00 s"],
    [3_599, "59 min 59 s"],
    [7_500, "2 h 05 min"],
    [200_000, "2 d 07 h"],
    [-5, "0 s"],
  ])("tell %d seconds as %s", (seconds, words) => {
    expect(span(seconds)).toBe(words);
  });
});
