/** Sends odd input to everything that takes what others send: `npm run fuzz`. */
import * as z from "zod";
import { optionsOrHelp, wholeNumber } from "../../lab/command-options.ts";
import type { Outcome } from "./subjects/subject.ts";
import { subjects } from "./subjects.ts";

const help = `npm run fuzz -- [options]

Sends odd input to everything that takes what others send: events, tags, task definitions, certificates, answers of
AWS, Kubernetes and Slack, items of the ledger, inputs of steps, the configuration, the command line, the lab's HTTP.
Each input is taken, or refused by a named reason. The seed alone decides the inputs. A failed run is printed with its
smallest input, and with the command that replays it. The tests do the same with fewer runs.

  --runs N     the number of runs of an ordinary subject (default 2000); an expensive one has fewer
  --seed S     the seed (default 1)
  --path P     replay the run that was printed with this path; takes --only and --seed as well
  --only TEXT  only subjects whose name has this text
  --list       print the names of the subjects
  --json       print the result as JSON
  --help       print this text

Exit codes: 0 nothing broke, 1 something broke, 2 wrong usage.
`;

const options = {
  runs: { type: "string", default: "2000" },
  seed: { type: "string", default: "1" },
  path: { type: "string" },
  only: { type: "string", default: "" },
  list: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

const valuesSchema = z
  .object({
    runs: wholeNumber(1, 10_000_000),
    // fast-check's seeds have 32 bits.
    seed: wholeNumber(-(2 ** 31), 2 ** 31 - 1),
    path: z
      .string()
      .regex(/^\d+(:\d+)*$/, "must be as a failed run prints it, such as 12:0:3")
      .optional(),
    only: z.string(),
    list: z.boolean(),
    json: z.boolean(),
    help: z.boolean(),
  })
  .refine(({ path, only }) => path === undefined || only !== "", "--path is of one subject: give --only, too");

const write = (line: string) => process.stdout.write(`${line}\n`);

/** Runs the command. Returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const values = optionsOrHelp(args, { options, schema: valuesSchema, help });
  if (values === undefined) return 2;
  const { runs, seed, path, only, list, json } = values;
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const chosen = subjects.filter(({ name }) => name.includes(only));
  if (list) {
    for (const { name } of chosen) write(name);
    return 0;
  }
  if (chosen.length === 0) {
    process.stderr.write(`No subject's name has "${only}". See --list.\n`);
    return 2;
  }
  const outcomes: (Outcome & { readonly name: string })[] = [];
  for (const { name, cost, fuzz } of chosen) {
    const outcome = { name, ...(await fuzz({ runs: Math.max(1, Math.round(runs / cost)), seed, path })) };
    outcomes.push(outcome);
    if (!json) for (const line of linesOf(outcome)) write(line);
  }
  const broken = outcomes.filter(({ failure }) => failure !== undefined);
  if (json) write(JSON.stringify({ seed, subjects: outcomes }, null, 2));
  else write(`${outcomes.length} subjects from seed ${seed}, ${broken.length} broken`);
  return broken.length > 0 ? 1 : 0;
}

/** Longer inputs are in the JSON. */
const SHOWN_LENGTH = 1500;

function linesOf({ name, runs, milliseconds, answers, failure }: Outcome & { readonly name: string }) {
  const counts = Object.entries(answers).sort(([, one], [, other]) => other - one);
  const said = counts.map(([word, count]) => `${word} ${count}`).join(", ");
  const state = failure ? "BROKEN" : "ok    ";
  const line = `${state} ${name.padEnd(24)} ${String(runs).padStart(7)} runs ${String(milliseconds).padStart(6)} ms  ${said}`;
  if (!failure) return [line];
  const { seed, path, input, error } = failure;
  return [
    line,
    `  input   ${input.slice(0, SHOWN_LENGTH)}`,
    ...error
      .split("\n")
      .slice(0, 8)
      .map((text) => `  ${text}`),
    `  replay  npm run fuzz -- --only ${JSON.stringify(name)} --seed ${seed} --path ${path}`,
  ];
}

// A reader such as `head` closes the pipe early.
process.stdout.on("error", () => process.exit());
process.exitCode = await main(process.argv.slice(2));
// The labs' schedules never end by themselves.
process.exit();
