import { parseArgs } from "node:util";
import { nearest } from "../../shared/base/nearest.ts";
import type { Engine } from "./engine.ts";

/** The parsed command line. */
export interface SuiteOptions {
  readonly engines: readonly Engine[];
  readonly install: boolean;
  readonly quick: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

/** The text of `--help`. */
export function helpText(engines: readonly Engine[]): string {
  const width = Math.max(...engines.map(({ name }) => name.length));
  const rows = engines.map(({ name, about, needs, inQuick }) => {
    const use = `needs ${needs.join(", ") || "nothing"}${inQuick ? "" : "; not in --quick"}`;
    return `  ${name.padEnd(width)}  ${about} (${use})`;
  });
  return `npm run engines -- [options]

Compares the project with programs that others have written. Prints a table for each; a difference that is not listed
with its reason fails, and so does a listed one that does not occur any more. An engine is skipped where the host lacks
what it needs.

  --install    install the engines from their registries into .engines/, and compare nothing
  --only NAME  only this engine; several times for several
  --quick      compare less, and leave out what takes long
  --json       print the results as JSON
  --help       print this text

${rows.join("\n")}

Progress goes to stderr, with the minutes and seconds since the start. Exit codes: 0 all engines agree or are skipped, 1 one differs, fails or is not installed,
2 wrong usage. Ctrl-C ends the command and all that it has started.
`;
}

/** What the command line asks for. @throws Error that says what is wrong with it */
export function parseOptions(parameters: readonly string[], all: readonly Engine[]): SuiteOptions {
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      install: { type: "boolean", default: false },
      only: { type: "string", multiple: true },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false, short: "h" },
    },
  });
  const { only, ...flags } = values;
  const unknown = only?.find((name) => !all.some((engine) => engine.name === name));
  if (unknown !== undefined) {
    const names = all.map(({ name }) => name);
    const meant = nearest(unknown, names);
    const suggestion = meant === undefined ? "" : `Did you mean ${meant}? `;
    throw new Error(`There is no engine ${unknown}. ${suggestion}There are: ${names.join(", ")}.`);
  }
  // What is asked for by its name is not left out.
  const engines = all.filter(({ name, inQuick }) => (only ? only.includes(name) : inQuick || !flags.quick));
  return { ...flags, engines };
}
