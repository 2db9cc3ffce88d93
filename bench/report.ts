import { alignedTable } from "../lab/story/summary.ts";

/** A number, a text, or undefined where there is no value. */
export type FigureValue = number | string | undefined;

/** A table of figures: one row per subject, one column per figure. */
export interface Figures {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly FigureValue[])[];
  /** How the figures were measured, or which goals they have. */
  readonly notes?: readonly string[];
  /** Figures beyond their bounds, each as a sentence. */
  readonly broken?: readonly string[];
}

/** One part of the bench. `progress` takes lines about its progress. */
export interface Part {
  readonly name: string;
  readonly about: string;
  readonly measure: (
    progress: (line: string) => void,
    options: { readonly latency: boolean },
  ) => Promise<readonly Figures[]>;
}

/** The figures as a text table. Numbers are aligned to the right, texts to the left. */
export function asText({ title, columns, rows, notes = [], broken = [] }: Figures): string {
  const widths = columns.map((name, index) => Math.max(name.length, ...rows.map((row) => shown(row[index]).length)));
  const numeric = columns.map((_, index) => rows.every((row) => typeof row[index] !== "string"));
  const aligned = (cell: string, index: number) => (numeric[index] ? cell.padStart(widths[index] ?? 0) : cell);
  const body = rows.map((row) => columns.map((_, index) => aligned(shown(row[index]), index)));
  return [
    title,
    alignedTable([columns.map(aligned), ...body]),
    ...notes.map((note) => `  ${note}`),
    ...broken.map((one) => `  BROKEN: ${one}`),
  ].join("\n");
}

/** The figures as JSON, with one object per row. */
export function asJson({ title, columns, rows, notes = [], broken = [] }: Figures) {
  return {
    title,
    rows: rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index]]))),
    notes,
    broken,
  };
}

function shown(cell: FigureValue): string {
  if (cell === undefined) return "-";
  return typeof cell === "number" ? cell.toLocaleString("en-US", { maximumFractionDigits: 2 }) : cell;
}

/** The median, or the upper one of two middle values. Throws RangeError without values. */
export function median(values: readonly number[]): number {
  const middle = [...values].sort((a, b) => a - b)[values.length >> 1];
  if (middle === undefined) throw new RangeError("no values");
  return middle;
}
