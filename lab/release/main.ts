import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";
import * as z from "zod";
import { runOf } from "../campaign/run.ts";
import { optionsOrHelp, wholeNumber } from "../command-options.ts";
import { Recording } from "./recording.ts";

const help = `npm run record-release -- [options]

Records what this version of the project writes, for the contract tests of later versions: items of the ledger and
payloads of the state machines' steps, from runs of the campaign, and a bundle of its readers and of its functions.
It writes test/released/VERSION/, where VERSION is that of package.json. test/released/README.md says when.

  --runs N   the number of runs (default 60)
  --seed S   the first run's seed (default 1)
  --help     print this text

Exit codes: 0 recorded, 2 wrong usage, or the version is recorded already.
`;

const root = new URL("../../", import.meta.url).pathname;

/** What the contract tests import of a version. */
const bundles = {
  readers: `
    export * from "./shared/gateways/ledger/ledger-items.ts";
    export * from "./shared/use-cases/roll/steps.ts";
    export * from "./shared/rollout/steps.ts";
  `,
  functions: `
    export { functionFactories } from "./lab/lambda/functions.ts";
    export { memoryLedger } from "./lab/ledger/ledger-memory.ts";
  `,
} as const;

const options = {
  runs: { type: "string", default: "60" },
  seed: { type: "string", default: "1" },
  help: { type: "boolean", default: false },
} as const;

const valuesSchema = z.object({ runs: wholeNumber(1), seed: wholeNumber(1), help: z.boolean() });

/** Runs the command. Returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const values = optionsOrHelp(args, { options, schema: valuesSchema, help });
  if (values === undefined) return 2;
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(await readFile(`${root}package.json`, "utf8")));
  const folder = `${root}test/released/${version}`;
  if (existsSync(folder)) {
    process.stderr.write(`${version} is recorded already, and what is recorded is never edited: ${folder}\n`);
    return 2;
  }
  const { items, payloads } = await recorded(values.seed, values.runs);
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/items.json`, listed(items));
  await writeFile(`${folder}/payloads.json`, `[\n${payloads.map((one) => JSON.stringify(one)).join(",\n")}\n]\n`);
  for (const [name, contents] of Object.entries(bundles)) {
    await build({
      stdin: { contents, resolveDir: root, loader: "ts" },
      outfile: `${folder}/${name}.mjs`,
      bundle: true,
      platform: "node",
      format: "esm",
      packages: "external",
      legalComments: "none",
      banner: { js: `// Made of version ${version} by \`npm run record-release\`.` },
    });
  }
  process.stdout.write(`Recorded ${version} in ${folder}\n`);
  return 0;
}

async function recorded(seed: number, runs: number) {
  const recording = new Recording();
  const watched = {
    onLedgerWrite: recording.item.bind(recording),
    onStep: recording.step.bind(recording),
  };
  for (let run = 0; run < runs; run += 1) await runOf(seed + run, { keepRecords: false, ...watched });
  return { items: recording.items(), payloads: recording.payloads() };
}

function listed(items: Readonly<Record<string, readonly object[]>>): string {
  const kinds = Object.entries(items).map(
    ([kind, some]) => `${JSON.stringify(kind)}: [\n${some.map((item) => JSON.stringify(item)).join(",\n")}\n]`,
  );
  return `{\n${kinds.join(",\n")}\n}\n`;
}

process.exitCode = await main(process.argv.slice(2));
