import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import { type CliContext, hasColor, type Screen } from "../runtime/context.ts";

const codes = { dim: "2", bold: "1", green: "32", red: "31", yellow: "33", cyan: "36" } as const;

export type Style = keyof typeof codes;
/** Puts a text into a style. */
export type Styler = (text: string, style: Style) => string;

/** Styles by the terminal's escape codes, or none. */
export function styler(color: boolean): Styler {
  return color ? (text, style) => `\u001b[${codes[style]}m${text}\u001b[0m` : (text) => text;
}

/** What text is laid out for. */
export interface Terminal {
  readonly style: Styler;
  /** Infinite for a pipe or a file: nothing is cut there. */
  readonly columns: number;
}

export function terminalOf(screen: Screen, environment: CliContext["environment"]): Terminal {
  return {
    style: styler(hasColor(screen, environment)),
    columns: screen.isTTY ? screen.columns : Number.POSITIVE_INFINITY,
  };
}

/** How many columns the text takes: styles take none, wide characters two. */
export function displayWidth(text: string): number {
  return stringWidth(text);
}

/**
 * The text without what could control a terminal or reorder its line: escape sequences, control characters, marks of
 * direction. For every text that others have written: reasons, names, messages of AWS. A line break becomes a blank.
 */
export function printable(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/\p{Bidi_Control}/gu, "");
}

/** The text in at most `columns` columns. A text that is too long ends in `…`, without styles. */
export function fitted(text: string, columns: number): string {
  return displayWidth(text) <= columns ? text : cut(stripVTControlCharacters(text), columns);
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** The text in at most `columns` columns. `…` replaces the end, or the middle if `keepEnd` is set. */
export function cut(text: string, columns: number, { keepEnd = false }: { readonly keepEnd?: boolean } = {}): string {
  if (displayWidth(text) <= columns) return text;
  const characters = [...graphemes.segment(text)].map(({ segment }) => segment);
  const room = Math.max(0, columns - 1);
  const tail = keepEnd ? Math.floor(room / 2) : 0;
  const end = within(characters.reverse(), tail).reverse().join("");
  return `${within(characters.reverse(), room - tail).join("")}…${end}`;
}

/** The first characters, as many as have room. */
function within(characters: readonly string[], columns: number): string[] {
  let width = 0;
  const overflow = characters.findIndex((character) => {
    width += displayWidth(character);
    return width > columns;
  });
  return characters.slice(0, overflow < 0 ? characters.length : overflow);
}
