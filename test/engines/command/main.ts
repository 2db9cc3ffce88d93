/** Compares the project with programs of others: `npm run engines`. */
import { resolve } from "node:path";
import { Children } from "../children.ts";
import type { Engine, EngineContext } from "../engine.ts";
import { helpText, parseOptions, type SuiteOptions } from "../options.ts";
import { timedProgress } from "../progress.ts";
import { isFine, outcomeText, summaryLine } from "../report.ts";
import { runSuite } from "../suite.ts";
import { lackOf } from "../tools.ts";
import { writeWhole } from "../write-whole.ts";
import { engines } from "./engines.ts";

const root = resolve(import.meta.dirname, "../../..");
const write = (line: string) => writeWhole(process.stdout, `${line}\n`);
const report = (line: string) => process.stderr.write(`${line}\n`);
const progress = timedProgress(report, () => performance.now());

/** Runs the command. Returns the exit code. */
async function main(parameters: readonly string[]): Promise<number> {
  const options = usage(parameters);
  if (options === undefined) return 2;
  if (options.help) {
    await write(helpText(engines));
    return 0;
  }
  const children = new Children();
  endWithCommand(children);
  const outcomes = await runSuite({
    ...options,
    contextOf: (engine) => contextOf(engine, options, children),
    lackOf,
    now: () => performance.now(),
  });
  await children.close();
  if (options.json) await write(JSON.stringify(outcomes, null, 2));
  else for (const outcome of outcomes) await write(`${outcomeText(outcome)}\n`);
  report(summaryLine(outcomes));
  return outcomes.every(isFine) ? 0 : 1;
}

function usage(parameters: readonly string[]): SuiteOptions | undefined {
  try {
    return parseOptions(parameters, engines);
  } catch (error) {
    report(`${error instanceof Error ? error.message : String(error)}\nSee npm run engines -- --help`);
    return undefined;
  }
}

function contextOf({ name }: Engine, { quick }: SuiteOptions, children: Children): EngineContext {
  return {
    folder: resolve(root, ".engines", name),
    sources: resolve(root, "test/engines", name),
    quick,
    children,
    progress: (line) => progress(`${name}: ${line}`),
  };
}

function endWithCommand(children: Children): void {
  for (const [name, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    process.once(name, () => {
      progress(`${name}: ending what was started.`);
      // The command ends even if that fails.
      void children.close().finally(() => process.exit(code));
    });
  }
  process.once("exit", () => children.kill());
}

process.exitCode = await main(process.argv.slice(2));
// The labs' schedules never end by themselves.
process.exit();
