import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { playStory } from "./story.ts";
import { summary } from "./summary.ts";

const help = `npm start [-- options]

Plays the main job on the lab: services are tagged, deployed, created, broken and untagged; the autopilot enrolls,
re-injects, reverts and refuses them. Then rollouts update the whole fleet. Lab time is virtual: hours pass in seconds.

  --report FILE   write the result as JSON
  --quiet         print the summary only
  --help          print this text

Exit codes: 0 every act succeeded, 1 an act failed, 2 wrong usage.
`;

/** Runs the command. Returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const options = { report: { type: "string" }, quiet: { type: "boolean" }, help: { type: "boolean" } } as const;
  let values: ReturnType<typeof parseArgs<{ options: typeof options }>>["values"];
  try {
    ({ values } = parseArgs({ args: [...args], options }));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
    return 2;
  }
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const color = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
  const write = (line: string) => process.stdout.write(`${line}\n`);
  const startedMs = performance.now();
  const { lab, report } = await playStory({ write: values.quiet ? () => undefined : write, color });
  if (values.report) await writeFile(values.report, `${JSON.stringify(report, null, 2)}\n`);
  write(summary(report, lab, (performance.now() - startedMs) / 1000, color));
  if (values.report) write(`Report: ${values.report}`);
  return report.ok ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
// The lab's schedules never end by themselves.
process.exit();
