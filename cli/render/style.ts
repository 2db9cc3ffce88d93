const codes = { dim: "2", bold: "1", green: "32", red: "31", yellow: "33", cyan: "36" } as const;

export type Style = keyof typeof codes;
/** Puts a text into a style. */
export type Styler = (text: string, style: Style) => string;

/** Styles by the terminal's escape codes, or none. */
export function styler(color: boolean): Styler {
  return color ? (text, style) => `\u001b[${codes[style]}m${text}\u001b[0m` : (text) => text;
}

const ESCAPE = String.fromCharCode(27);
const CODES = new RegExp(`${ESCAPE}\\[\\d+m`, "g");

/** How many columns the text takes: styles take none. */
export function visibleLength(text: string): number {
  return [...text.replace(CODES, "")].length;
}

/** The text in at most so many columns; what is too long ends in `…`, without styles. */
export function fitted(text: string, columns: number): string {
  if (visibleLength(text) <= columns) return text;
  return `${[...text.replace(CODES, "")].slice(0, Math.max(0, columns - 1)).join("")}…`;
}
