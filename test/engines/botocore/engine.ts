import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { Engine, EngineContext, EngineResult } from "../engine.ts";
import { withReasons } from "../listed.ts";
import { installPython, python } from "../python.ts";
import { listed } from "./listed.ts";
import { recordTraffic, unheard, waysApart } from "./traffic.ts";

const MUTATIONS = 200;
const SEED = 1;

const checkedSchema = z.object({
  operations: z.array(z.object({ name: z.string(), calls: z.number(), violating: z.number() })),
  violations: z.array(z.object({ what: z.string(), calls: z.number() })),
  planted: z.array(z.object({ kind: z.string(), planted: z.number(), found: z.number(), missed: z.array(z.string()) })),
});
type Checked = z.infer<typeof checkedSchema>;

/** The service models with which AWS's own CLI and SDK for Python are made. */
export const botocore: Engine = {
  name: "botocore",
  about: "every AWS call of npm start and of three campaign runs, by AWS's service models",
  needs: ["python3"],
  inQuick: true,
  install: installPython,
  run,
};

async function run(context: EngineContext): Promise<EngineResult> {
  const { folder, sources, children, progress, quick } = context;
  const traffic = await recordTraffic(progress);
  const { calls } = traffic;
  const file = join(folder, "calls.jsonl");
  writeFileSync(file, calls.map((call) => `${JSON.stringify(call)}\n`).join(""));
  progress(`checking ${calls.length} calls, and the check itself by ${MUTATIONS} planted violations`);
  const check = [join(sources, "check.py"), file, String(MUTATIONS), String(SEED)];
  // Compiled files would be written beside the sources.
  const output = await children.run(python(context), ["-B", ...check]);
  const { operations, violations, planted } = checkedSchema.parse(JSON.parse(output));
  const found = [...violations.map(({ what }) => what), ...waysApart(calls), ...unheard(traffic), ...missedOf(planted)];
  return {
    table: {
      columns: ["operation", "calls", "with violations"],
      rows: operations.map(({ name, calls: count, violating }) => [name, count, violating]),
    },
    differences: withReasons(found, listed, { quick }),
    figures: {
      calls: calls.length,
      violations: violations.length,
      ...Object.fromEntries(planted.map((one) => [`planted ${one.kind}`, `${one.found} of ${one.planted} found`])),
      planted: sumOf(planted, "planted"),
      found: sumOf(planted, "found"),
    },
  };
}

/** Planted violations that the check has missed, and too few of them. */
function missedOf(planted: Checked["planted"]): readonly string[] {
  const total = sumOf(planted, "planted");
  return [
    ...planted.flatMap(({ missed }) => missed.map((what) => `the check missed a planted violation: ${what}`)),
    ...planted.filter((one) => one.planted === 0).map(({ kind }) => `nothing of kind ${kind} could be planted`),
    ...(total === MUTATIONS ? [] : [`${total} violations were planted, not ${MUTATIONS}`]),
  ];
}

function sumOf(planted: Checked["planted"], figure: "planted" | "found"): number {
  return planted.reduce((sum, one) => sum + one[figure], 0);
}
