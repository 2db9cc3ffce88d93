import { cut, displayWidth, printable, type Style, type Terminal } from "./style.ts";

export interface Column {
  readonly title: string;
  /** Numbers stand at the right, and are never cut: a part of one would be another number. */
  readonly right?: boolean;
  /** Of a text that is too long, the middle is left out: its end tells it from others, as a revision's number does. */
  readonly keepEnd?: boolean;
  /** A text that is too long goes on in the next line, for the few tables that are read like prose. */
  readonly wrap?: boolean;
}

export type Cell = string | { readonly text: string; readonly style: Style };

/** A narrower column says nothing any more. */
const LEAST_WIDTH = 6;
const GAP = "  ";

/**
 * Rows as aligned columns below their titles, indented by two. Empty cells become `-`. On a terminal, the widest columns
 * are cut until the table fits; cells can't control it, whatever their text.
 */
export function table(columns: readonly Column[], rows: readonly (readonly Cell[])[], terminal: Terminal): string {
  const texts = rows.map((row) => row.map((cell) => printable(textOf(cell)) || "-"));
  const all = [columns.map(({ title }) => title), ...texts];
  const natural = columns.map((_, at) => Math.max(...all.map((row) => displayWidth(row[at] ?? ""))));
  const widths = fittedWidths(columns, natural, terminal.columns - columns.length * GAP.length);
  const line = (row: readonly string[], cells: readonly Cell[] = []) =>
    columns
      .map((column, at) => {
        const text = row[at] ?? "";
        const space = " ".repeat((widths[at] ?? 0) - displayWidth(text));
        const cell = cells[at];
        const shown = typeof cell === "object" ? terminal.style(text, cell.style) : text;
        return `${GAP}${column.right ? space + shown : shown + space}`;
      })
      .join("")
      .trimEnd();
  const lines = (row: readonly string[], cells?: readonly Cell[]) => {
    const fitting = columns.map((column, at) => fittedText(row[at] ?? "", widths[at] ?? 0, column));
    const height = Math.max(...fitting.map((parts) => parts.length));
    return Array.from({ length: height }, (_, level) =>
      line(
        fitting.map((parts) => parts[level] ?? ""),
        cells,
      ),
    );
  };
  return [
    ...lines(columns.map(({ title }) => title)),
    line(widths.map((width) => "-".repeat(width))),
    ...texts.flatMap((row, at) => lines(row, rows[at])),
  ].join("\n");
}

/** The lines of a cell. */
function fittedText(text: string, width: number, column: Column): readonly string[] {
  if (!column.wrap) return [cut(text, width, column)];
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1) ?? "";
    const longer = last === "" ? word : `${last} ${word}`;
    if (last === "" || displayWidth(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.map((line) => cut(line, width));
}

function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.text;
}

/** The widths with the widest columns of text made narrower, as far as it takes and goes. */
function fittedWidths(columns: readonly Column[], natural: readonly number[], room: number): readonly number[] {
  const widths = [...natural];
  let over = widths.reduce((sum, width) => sum + width, 0) - room;
  while (over > 0) {
    const texts = widths.map((width, at) => (columns[at]?.right ? 0 : width));
    const widest = Math.max(...texts);
    if (widest <= LEAST_WIDTH) break;
    widths[texts.indexOf(widest)] = widest - 1;
    over -= 1;
  }
  return widths;
}
