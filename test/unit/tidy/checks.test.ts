import { describe, expect, it } from "vitest";
import { exportedNames, sharedNames } from "./exported-names.ts";
import { idiomsIn } from "./idioms.ts";
import { longLinesOfCode, longLinesOfProse, MAX_LENGTH } from "./line-lengths.ts";

const words = (characters: number) => "word ".repeat(characters / 5 + 1).slice(0, characters);

describe("the check of idioms", () => {
  it.each([
    ["// Whoever drives the queue", "Whoever"],
    ["const told = 1;", "told"],
    ["state.toldRefusals", "toldRefusals"],
    ["It is in order.", "in order"],
    ["What the fleet's newest wave has", "What the fleet's newest wave has"],
    ["the way back", "way back"],
    ["a list that is none", "that is none"],
    ["The file is no list.", "is no list"],
    ["Behaviour of colour", "Behaviour"],
    ["Serialised once", "Serialised"],
  ])("finds the phrase in %j", (text, found) => {
    expect(idiomsIn(text)[0]).toEqual({ line: 1, found, instead: expect.stringMatching(/^\S/) });
  });

  it.each([
    ["/**\n * A roll that gives\n * way to another.\n */", 2, "gives way"],
    ["code();\n  // It is taken\n  // back.", 2, "taken back"],
    ["# Title\n\nThe service goes\nback to it.", 3, "goes back"],
    ["> It was\n> put\n> right.", 2, "put right"],
  ])("finds a phrase over two lines in %j", (text, line, found) => {
    expect(idiomsIn(text)).toEqual([expect.objectContaining({ line, found })]);
  });

  it("finds every phrase with its line", () => {
    expect(idiomsIn("whatever\nfine\nfor ever, but for one").map(({ line, found }) => `${line} ${found}`)).toEqual([
      "1 whatever",
      "3 for ever",
      "3 but for",
    ]);
  });

  it.each([
    "in order to reconcile",
    "Look at the service in ECS.",
    "There is no control plane, and it is no longer needed.",
    "as long as, so long as",
    "behavior, color, wise, organization",
    "a storyteller, endearing, foldout",
  ])("accepts %j", (text) => {
    expect(idiomsIn(text)).toEqual([]);
  });
});

describe("the check of lines", () => {
  it("finds long comments and long code, with their lines and lengths", () => {
    const code = `const a = 1;\n// ${words(MAX_LENGTH)}\nconst b = [${"1, ".repeat(50)}];\n`;
    expect(longLinesOfCode(code)).toEqual([
      expect.objectContaining({ line: 2, length: MAX_LENGTH + 3 }),
      expect.objectContaining({ line: 3 }),
    ]);
  });

  it.each([
    ["a string", `const a = "${words(MAX_LENGTH)}";`],
    ["a template", `const a = \`${words(MAX_LENGTH)} \${b} ${words(20)}\`;`],
    ["a line in a template", `const a = \`\n${words(MAX_LENGTH + 20)}\n\`;`],
    ["a test's title", `it("${words(MAX_LENGTH)}", () => {});`],
    ["a string after other alphabets", `// ${"é愛".repeat(40)}\nconst a = "${words(MAX_LENGTH)}";`],
    ["a regular expression", `const a = /${"x".repeat(MAX_LENGTH)}/;`],
  ])("accepts %s that is too long", (_what, code) => {
    expect(longLinesOfCode(code)).toEqual([]);
  });

  it("finds a long comment after a string", () => {
    expect(longLinesOfCode(`const a = "${words(20)}"; // ${words(MAX_LENGTH)}`)).toHaveLength(1);
  });

  it("accepts lines of exactly the maximum length", () => {
    expect(longLinesOfCode(`// ${words(MAX_LENGTH - 3)}`)).toEqual([]);
    expect(longLinesOfProse(words(MAX_LENGTH))).toEqual([]);
  });

  it("finds long prose, list items and quotes", () => {
    const prose = ["", "- ", "1. ", "> ", "See [this](https://example.com), "];
    for (const start of prose) expect(longLinesOfProse(`# Title\n\n${start}${words(MAX_LENGTH + 1)}`)).toHaveLength(1);
  });

  it.each([
    ["a table", `| a | ${words(MAX_LENGTH)} |`],
    ["code", `\`\`\`sh\n${words(MAX_LENGTH + 1)}\n\`\`\``],
    ["a link", `- [${words(80)}](https://example.com/${"x".repeat(60)})`],
    ["a URL", `https://example.com/${"x".repeat(MAX_LENGTH)}`],
    ["an image", `<img src="https://example.com/${"x".repeat(MAX_LENGTH)}" alt="${words(20)}">`],
  ])("accepts %s that is too long", (_what, markdown) => {
    expect(longLinesOfProse(markdown)).toEqual([]);
  });

  it("finds long prose after code", () => {
    expect(longLinesOfProse(`\`\`\`sh\nls\n\`\`\`\n${words(MAX_LENGTH + 1)}`)).toHaveLength(1);
  });
});

describe("the check of names", () => {
  it("reads every kind of export", () => {
    const code = [
      "export function a(): void;",
      "export function a(b?: number): void {}",
      "export async function b() {}",
      "export const c = 1;",
      "export type D = string;",
      "export interface E {}",
      "export abstract class F {}",
      "const local = 1;",
      '  const text = "export const g = 1";',
      'export { h } from "./h.ts";',
    ];
    expect(exportedNames(code.join("\n"))).toEqual(["a", "b", "c", "D", "E", "F"]);
  });

  it("finds the names that two modules export", () => {
    const modules = [
      { path: "b.ts", code: "export const read = 1;\nexport const own = 1;" },
      { path: "a.ts", code: "export function read() {}" },
      { path: "c.ts", code: "const read = 1;" },
    ];
    expect(sharedNames(modules)).toEqual([{ name: "read", paths: ["a.ts", "b.ts"] }]);
  });
});
