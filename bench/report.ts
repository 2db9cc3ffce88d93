import { table } from "../lab/story/summary.ts";

/** A number, a text, or nothing to tell. */
export type Cell = number | string | undefined;

/** Figures of one kind: one row a subject, one column a figure. */
export interface Figures {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** How the figures were taken, or what they are held against. */
  readonly notes?: readonly string[];
}

/** One part of the bench. It tells on stderr what it is at. */
export interface Part {
  readonly name: string;
  readonly about: string;
  readonly measure: (progress: (line: string) => void) => Promise<readonly Figures[]>;
}

/** The figures as a table for people: numbers to the right, texts to the left. */
export function asText({ title, columns, rows, notes = [] }: Figures): string {
  const widths = columns.map((name, index) => Math.max(name.length, ...rows.map((row) => shown(row[index]).length)));
  const numeric = columns.map((_, index) => rows.every((row) => typeof row[index] !== "string"));
  const aligned = (cell: string, index: number) => (numeric[index] ? cell.padStart(widths[index] ?? 0) : cell);
  const body = rows.map((row) => columns.map((_, index) => aligned(shown(row[index]), index)));
  return [title, table([columns.map(aligned), ...body]), ...notes.map((note) => `  ${note}`)].join("\n");
}

/** The figures for machines: one object a row. */
export function asJson({ title, columns, rows, notes = [] }: Figures) {
  return {
    title,
    rows: rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index]]))),
    notes,
  };
}

function shown(cell: Cell): string {
  if (cell === undefined) return "-";
  return typeof cell === "number" ? cell.toLocaleString("en-US", { maximumFractionDigits: 2 }) : cell;
}

/** The middle one of the values; the upper one of two. Throws for none. */
export function median(values: readonly number[]): number {
  const middle = [...values].sort((a, b) => a - b)[values.length >> 1];
  if (middle === undefined) throw new RangeError("no values");
  return middle;
}
