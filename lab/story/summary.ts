import type { Lab } from "../autopilot/lab.ts";
import { styled } from "./narrator.ts";
import type { StoryReport } from "./story.ts";

/** The summary as text: the services, the Slack messages, the number of calls. */
export function summary(report: StoryReport, lab: Lab, seconds: number, color: boolean): string {
  const passed = report.acts.filter(({ ok }) => ok).length;
  const total = Object.values(report.calls).reduce((sum, count) => sum + count, 0);
  const failed = report.acts.filter(({ ok }) => !ok).map(({ name, why }) => `  ${name}: ${why}`);
  return [
    "",
    styled("Services", "bold", color),
    alignedTable([
      ["service", "region", "in the mesh", "revision", "containers", "last roll"],
      ...report.services.map((service) => [
        service.arn.split("/").slice(-2).join("/"),
        service.arn.split(":")[3] ?? "",
        service.ztunnel ? "yes" : "no",
        service.taskDefinitionArn.split("/").at(-1) ?? "",
        service.containers.join(", "),
        service.lastOutcome ?? "-",
      ]),
    ]),
    "",
    styled(`Slack, ${lab.config.slack.channel}`, "bold", color),
    ...report.slack.map(({ text }) => `  ${text.split("\n").join("\n    ")}`),
    "",
    `${report.rolls.length} rolls, ${total} AWS calls, ${lab.lambda.deadLetters.length} dead letters.`,
    ...failed,
    styled(
      `${passed} of ${report.acts.length} acts succeeded in ${seconds.toFixed(1)} s.`,
      report.ok ? "green" : "red",
      color,
    ),
  ].join("\n");
}

/** The rows as aligned columns. The first row is underlined. */
export function alignedTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd();
  const [head, ...body] = rows;
  if (!head) return "";
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}
