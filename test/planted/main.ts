/** Plants faults and lets the campaign find them: `npm run planted`. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { optionsOrHelp, wholeNumber } from "../../lab/command-options.ts";
import { applied } from "./applied.ts";
import { type PlantedFault, plantedFaults } from "./faults.ts";

const help = `npm run planted -- [options]

Plants each fault of test/planted/faults.ts in a copy of the product and runs the campaign on the copy until a run is
broken: what the campaign can't find there, it would not find in the product either.

  --only NAME  only the faults whose name has this text
  --runs N     at most this number of runs for each fault (default 200)
  --seed S     the first run's seed (default: the seed that shows the fault)
  --list       print the faults
  --help       print this text

Exit codes: 0 every fault is found, 1 one is not, 2 wrong usage. Ctrl-C ends the command and removes the copy.
`;

const options = {
  only: { type: "string", default: "" },
  runs: { type: "string", default: "200" },
  seed: { type: "string" },
  list: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

const valuesSchema = z.object({
  only: z.string(),
  runs: wholeNumber(1),
  seed: wholeNumber(0).optional(),
  list: z.boolean(),
  help: z.boolean(),
});

/** What the campaign prints of its runs. */
const resultSchema = z.object({
  runs: z.number(),
  failures: z.array(z.object({ seed: z.number(), broken: z.array(z.string()) })),
});

const ROOT = join(import.meta.dirname, "../..");
const COPIED = ["shared", "functions", "lab", "simulator", "stacks", "cli", "package.json", "autopilot.config.ts"];

const write = (line: string) => process.stdout.write(`${line}\n`);

/** Runs the command. Returns the exit code. */
function main(args: readonly string[]): number {
  const values = optionsOrHelp(args, { options, schema: valuesSchema, help });
  if (values === undefined) return 2;
  if (values.help) {
    write(help);
    return 0;
  }
  const chosen = plantedFaults.filter(({ name }) => name.includes(values.only));
  if (chosen.length === 0) {
    process.stderr.write(`No fault's name has "${values.only}". See --list.\n`);
    return 2;
  }
  let missed = 0;
  for (const fault of chosen) {
    if (values.list) write(`${fault.name}: ${fault.race} (seed ${fault.seed})`);
    else if (!isFound(fault, { runs: values.runs, seed: values.seed ?? fault.seed })) missed += 1;
  }
  return missed > 0 ? 1 : 0;
}

function isFound(fault: PlantedFault, { runs, seed }: { readonly runs: number; readonly seed: number }): boolean {
  const copy = mkdtempSync(join(tmpdir(), "ztunnel-autopilot-planted-"));
  try {
    for (const name of COPIED) cpSync(join(ROOT, name), join(copy, name), { recursive: true, filter: isSource });
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
    for (const edit of fault.edits) {
      const file = join(copy, edit.file);
      writeFileSync(file, applied(edit, readFileSync(file, "utf8")));
    }
    const campaign = ["lab/campaign/main.ts", "--runs", `${runs}`, "--seed", `${seed}`, "--until-broken", "--json"];
    const ran = spawnSync(process.execPath, campaign, {
      cwd: copy,
      encoding: "utf8",
      maxBuffer: 2 ** 26,
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (ran.signal !== null) throw new Error(`${fault.name}: the campaign was ended by ${ran.signal}.`);
    const { failures, runs: done } = resultSchema.parse(JSON.parse(ran.stdout));
    const [first] = failures;
    if (first === undefined) write(`MISSED  ${fault.name}: ${fault.race}: ${done} runs from seed ${seed}`);
    else write(`found   ${fault.name}: ${fault.race}: seed ${first.seed}, run ${done} from ${seed}`);
    for (const violation of first?.broken ?? []) write(`          ${violation}`);
    return first !== undefined;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function isSource(path: string): boolean {
  return !path.includes("node_modules");
}

process.exitCode = main(process.argv.slice(2));
