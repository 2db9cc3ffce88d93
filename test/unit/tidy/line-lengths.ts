import { parseAst } from "vitest/node";

/** A line that is too long. Lines count from 1. */
export interface LongLine {
  readonly line: number;
  readonly length: number;
}

export const MAX_LENGTH = 120;

/**
 * The lines of a TypeScript module that are too long. A line may be longer if most of it is one string, template or
 * regular expression, which can't be broken.
 */
export function longLinesOfCode(code: string): readonly LongLine[] {
  const long = longLines(code);
  if (long.length === 0) return [];
  const literals = literalsOf(parseAst(code, { lang: "ts" }));
  return long.filter(({ start, length }) => {
    const covered = literals.map((one) => Math.min(one.end, start + length) - Math.max(one.start, start));
    return Math.max(0, ...covered) < length / 2;
  });
}

/**
 * The lines of a Markdown document that are too long. Code, tables, HTML and lines with nothing but a link don't count.
 */
export function longLinesOfProse(markdown: string): readonly LongLine[] {
  const lines = markdown.split("\n");
  const isFence = (line: string) => line.trimStart().startsWith("```");
  return longLines(markdown).filter(({ line }) => {
    const text = lines[line - 1]?.trim() ?? "";
    const inCode = lines.slice(0, line - 1).filter(isFence).length % 2 === 1;
    return !inCode && !/^[|<]/.test(text) && !isOneWord(text);
  });
}

/** True for a list item or a paragraph that can't be broken, because it is one word or one link. */
function isOneWord(text: string): boolean {
  const words = text.replace(/^(?:[-*>]|\d+\.) /, "").replaceAll(/!?\[[^\]]*\](?:\([^)]*\)|: \S+)/g, "link");
  return !/\s/.test(words);
}

interface Placed extends LongLine {
  /** The offset of the line's first character. */
  readonly start: number;
}

function longLines(text: string): readonly Placed[] {
  let start = 0;
  const placed = text.split("\n").map((content, index) => {
    const found = { line: index + 1, length: content.length, start };
    start += content.length + 1;
    return found;
  });
  return placed.filter(({ length }) => length > MAX_LENGTH);
}

interface Span {
  readonly start: number;
  readonly end: number;
}

function literalsOf(node: unknown): readonly Span[] {
  if (Array.isArray(node)) return node.flatMap(literalsOf);
  if (typeof node !== "object" || node === null || !("type" in node)) return [];
  const isLiteral = node.type === "Literal" || node.type === "TemplateLiteral";
  return isLiteral && isSpan(node) ? [node] : Object.values(node).flatMap(literalsOf);
}

function isSpan(node: object): node is Span {
  return "start" in node && "end" in node && typeof node.start === "number" && typeof node.end === "number";
}
