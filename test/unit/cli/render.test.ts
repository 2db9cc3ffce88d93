import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bar, cells, holdLines, progressLine, rolloutLines } from "../../../cli/render/rollout.ts";
import { rolloutTable, serviceTable } from "../../../cli/render/rollout-tables.ts";
import { cut, displayWidth, fitted, printable, styler, type Terminal, terminalOf } from "../../../cli/render/style.ts";
import { type Column, table } from "../../../cli/render/table.ts";
import { span } from "../../../cli/render/time.ts";
import type { RolloutView } from "../../../cli/rollouts/view.ts";
import { midway, rollout, view } from "../../support/rollout-views.ts";

const plain = styler(false);
const colored = styler(true);
const piped: Terminal = { style: plain, columns: Number.POSITIVE_INFINITY };

describe("a wave's bar", () => {
  it("has exactly its width, and at least one cell for every status that occurs", () => {
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
    expect(displayWidth(bar(second, colored, 12))).toBe(12);
  });
});

describe("a rollout on the screen", () => {
  it("has its description, its waves, its numbers, the remaining time and its failures", () => {
    expect(rolloutLines(view(), plain).join("\n")).toBe(`upgrade-0a1b2c3d4e  upgrade  running, wave 2 of 2
  why        A new ztunnel.
  asked by   arn:aws:iam::123456789012:user/ada, 2026-03-02 11:00 UTC
  scope      everything
  brings     example.com/ztunnel:1.28.2

  1  canary          ████████████████████████  2 of 2
  2  us-east-1 100%  ✗✗✗✗✗✗✗✗▒▒▒▒▒▒▒▒········  1 of 3, 1 failed, 1 rolling
  █ done  □ unverified  ▪ skipped  ✗ failed  ! stuck  ◂ rolled back  ▒ rolling  · waiting

  5 services: 2 done, 1 failed, 1 rolling, 1 waiting. About 12 min 34 s left.

  reverted  arn:aws:ecs:us-east-1:123456789012:service/shop/service-2
    ztunnel-unhealthy: ztunnel of task 1 is UNHEALTHY`);
  });

  it("shows only the waves around the current one on a short screen", () => {
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
  ] as const)("explains what holds a rollout that is %s, and how to continue", (status, changes, words) => {
    expect(holdLines(view({ rollout: rollout({ status, ...changes }) })).join("\n")).toContain(words);
  });

  it("names the rollout that it waits for", () => {
    const waiting = view({ rollout: rollout({ status: "waiting" }), behind: "rotate-1" });
    expect(holdLines(waiting)).toEqual(["Waits behind rotate-1."]);
  });

  it("reports whether the old root CA is retirable", () => {
    const gate = { controlPlane: "mesh-us", retiring: ["AB:CD:EF:01:23"], retirable: true, stage: "retirable" };
    const lines = (gates: RolloutView["gates"]) => rolloutLines(view({ gates }), plain).join("\n");
    expect(lines([gate])).toContain("the old root (abcdef01) any more: the bundle may drop it");
    const open = { ...gate, retirable: false };
    expect(lines([{ ...open, stage: "distributing" }])).toContain("keep it in the bundle");
    expect(lines([{ ...open, stage: "sign-with-new" }])).toContain("Now have istiod sign with the new one");
    expect(lines([{ ...open, stage: "unknown" }])).toContain("it can't be seen which one signs");
    const until = "2026-03-10T12:00:00.000Z";
    expect(lines([{ ...open, stage: "running-out", until }])).toContain("in the bundle until 2026-03-10 12:00");
    expect(lines([{ ...open, stage: "of a later version" }])).toContain("keep it in the bundle");
    expect(lines([])).not.toContain("Root CA");
  });

  it("has the reason's sentence and fix if it failed", () => {
    const reason = { code: "budget-exceeded", detail: "3 of 20 failed." };
    const lines = rolloutLines(view({ rollout: rollout({ status: "rolled-back", reason }) }), plain).join("\n");
    expect(lines).toContain("More services failed than the failure budget allows: 3 of 20 failed.");
    expect(lines).toContain("Fix: See the failed services' reasons");
  });

  it("is one line if the screen can't be redrawn", () => {
    expect(progressLine(view())).toBe(
      "upgrade-0a1b2c3d4e running, us-east-1 100%: 1 of 3, 1 failed, 1 rolling. 5 services: 2 done, 1 failed, 1 rolling, 1 waiting. About 12 min 34 s left.",
    );
  });

  it("is a row in the table of rollouts, and its services are a table, too", () => {
    expect(rolloutTable([rollout()], piped)).toMatch(
      /upgrade-0a1b2c3d4e +upgrade +running +2\/2 +5 +0 +2026-03-02 11:00/,
    );
    expect(rolloutTable([], piped)).toBe("No rollouts.");
    expect(serviceTable(midway, piped)).toMatch(
      /1 +us-east-1 +123456789012 +shop\/service-0 +succeeded +web:1 +web:2 +1 min 01 s/,
    );
  });
});

