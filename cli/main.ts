import { runCommand } from "./run.ts";
import { processContext } from "./runtime/context.ts";

process.exitCode = await runCommand(process.argv.slice(2), processContext());
