/** Gives a stack trace of a deployed function the files and lines of the sources. */
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { functionNames } from "../shared/base/vocabulary.ts";
import { bundleWithMap, withSources } from "./sst/source-positions.ts";

const help = `npm run -s readable-stack -- --function NAME < trace.txt

Reads a stack trace, or log lines with some, and prints it with the files and lines of the sources. The sources must be
those that were deployed: check that commit out first.

  --function NAME   the function by its file below functions/, such as roll/apply (required)
  --help, -h        print this text
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { function: { type: "string" }, help: { type: "boolean", short: "h", default: false } },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const name = functionNames.find((one) => one === values.function);
  if (!name) throw new Error(`--function ${values.function ?? ""} is none of: ${functionNames.join(", ")}`);
  const { map } = await bundleWithMap(name);
  process.stdout.write(withSources(await text(process.stdin), map));
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
