import { visibleLength } from "./style.ts";

export interface Column {
  readonly title: string;
  /** Numbers stand at the right. */
  readonly right?: boolean;
}

/** Rows as aligned columns below their titles, indented by two. Empty cells become `-`. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell || "-"));
  const all = [columns.map(({ title }) => title), ...cells];
  const widths = columns.map((_, at) => Math.max(...all.map((row) => visibleLength(row[at] ?? ""))));
  const line = (row: readonly string[]) =>
    `  ${columns.map(({ right = false }, at) => padded(row[at] ?? "", widths[at] ?? 0, right)).join("  ")}`.trimEnd();
  return [line(all[0] ?? []), line(widths.map((width) => "-".repeat(width))), ...cells.map(line)].join("\n");
}

function padded(text: string, width: number, right: boolean): string {
  const space = " ".repeat(Math.max(0, width - visibleLength(text)));
  return right ? `${space}${text}` : `${text}${space}`;
}