describe("tables and texts", () => {
  it("align cells by their display width, numbers to the right", () => {
    const rows = [
      ["a", { text: "12", style: "red" }],
      ["愛猫", ""],
    ] as const;
    const lines = table([{ title: "name" }, { title: "n", right: true }], rows, { ...piped, style: colored }).split(
      "\n",
    );
    expect(lines.map(displayWidth)).toEqual([10, 10, 10, 10]);
    expect(lines[2]).toBe(`  a     ${colored("12", "red")}`);
    expect(lines[3]).toBe("  愛猫   -");
  });

  const wide: readonly Column[] = [
    { title: "service", keepEnd: true },
    { title: "cause" },
    { title: "took", right: true },
  ];
  const row = [
    "arn:aws:ecs:us-east-1:123456789012:service/shop/checkout",
    "The task stopped: out of memory.",
    "12 min 34 s",
  ];

  it("are cut to the terminal's width, widest columns first, without cutting numbers", () => {
    expect(table(wide, [row, ["short", "", "1 s"]], { style: plain, columns: 55 })).toBe(
      `  service              cause                       took
  -------------------  -------------------  -----------
  arn:aws:e…/checkout  The task stopped: …  12 min 34 s
  short                -                            1 s`,
    );
    expect(table(wide, [row], piped)).toContain(row.join("  "));
  });

  it("omit optional columns before the others become too narrow, and name the omitted ones", () => {
    const text = rolloutTable([rollout()], { style: plain, columns: 80 });
    expect(text).toBe(`  rollout             kind     status   wave  services  failed  asked (UTC)
  ------------------  -------  -------  ----  --------  ------  ----------------
  upgrade-0a1b2c3d4e  upgrade  running   2/2         5       0  2026-03-02 11:00
  Not shown for lack of room: took, why. \`--json\` has all.`);
    expect(rolloutTable([rollout()], { style: plain, columns: 90 })).toMatch(/kind.*asked.*took\n/);
    expect(rolloutTable([rollout()], piped)).toMatch(/kind.*took +why\n/);
  });

  it("are wrapped in columns of prose", () => {
    const columns = [
      { title: "cause", wrap: true },
      { title: "n", right: true },
    ];
    const cause = { text: "The task stopped: OutOfMemoryError.", style: "red" } as const;
    expect(table(columns, [[cause, "1"]], { style: plain, columns: 20 })).toBe(
      `  cause            n
  ---------------  -
  The task         1
  stopped:
  OutOfMemoryErr…`,
    );
  });

  it("are never wider than the terminal, with any text in their cells", () => {
    const cell = fc.string({ unit: "grapheme", maxLength: 80 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(cell, cell, fc.constant("1")), { maxLength: 5 }),
        fc.integer({ min: 30, max: 120 }),
        (rows, columns) => {
          for (const line of table(wide, rows, { style: plain, columns }).split("\n"))
            expect(displayWidth(line)).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });

  it("of a rollout and its services fit a terminal of 80 columns", () => {
    const terminal = { style: plain, columns: 80 };
    const services = midway.map((one) => ({ ...one, reason: "ztunnel-unhealthy" }));
    for (const text of [serviceTable(services, terminal), rolloutTable([rollout()], terminal)])
      for (const line of text.split("\n")) expect(displayWidth(line)).toBeLessThanOrEqual(80);
  });

  it("are not cut if the output is not a terminal", () => {
    const screen = { write: () => undefined, columns: 20, rows: 10 };
    expect(terminalOf({ ...screen, isTTY: false }, {}).columns).toBe(Number.POSITIVE_INFINITY);
    expect(terminalOf({ ...screen, isTTY: true }, {}).columns).toBe(20);
  });

  it("are cut to the screen's width without an open style", () => {
    expect(fitted(colored("abcdef", "red"), 4)).toBe("abc…");
    expect(fitted(colored("abc", "red"), 4)).toBe(colored("abc", "red"));
  });

  it.each([
    ["abcdef", 6, {}, "abcdef"],
    ["abcdef", 5, {}, "abcd…"],
    ["abcdef", 5, { keepEnd: true }, "ab…ef"],
    ["web:12345", 6, { keepEnd: true }, "web…45"],
    ["愛猫愛猫", 4, {}, "愛…"],
    ["👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 5, {}, "👩‍👩‍👧👩‍👩‍👧…"],
    ["ab", 0, {}, "…"],
  ])("%s is in %d columns, %j: %s", (text, columns, how, expected) => {
    expect(cut(text, columns, how)).toBe(expected);
  });

  it.each([
    [0, "0 s"],
    [59.6, "1 min 00 s"],
    [3_599, "59 min 59 s"],
    [7_500, "2 h 05 min"],
    [200_000, "2 d 07 h"],
    [-5, "0 s"],
  ])("show %d seconds as %s", (seconds, words) => {
    expect(span(seconds)).toBe(words);
  });
});

describe("untrusted text", () => {
  const ESC = "\u001b";
  const hostile = `why${ESC}[2J${ESC}]0;owned\u0007\u009b31m\u202e\r\nFORGED\u0008`;

  it("is shown without characters that could control the terminal", () => {
    expect(printable(`${ESC}[31mred${ESC}[0m`)).toBe("red");
    expect(printable(`${ESC}]8;;https://example.com\u0007link${ESC}]8;;\u0007`)).toBe("link");
    expect(printable("two\r\nlines\tand\u2028more")).toBe("two lines and more");
    expect(printable("\u202eabc\u2066")).toBe("abc");
    expect(printable("smörgåsbord 愛猫 👩‍👩‍👧")).toBe("smörgåsbord 愛猫 👩‍👩‍👧");
  });

  it("never has a control character left", () => {
    const anything = fc.array(
      fc.constantFrom(ESC, "[", "]", "0", ";", "m", "\u0007", "\u009b", "\u009d", "\n", "P", "\\", "x"),
    );
    fc.assert(
      fc.property(anything, (parts) => {
        expect(printable(parts.join(""))).not.toMatch(/\p{Cc}/u);
      }),
    );
  });

  it("can't control the terminal from a table or a rollout's text", () => {
    const reason = { code: "budget-exceeded", detail: hostile };
    const record = rollout({
      why: hostile,
      requestedBy: hostile,
      status: "failed",
      reason,
      control: { action: "rollback", by: hostile, at: "2026-03-02T11:30:00Z" },
    });
    const services = midway.map((one) => ({ ...one, status: "reverted" as const, reason: hostile, detail: hostile }));
    const texts = [
      rolloutTable([record], piped),
      serviceTable(services, piped),
      ...rolloutLines(view({ rollout: record, services }), plain),
      progressLine(view({ rollout: record })),
    ];
    for (const text of texts) {
      expect(text).not.toMatch(/(?!\n)\p{Cc}|\p{Bidi_Control}/u);
      expect(text).not.toMatch(/^FORGED/m);
    }
  });
});
