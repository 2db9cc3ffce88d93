import * as z from "zod";
import { optionsOrHelp, wholeNumber } from "../command-options.ts";
import { type KnownViolation, knownViolations } from "./known.ts";
import { keepsRecords, type Run, runOf } from "./run.ts";
import { timelineOf } from "./timeline.ts";

const help = `npm run campaign -- [options]

Runs random actions and faults on the lab, in virtual time: fleets, tags, deployments, root CAs, images, operators, and
faults of every kind. When the faults have ended and the lab is idle, it checks the invariants. The seed alone decides
a run. Violations that are known and not mended yet (lab/campaign/known.ts) count apart; after the runs, each of them
must show with its seed.

  --runs N       the number of runs (default 100)
  --seed S       the first run's seed; each further run counts up from it (default 1)
  --replay SEED  only the run with this seed
  --until-broken end with the first run that is broken
  --no-latency   calls take no time, so that nothing happens between a read and its write
  --verbose      print the timeline of every broken run, or of the replayed one
  --json         print the result as JSON
  --help         print this text

Exit codes: 0 every run is fine, 1 a run is broken, 2 wrong usage. Ctrl-C stops and reports the runs so far.
`;

const options = {
  runs: { type: "string", default: "100" },
  seed: { type: "string", default: "1" },
  replay: { type: "string" },
  "until-broken": { type: "boolean", default: false },
  "no-latency": { type: "boolean", default: false },
  verbose: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

const valuesSchema = z.object({
  runs: wholeNumber(1, 1_000_000),
  seed: wholeNumber(0),
  replay: wholeNumber(0).optional(),
  "until-broken": z.boolean(),
  "no-latency": z.boolean(),
  verbose: z.boolean(),
  json: z.boolean(),
  help: z.boolean(),
});

interface Failure {
  readonly seed: number;
  readonly broken: readonly string[];
}

const write = (line: string) => process.stdout.write(`${line}\n`);
const progress = (line: string) => process.stderr.write(`${line}\n`);

/** Runs the command. Returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const values = optionsOrHelp(args, { options, schema: valuesSchema, help });
  if (values === undefined) return 2;
  if (values.help) {
    write(help);
    return 0;
  }
  const { replay, verbose, json, "no-latency": noLatency, "until-broken": untilBroken } = values;
  const [first, runs] = replay === undefined ? [values.seed, values.runs] : [replay, 1];
  const failures: Failure[] = [];
  const known = new Map<KnownViolation, number[]>();
  const startedMs = performance.now();
  let stopped = false;
  process.once("SIGINT", () => {
    stopped = true;
    progress("Stopping after this run. Press Ctrl-C again to stop at once.");
  });
  let done = 0;
  let rolls = 0;
  for (; done < runs && !stopped && !(untilBroken && failures.length > 0); done += 1) {
    const seed = first + done;
    const run = await runOf(seed, { keepRecords: verbose || keepsRecords(seed), latency: !noLatency });
    rolls += run.figures.rolls;
    for (const one of run.known) known.set(one, [...(known.get(one) ?? []), seed]);
    if (run.broken.length > 0) failures.push({ seed: run.seed, broken: run.broken });
    if (!json && (run.broken.length > 0 || replay !== undefined)) for (const line of report(run, verbose)) write(line);
    if ((done + 1) % 25 === 0) progress(`${done + 1} of ${runs} runs, ${failures.length} broken`);
    // Without this pause the event loop would never handle Ctrl-C, because virtual time keeps it busy.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const mended = replay === undefined && !noLatency && !stopped ? await nowMended() : [];
  const figures = { runs: done, firstSeed: first, rolls, seconds, msPerRun: Math.round((seconds * 1000) / done) };
  const ofKnown = [...known].map(([{ invariant, mendedBy }, seeds]) => ({ invariant, mendedBy, seeds }));
  if (json) write(JSON.stringify({ ...figures, failures, known: ofKnown, mended }, null, 2));
  else {
    for (const { invariant, seeds, mendedBy } of ofKnown)
      write(
        `known: "${invariant}" did not hold in ${seeds.length} runs, the first with seed ${seeds[0]}; it takes ${mendedBy}`,
      );
    for (const { invariant, seed } of mended)
      write(`seed ${seed} no longer shows that "${invariant}" is violated: take it from lab/campaign/known.ts`);
    write(`${done} runs from seed ${first}, ${rolls} rolls, ${failures.length} broken, ${figures.msPerRun} ms a run`);
  }
  return failures.length > 0 || mended.length > 0 ? 1 : 0;
}

/** The known violations that their seed does not show any more. */
async function nowMended(): Promise<readonly KnownViolation[]> {
  const mended: KnownViolation[] = [];
  for (const one of knownViolations) {
    const { known } = await runOf(one.seed, { keepRecords: keepsRecords(one.seed) });
    if (!known.includes(one)) mended.push(one);
  }
  return mended;
}

function report(run: Run, verbose: boolean): readonly string[] {
  const { seed, broken, digest, figures } = run;
  const { services, rolls, rollouts, hours } = figures;
  const counts = `${services} services, ${rollouts} rollouts, ${rolls} rolls in ${hours.toFixed(1)} hours of lab time`;
  return [
    ...(verbose ? timelineOf(run) : []),
    `seed ${seed}: ${broken.length === 0 ? "ok" : "BROKEN"} (${counts}, ${digest})`,
    ...broken.map((what) => `  ${what}`),
    ...run.known.map(({ invariant }) => `  known: "${invariant}" does not hold`),
    ...(broken.length > 0 ? [`  npm run campaign -- --replay ${seed} --verbose`] : []),
  ];
}

// A reader such as `head` closes the pipe early.
process.stdout.on("error", () => process.exit());
process.exitCode = await main(process.argv.slice(2));
// The labs' schedules never end by themselves.
process.exit();
