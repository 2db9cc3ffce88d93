import { cut, displayWidth, printable, type Style, type Terminal } from "./style.ts";

export interface Column {
  readonly title: string;
  /** Numbers stand at the right. They are never cut: a part of one would be another number. */
  readonly right?: boolean;
  /** Never cut: it is typed into other commands. */
  readonly whole?: boolean;
  /** Cut the middle of a text that is too long, because its end distinguishes it, as a revision's number does. */
  readonly keepEnd?: boolean;
  /** A text that is too long goes on in the next line, for the few tables that are read like prose. */
  readonly wrap?: boolean;
  /** Left out where the others would be cut too short; of several, the last one first. */
  readonly optional?: boolean;
}

export type Cell = string | { readonly text: string; readonly style: Style };

/** Optional columns leave before others are cut to less than this. */
const READABLE_WIDTH = 12;
/** A narrower column says nothing any more. */
const LEAST_WIDTH = 6;
const GAP = "  ";

/**
 * Rows as aligned columns below their titles, indented by two. Empty cells become `-`. On a terminal the table is as
 * wide as that at most, if that is possible at all: a line below it names the columns that were left out. Cells can't
 * control the terminal.
 */
export function table(columns: readonly Column[], rows: readonly (readonly Cell[])[], terminal: Terminal): string {
  const measured = columns.map((column, at) => ({
    ...column,
    at,
    natural: Math.max(...[column.title, ...rows.map((row) => textOf(row[at]))].map(displayWidth)),
  }));
  const kept = keptColumns(measured, terminal.columns);
  const fitted = fittedColumns(kept, roomFor(kept, terminal.columns));
  const omitted = measured.filter(({ at }) => !kept.some((one) => one.at === at)).map(({ title }) => title);
  return [
    ...linesOf(
      fitted,
      columns.map(({ title }) => title),
      terminal,
    ),
    line(fitted.map(({ width }) => "-".repeat(width))),
    ...rows.flatMap((row) => linesOf(fitted, row, terminal)),
    ...(omitted.length > 0
      ? [terminal.style(`  Not shown for lack of room: ${omitted.join(", ")}. \`--json\` has all.`, "dim")]
      : []),
  ].join("\n");
}

/** A column at its place in the rows, with its widest cell. */
interface MeasuredColumn extends Column {
  readonly at: number;
  readonly natural: number;
}

interface FittedColumn extends MeasuredColumn {
  readonly width: number;
}

function textOf(cell: Cell | undefined): string {
  return printable(typeof cell === "object" ? cell.text : (cell ?? "")) || "-";
}

function isCuttable({ right, whole }: Column): boolean {
  return !right && !whole;
}

function roomFor(columns: readonly Column[], width: number): number {
  return width - columns.length * GAP.length;
}

function keptColumns(columns: readonly MeasuredColumn[], width: number): readonly MeasuredColumn[] {
  const readable = columns.map((one) => (isCuttable(one) ? Math.min(one.natural, READABLE_WIDTH) : one.natural));
  const fits = readable.reduce((sum, one) => sum + one, 0) <= roomFor(columns, width);
  const last = columns.findLastIndex(({ optional }) => optional);
  return fits || last < 0 ? columns : keptColumns(columns.toSpliced(last, 1), width);
}

/** The columns with the widest ones made narrower, as far as it takes and goes. */
function fittedColumns(columns: readonly MeasuredColumn[], room: number): readonly FittedColumn[] {
  const fitted = columns.map((column) => ({ ...column, width: column.natural }));
  const cuttable = fitted.filter(isCuttable);
  let over = fitted.reduce((sum, { width }) => sum + width, 0) - room;
  while (over > 0) {
    const widest = cuttable.reduce<(typeof fitted)[number] | undefined>(
      (found, one) => (found && found.width >= one.width ? found : one),
      undefined,
    );
    if (!widest || widest.width <= LEAST_WIDTH) break;
    widest.width -= 1;
    over -= 1;
  }
  return fitted;
}

/** The lines of a row: several where a cell is wrapped. */
function linesOf(columns: readonly FittedColumn[], row: readonly Cell[], { style }: Terminal): readonly string[] {
  const cells = columns.map((column) => {
    const cell = row[column.at];
    const shown = (text: string) => (typeof cell === "object" ? style(text, cell.style) : text);
    return partsOf(textOf(cell), column).map((part) => {
      const space = " ".repeat(column.width - displayWidth(part));
      return column.right ? space + shown(part) : shown(part) + space;
    });
  });
  const height = Math.max(...cells.map((parts) => parts.length));
  return Array.from({ length: height }, (_, level) =>
    line(cells.map((parts, at) => parts[level] ?? " ".repeat(columns[at]?.width ?? 0))),
  );
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell) => `${GAP}${cell}`)
    .join("")
    .trimEnd();
}

function partsOf(text: string, column: FittedColumn): readonly string[] {
  if (!column.wrap) return [cut(text, column.width, column)];
  const parts = [""];
  for (const word of text.split(" ")) {
    const last = parts.at(-1) ?? "";
    const longer = last === "" ? word : `${last} ${word}`;
    if (last === "" || displayWidth(longer) <= column.width) parts[parts.length - 1] = longer;
    else parts.push(word);
  }
  return parts.map((part) => cut(part, column.width));
}
