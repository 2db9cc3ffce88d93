import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import * as z from "zod";
import { DEFAULT_POLICY_SERVICES, help, OptionsError, parseArguments, type RehearsalArguments } from "./options.ts";
import { type PolicyName, type RolloutFigures, rehearse } from "./rehearsal.ts";
import { type Cost, rehearsalText } from "./report.ts";

const PROGRESS_INTERVAL_MS = 2_000;
/** V8 options: collect garbage more often instead of growing the heap. */
const SMALL_HEAP = ["--max-old-space-size=160", "--max-semi-space-size=4", "--heap-growing-percent=20"];

interface Rehearsed {
  readonly figures: readonly RolloutFigures[];
  readonly cost: Cost;
}

const rehearsedSchema = z.object({
  figures: z.array(z.custom<RolloutFigures>((value) => typeof value === "object" && value !== null)),
  cost: z.object({ wallSeconds: z.number(), cpuSeconds: z.number(), peakMemoryMiB: z.number() }),
});

/** Runs the command. Returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  let parsed: RehearsalArguments | undefined;
  try {
    parsed = await parseArguments(args);
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    process.stderr.write(`${error.message}\n\n${help}`);
    return 2;
  }
  if (!parsed) {
    process.stdout.write(help);
    return 0;
  }
  const { figures, cost } = parsed.policy === "both" ? await both(parsed) : await inThisProcess(parsed, parsed.policy);
  process.stdout.write(
    parsed.json ? `${JSON.stringify({ figures, cost }, null, 2)}\n` : `${rehearsalText(figures, cost)}\n`,
  );
  return figures.every(({ problems }) => problems.length === 0) ? 0 : 1;
}

/** Rehearses the unlimited policy in this process, and the default policy in another one at the same time. */
async function both(parsed: RehearsalArguments): Promise<Rehearsed> {
  const other = inAnotherProcess(parsed, "default");
  // Promise.all attaches handlers to both, so that no rejection goes unhandled. The first error is thrown.
  const [unlimited, byDefault] = await Promise.all([inThisProcess(parsed, "unlimited"), other]);
  return {
    figures: [...unlimited.figures, ...byDefault.figures],
    cost: {
      wallSeconds: Math.max(unlimited.cost.wallSeconds, byDefault.cost.wallSeconds),
      cpuSeconds: unlimited.cost.cpuSeconds + byDefault.cost.cpuSeconds,
      peakMemoryMiB: unlimited.cost.peakMemoryMiB + byDefault.cost.peakMemoryMiB,
    },
  };
}

async function inThisProcess(parsed: RehearsalArguments, policy: PolicyName): Promise<Rehearsed> {
  const { regions, changes, seed, faults, latency } = parsed;
  const services = policy === "default" ? Math.min(parsed.services, DEFAULT_POLICY_SERVICES) : parsed.services;
  const computeFor = parsed.computeFor ?? parsed.services;
  const figures = await rehearse({
    services,
    regions,
    policy,
    changes,
    seed,
    latency,
    faults,
    ...(computeFor !== services && { computeFor }),
    onProgress: throttled((line) => process.stderr.write(`${line}\n`)),
  });
  const { user, system } = process.cpuUsage();
  const cost = {
    wallSeconds: performance.now() / 1000,
    cpuSeconds: (user + system) / 1e6,
    peakMemoryMiB: process.resourceUsage().maxRSS / 1024,
  };
  return { figures, cost };
}

/** Runs the same rehearsal with another policy in a process of its own. */
async function inAnotherProcess(parsed: RehearsalArguments, policy: PolicyName): Promise<Rehearsed> {
  const options = [
    ...["--policy", policy, "--json", "--services", String(parsed.services), "--regions", String(parsed.regions)],
    ...["--seed", String(parsed.seed), ...parsed.changes.map((change) => `--${change}`)],
    ...(parsed.faultsFile === undefined ? [] : ["--faults", parsed.faultsFile]),
  ];
  // The machine's memory has to suffice for both processes.
  const child = spawn(process.execPath, [...process.execArgv, ...SMALL_HEAP, import.meta.filename, ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [out] = await Promise.all([text(child.stdout), ended(child)]);
  return rehearsedSchema.parse(JSON.parse(out));
}

/** Resolves at exit code 0 or 1. Rejects otherwise, because the process printed no figures then. */
function ended(child: ReturnType<typeof spawn>): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      if (code === 0 || code === 1) resolve();
      else reject(new Error(`the default policy's process ended with ${code ?? signal}`));
    });
  });
}

/** Passes on at most one line per interval. */
function throttled(write: (line: string) => void): (line: string) => void {
  let writtenAtMs = Number.NEGATIVE_INFINITY;
  return (line) => {
    if (performance.now() - writtenAtMs < PROGRESS_INTERVAL_MS) return;
    writtenAtMs = performance.now();
    write(line);
  };
}

process.exitCode = await main(process.argv.slice(2));
// The lab's schedules never end by themselves.
process.exit();
