import { describe, expect, it } from "vitest";
import { durationText, layOut, quoted, timeText } from "../../../shared/slack/layout.ts";

describe("texts for people", () => {
  it.each([
    [0, "0 s"],
    [89, "89 s"],
    [90, "2 min"],
    [3_600, "60 min"],
    [7_200, "2 h"],
    [11_100, "3 h 5 min"],
    [187_200, "2 d 4 h"],
  ])("show %i seconds as %s", (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });

  it("show a time to the minute, with its zone", () => {
    expect(timeText("2026-01-05T12:25:59.999Z")).toBe("2026-01-05 12:25 UTC");
    expect(timeText(Date.UTC(2026, 0, 5))).toBe("2026-01-05 00:00 UTC");
  });

  it("keep what somebody wrote, with its times readable", () => {
    const line = quoted("*Why:*", "<until>\n2026-01-05T12:25:00.000Z, not 2026-13-45T99:00:00Z", {
      tail: "\n_Fix:_ none",
    });
    const { text, blocks } = layOut({ icon: ":x:", headline: "h", lines: [line], context: [] });
    const said = "until> 2026-01-05 12:25 UTC, not 2026-13-45T99:00:00Z";
    expect(text).toBe(`:x: h\n*Why:* &lt;until&gt;${said.slice(6)}\n_Fix:_ none`);
    expect(blocks.slice(1)).toEqual([
      { type: "section", text: { type: "mrkdwn", text: "*Why:*", verbatim: true } },
      { type: "section", text: { type: "plain_text", text: `<${said}`, emoji: false } },
      { type: "section", text: { type: "mrkdwn", text: "_Fix:_ none", verbatim: true } },
    ]);
  });

  it("name the stage, and every command of theirs is for it", () => {
    const lines = [
      "Resume with `npm run autopilot -- rollout resume x`.",
      quoted("`npm run autopilot -- status`", "q"),
    ];
    const { text, blocks } = layOut({ icon: ":x:", headline: "h", lines, context: ["here"] }, "prod");
    expect(text.split("\n")).toEqual([
      ":x: h",
      "Resume with `npm run autopilot -- rollout resume x --stage prod`.",
      "`npm run autopilot -- status --stage prod` q",
      "stage prod",
    ]);
    expect(JSON.stringify(blocks.at(-1))).toContain("stage prod");
  });

  it("have no context block when there is no context", () => {
    expect(layOut({ icon: ":x:", headline: "h", lines: [], context: [] }).blocks).toHaveLength(1);
  });
});
