import type { PlayedIncident, Rung } from "./play.ts";

/** True when exactly the expected alarms went off, each of them once, after it began, and all of them have ended. */
export function isAsExpected({ incident, rung }: PlayedIncident): boolean {
  const alarms = rung.map(({ alarm }) => alarm).sort();
  const isOnce = rung.every((one) => one.times === 1 && one.afterMinutes > 0 && one.endedAfterMinutes !== undefined);
  return isOnce && alarms.join() === [...incident.rings].sort().join();
}

/** The table of incidents and alarms, for people. */
export function alarmTable(played: readonly PlayedIncident[]): string {
  const rows = played.flatMap((one) => {
    const mark = isAsExpected(one) ? "" : "UNEXPECTED";
    const rung = one.rung.length > 0 ? one.rung.map(cellsOf) : [["none", "", ""]];
    return rung.map((cells, index) => [index === 0 ? one.incident.name : "", ...cells, index === 0 ? mark : ""]);
  });
  const all = [["incident", "alarm", "goes off", "ends", ""], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function cellsOf({ alarm, afterMinutes, endedAfterMinutes, times }: Rung): readonly string[] {
  const ends = endedAfterMinutes === undefined ? "NOT" : `${endedAfterMinutes} min after it was mended`;
  return [alarm, `after ${afterMinutes} min${times > 1 ? `, ${times} TIMES` : ""}`, ends];
}
