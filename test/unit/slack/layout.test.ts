import { describe, expect, it } from "vitest";
import { durationText, layOut, said, timeText } from "../../../shared/slack/layout.ts";

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
    expect(said("<until> 2026-01-05T12:25:00.000Z, not 2026-13-45T99:00:00Z")).toBe(
      "&lt;until&gt; 2026-01-05 12:25 UTC, not 2026-13-45T99:00:00Z",
    );
  });

  it("have no context block when there is no context", () => {
    expect(layOut({ icon: ":x:", headline: "h", lines: [], context: [] }).blocks).toHaveLength(1);
  });
});
