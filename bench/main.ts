import { parseArgs } from "node:util";
import { bundles } from "./bundles.ts";
import { calls } from "./calls.ts";
import { domain } from "./domain.ts";
import { asJson, asText, type Figures, type Part } from "./report.ts";
import { sweeps } from "./sweeps.ts";

const parts: readonly Part[] = [calls, sweeps, domain, bundles];

const help = `Measures the cost of rolls, events, sweeps, decisions and cold starts. A figure beyond its bound makes the
command fail; times have none.

  npm run bench -- [--only PART] [--latency] [--json]

  --only PART  measure only one part: ${parts.map(({ name }) => name).join(", ")}
  --latency    calls of the lab take time, so that their number includes what that leads to
  --json       print the figures as JSON
  --help       print this text

${parts.map(({ name, about }) => `  ${name.padEnd(8)} ${about}`).join("\n")}`;

const write = (line: string) => process.stdout.write(`${line}\n`);
const progress = (line: string) => process.stderr.write(`${line}\n`);

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      latency: { type: "boolean" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  const chosen = parts.filter(({ name }) => values.only === undefined || name === values.only);
  if (values.help || chosen.length === 0) {
    write(help);
    return values.help ? 0 : 2;
  }
  const measured: Record<string, readonly Figures[]> = {};
  for (const { name, measure } of chosen) {
    const figures = await measure((line) => progress(`${name}: ${line}`), { latency: values.latency ?? false });
    measured[name] = figures;
    if (!values.json) for (const one of figures) write(`\n${asText(one)}`);
  }
  if (values.json) {
    const json = Object.entries(measured).map(([name, figures]) => [name, figures.map(asJson)]);
    write(JSON.stringify({ node: process.version, ...Object.fromEntries(json) }, null, 2));
  }
  return Object.values(measured)
    .flat()
    .some(({ broken = [] }) => broken.length > 0)
    ? 1
    : 0;
}

process.exitCode = await main(process.argv.slice(2));
