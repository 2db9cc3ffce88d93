/** Plants faults and lets the campaign find them: `npm run planted`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
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

Exit codes: 0 every fault is found, 1 one is not or the command was stopped, 2 wrong usage. Ctrl-C ends the command and removes the copy.
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
async function main(args: readonly string[]): Promise<number> {
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
  if (values.list) {
    for (const { name, race, seed } of chosen) write(`${name}: ${race} (seed ${seed})`);
    return 0;
  }
  // The campaign gets the signal, too, and ends after its run.
  let isStopped = false;
  process.once("SIGINT", () => {
    isStopped = true;
  });
  let missed = 0;
  for (const fault of chosen) {
    const isFound = await finds(fault, { runs: values.runs, seed: values.seed ?? fault.seed });
    if (isStopped) break;
    if (!isFound) missed += 1;
  }
  return missed > 0 || isStopped ? 1 : 0;
}

/** True if a run of the campaign is broken by the fault. Prints what was found. */
async function finds(
  fault: PlantedFault,
  { runs, seed }: { readonly runs: number; readonly seed: number },
): Promise<boolean> {
  const copy = mkdtempSync(join(tmpdir(), "ztunnel-autopilot-planted-"));
  try {
    for (const name of COPIED) cpSync(join(ROOT, name), join(copy, name), { recursive: true, filter: isSource });
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
    for (const edit of fault.edits) {
      const file = join(copy, edit.file);
      writeFileSync(file, applied(edit, readFileSync(file, "utf8")));
    }
    const campaign = ["lab/campaign/main.ts", "--runs", `${runs}`, "--seed", `${seed}`, "--until-broken", "--json"];
    const ran = spawn(process.execPath, campaign, { cwd: copy, stdio: ["ignore", "pipe", "inherit"] });
    const [output, [, signal]] = await Promise.all([text(ran.stdout), once(ran, "close")]);
    if (signal !== null) throw new Error(`${fault.name}: the campaign was ended by ${String(signal)}.`);
    const { failures, runs: done } = resultSchema.parse(JSON.parse(output));
    const [first] = failures;
    if (first === undefined && done < runs) write(`stopped ${fault.name}: ${done} of ${runs} runs from seed ${seed}`);
    else if (first === undefined) write(`MISSED  ${fault.name}: ${fault.race}: ${done} runs from seed ${seed}`);
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

process.exitCode = await main(process.argv.slice(2));
