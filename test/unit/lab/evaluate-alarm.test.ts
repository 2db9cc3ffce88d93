import { describe, expect, it } from "vitest";
import { type AlarmRule, evaluate } from "../../../lab/autopilot/evaluate-alarm.ts";

const rule: AlarmRule = {
  statistic: "Sum",
  periodSeconds: 60,
  periods: 3,
  comparison: "GreaterThanThreshold",
  threshold: 1,
  missingData: "notBreaching",
};
/** Values of the last minutes before the evaluation, the latest one last; undefined: none was measured. */
const state = (
  changes: Partial<AlarmRule>,
  minutes: readonly (number | undefined)[],
  before: "OK" | "ALARM" = "OK",
) => {
  const points = minutes.flatMap((value, minute) => (value === undefined ? [] : [{ atMs: minute * 60_000, value }]));
  return evaluate({ ...rule, ...changes }, points, { endMs: minutes.length * 60_000, before });
};

describe("the state of an alarm", () => {
  it.each<[string, Partial<AlarmRule>, readonly (number | undefined)[], string]>([
    ["all periods breach", {}, [2, 2, 2], "ALARM"],
    ["one of them does not", {}, [2, 1, 2], "OK"],
    ["as many as it needs breach", { datapoints: 2 }, [2, 1, 2], "ALARM"],
    ["what is missing does not breach", {}, [2, undefined, 2], "OK"],
    ["what is missing breaches", { missingData: "breaching" }, [2, undefined, 2], "ALARM"],
    [
      "nothing was measured, which breaches",
      { missingData: "breaching", statistic: "SampleCount" },
      [undefined],
      "ALARM",
    ],
    ["what is missing does not count", { missingData: "ignore" }, [2, undefined, 2], "ALARM"],
    ["it is less than the threshold", { comparison: "LessThanThreshold", statistic: "Minimum" }, [0, 0, 0], "ALARM"],
    ["earlier periods do not count", {}, [2, 2, 2, 1, 1, 1], "OK"],
  ])("where %s", (_what, changes, minutes, expected) => {
    expect(state(changes, minutes)).toBe(expected);
  });

  it("stays as it was while nothing is measured, where its definition says so", () => {
    const nothing = [undefined, undefined, undefined];
    for (const before of ["OK", "ALARM"] as const)
      expect(state({ missingData: "ignore" }, nothing, before)).toBe(before);
    expect(state({}, nothing, "ALARM")).toBe("OK");
  });
});
