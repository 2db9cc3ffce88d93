/** Writes what SST would create for a stage, without an account: `npm run render -- --stage dev --out graph.json`. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./sst/platform.ts";
import { renderStage } from "./sst/render-stage.ts";

const { values } = parseArgs({
  options: {
    stage: { type: "string", default: "dev" },
    out: { type: "string" },
    config: { type: "string" },
    bundles: { type: "boolean", default: false },
    directory: { type: "string" },
  },
});
const out = values.out && resolve(values.out);
const directory = values.directory ?? join(root, ".sst/render", `${values.stage}-${process.pid}`);
const startedMs = performance.now();
const rendered = await renderStage({
  stage: values.stage,
  configFile: values.config && resolve(values.config),
  bundles: values.bundles,
  directory,
});
if (!values.directory) rmSync(directory, { recursive: true, force: true });
const json = `${JSON.stringify(rendered, null, 2)}\n`;
if (out) {
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, json);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`${rendered.resources.length} resources of stage ${values.stage} in ${seconds} s: ${out}`);
} else process.stdout.write(json);
