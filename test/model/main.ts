/** Explores the protocols further than the tests do: `npm run model`. */
import * as z from "zod";
import { optionsOrHelp, wholeNumber } from "../../lab/command-options.ts";
import { scenarios } from "./scenarios.ts";

const help = `npm run model -- [options]

Runs the product's own functions in every order of their calls to the world outside, with crashes in between and with
late tries of a step, and checks what must hold in each. States that were seen are not entered again. The tests do the
same with fewer runs.

  --runs N     at most this number of runs for each scenario (default 20000)
  --only TEXT  only scenarios whose name has this text
  --list       print the names of the scenarios
  --help       print this text

Exit codes: 0 nothing is violated, 1 something is, 2 wrong usage.
`;

const options = {
  runs: { type: "string", default: "20000" },
  only: { type: "string", default: "" },
  list: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

const valuesSchema = z.object({
  runs: wholeNumber(1),
  only: z.string(),
  list: z.boolean(),
  help: z.boolean(),
});

const write = (line: string) => process.stdout.write(`${line}\n`);

/** Runs the command. Returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const values = optionsOrHelp(args, { options, schema: valuesSchema, help });
  if (values === undefined) return 2;
  if (values.help) {
    write(help);
    return 0;
  }
  const chosen = scenarios.filter(({ name }) => name.includes(values.only));
  if (values.list) {
    for (const { name } of chosen) write(name);
    return 0;
  }
  if (chosen.length === 0) {
    process.stderr.write(`No scenario's name has "${values.only}". See --list.\n`);
    return 2;
  }
  let broken = 0;
  for (const scenario of chosen) {
    const { states, runs, complete, violations } = await scenario.explore({ maxRuns: values.runs });
    const extent = complete ? "all states" : `the first ${runs} runs`;
    write(`${violations.size === 0 ? "holds" : "BROKEN"}  ${scenario.name}: ${states} states, ${extent}`);
    broken += violations.size;
    for (const [violation, trace] of violations) {
      write(`  ${violation}`);
      for (const line of trace) write(`    ${line}`);
    }
  }
  return broken > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
