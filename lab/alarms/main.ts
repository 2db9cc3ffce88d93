import * as z from "zod";
import { optionsOrHelp } from "../command-options.ts";
import { incidents } from "./incidents.ts";
import { type PlayedIncident, playIncident } from "./play.ts";
import { alarmTable, isAsExpected } from "./table.ts";

const help = `npm run alarms -- [options]

Plays a day of each incident on the lab, in virtual time, and evaluates every alarm each minute as CloudWatch does, by
what the functions have measured. Prints which alarms go off, after how long, and when they end.

  --only TEXT  incidents whose name contains the text
  --json       print the result as JSON
  --help       print this text

Exit codes: 0 every alarm went off once where it should, and ended; 1 one did not; 2 wrong usage.
`;

const options = {
  only: { type: "string", default: "" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

const valuesSchema = z.object({ only: z.string(), json: z.boolean(), help: z.boolean() });

/** Runs the command. Returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const values = optionsOrHelp(args, { options, schema: valuesSchema, help });
  if (values === undefined) return 2;
  const { only, json } = values;
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const wanted = incidents.filter(({ name }) => name.includes(only));
  if (wanted.length === 0) {
    process.stderr.write(`--only: no incident has "${only}" in its name. They are:\n`);
    for (const { name } of incidents) process.stderr.write(`  ${name}\n`);
    return 2;
  }
  const played: PlayedIncident[] = [];
  for (const incident of wanted) played.push(await playIncident(incident));
  const shown = played.map((one) => ({ name: one.incident.name, expected: isAsExpected(one), rung: one.rung }));
  process.stdout.write(json ? `${JSON.stringify(shown, null, 2)}\n` : `${alarmTable(played)}\n`);
  return played.every(isAsExpected) ? 0 : 1;
}

// The lab's schedules run without end.
process.exit(await main(process.argv.slice(2)));
