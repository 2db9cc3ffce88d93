/** Writes what SST would create for a stage, without an account: `npm run render -- --stage dev --out graph.json`. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./sst/platform.ts";
import { renderStage } from "./sst/render-stage.ts";

const help = `npm run render -- [options]

Writes the resources that SST would create for a stage, as JSON: {app, resources: [{type, name, region, inputs}], outputs}.
No AWS account is needed. The first run installs SST's components, which takes about a minute.

  --stage NAME      the stage (default dev)
  --out FILE        the output file (default: standard output)
  --config FILE     use this configuration instead of autopilot.config.ts
  --bundles         bundle the functions as they are deployed; otherwise each bundle is a placeholder
  --directory DIR   keep the bundles in this directory; otherwise they are deleted
  --help            print this text
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      stage: { type: "string", default: "dev" },
      out: { type: "string" },
      config: { type: "string" },
      bundles: { type: "boolean", default: false },
      directory: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const { stage, bundles } = values;
  const directory = resolve(values.directory ?? join(root, ".sst/render", `${stage}-${process.pid}`));
  const out = values.out && resolve(values.out);
  const startedMs = performance.now();
  const rendered = await renderStage({
    stage,
    bundles,
    directory,
    configFile: values.config && resolve(values.config),
  });
  if (!values.directory) rmSync(directory, { recursive: true, force: true });
  const json = `${JSON.stringify(rendered, null, 2)}\n`;
  if (!out) {
    process.stdout.write(json);
    return;
  }
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, json);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`${rendered.resources.length} resources of stage ${stage} in ${seconds} s: ${out}`);
}

try {
  await main();
} catch (error) {
  // The message of a wrong configuration or option is enough. Other errors are printed with their stack.
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const expected = code === "invalid-config" || code.startsWith("ERR_PARSE_ARGS");
  console.error(expected && error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
