import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import * as z from "zod";
import { type Asked, askedOf, DEFAULT_POLICY_SERVICES, help, UsageError } from "./options.ts";
import { type PolicyName, type RolloutFigures, rehearse } from "./rehearsal.ts";
import { asText, type Cost } from "./report.ts";

const TELL_EVERY_MS = 2_000;
/** For V8: rather collect garbage more often than let the heap grow. */
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
  let asked: Asked | undefined;
  try {
    asked = await askedOf(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n\n${help}`);
    return 2;
  }
  if (!asked) {
    process.stdout.write(help);
    return 0;
  }
  const { figures, cost } = asked.policy === "both" ? await both(asked) : await here(asked, asked.policy);
  process.stdout.write(asked.json ? `${JSON.stringify({ figures, cost }, null, 2)}\n` : `${asText(figures, cost)}\n`);
  return figures.every(({ problems }) => problems.length === 0) ? 0 : 1;
}

/** The default policy has a process of its own, beside this one's unlimited policy. */
async function both(asked: Asked): Promise<Rehearsed> {
  const other = elsewhere(asked, "default");
  // The first to fail tells; the other one's rejection must not go unheard meanwhile.
  const [unlimited, byDefault] = await Promise.all([here(asked, "unlimited"), other]);
  return {
    figures: [...unlimited.figures, ...byDefault.figures],
    cost: {
      wallSeconds: Math.max(unlimited.cost.wallSeconds, byDefault.cost.wallSeconds),
      cpuSeconds: unlimited.cost.cpuSeconds + byDefault.cost.cpuSeconds,
      peakMemoryMiB: unlimited.cost.peakMemoryMiB + byDefault.cost.peakMemoryMiB,
    },
  };
}

async function here(asked: Asked, policy: PolicyName): Promise<Rehearsed> {
  const { regions, changes, seed, faults } = asked;
  const services = policy === "default" ? Math.min(asked.services, DEFAULT_POLICY_SERVICES) : asked.services;
  const computeFor = asked.computeFor ?? asked.services;
  const figures = await rehearse({
    services,
    regions,
    policy,
    changes,
    seed,
    faults,
    ...(computeFor !== services && { computeFor }),
    onProgress: nowAndThen((line) => process.stderr.write(`${line}\n`)),
  });
  const { user, system } = process.cpuUsage();
  const cost = {
    wallSeconds: performance.now() / 1000,
    cpuSeconds: (user + system) / 1e6,
    peakMemoryMiB: process.resourceUsage().maxRSS / 1024,
  };
  return { figures, cost };
}

/** The same rehearsal by another policy, in a process of its own. */
async function elsewhere(asked: Asked, policy: PolicyName): Promise<Rehearsed> {
  const options = [
    ...["--policy", policy, "--json", "--services", String(asked.services), "--regions", String(asked.regions)],
    ...["--seed", String(asked.seed), ...asked.changes.map((change) => `--${change}`)],
    ...(asked.faultsFile === undefined ? [] : ["--faults", asked.faultsFile]),
  ];
  // It is to stay small beside the other one.
  const child = spawn(process.execPath, [...process.execArgv, ...SMALL_HEAP, import.meta.filename, ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [out] = await Promise.all([text(child.stdout), ended(child)]);
  return rehearsedSchema.parse(JSON.parse(out));
}

/** Resolves at exit code 0 or 1: a process that ended otherwise has no figures. */
function ended(child: ReturnType<typeof spawn>): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      if (code === 0 || code === 1) resolve();
      else reject(new Error(`the default policy's process ended with ${code ?? signal}`));
    });
  });
}

function nowAndThen(tell: (line: string) => void): (line: string) => void {
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return (line) => {
    if (performance.now() - toldAtMs < TELL_EVERY_MS) return;
    toldAtMs = performance.now();
    tell(line);
  };
}

process.exitCode = await main(process.argv.slice(2));
// The lab's schedules would go on for ever.
process.exit();
