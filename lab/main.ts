import * as z from "zod";
import autopilotConfig from "../autopilot.config.ts";
import { parseConfig } from "../shared/config/config.ts";
import { parsedOptions, wholeNumber } from "./command-options.ts";
import { demoFleet } from "./fleet/demo.ts";
import { type Fleet, FleetRefused } from "./fleet/fleet.ts";
import { banner } from "./server/banner.ts";
import { readFleetFile } from "./server/fleet-file.ts";
import { startLabServer } from "./server/lab-server.ts";

const help = `npm run lab [-- options]

Serves simulated AWS accounts, Kubernetes control planes and Slack on one port of 127.0.0.1, and runs the autopilot of
autopilot.config.ts in them, until Ctrl-C. docs/lab.md shows a session with the AWS CLI.

  --port N       the port; 0 picks a free one (default 4566)
  --speed N      lab seconds per real second (default 20)
  --fleet FILE   read clusters and services from a JSON file instead of using the demo fleet
  --empty        start without clusters and services
  --help         print this text

Exit codes: 0 stopped by Ctrl-C, 1 the port is taken or the lab failed, 2 wrong usage or a fleet that ECS refuses.
`;

const options = {
  port: { type: "string", default: "4566" },
  speed: { type: "string", default: "20" },
  fleet: { type: "string" },
  empty: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

const valuesSchema = z
  .object({
    port: wholeNumber(0, 65_535),
    speed: z.coerce.number("must be a number above 0 and at most 100000").positive().max(100_000),
    fleet: z.string().min(1).optional(),
    empty: z.boolean(),
    help: z.boolean(),
  })
  .refine(({ fleet, empty }) => !(empty && fleet), "--fleet and --empty can't be combined");

/** Wrong usage. The exit code is 2. */
class WrongUsage extends Error {}

/** Runs the command until a signal stops it. Returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  try {
    const { port, speed, empty, fleet: file, help: helpAsked } = usage(args);
    if (helpAsked) {
      process.stdout.write(help);
      return 0;
    }
    const fleet = empty ? undefined : await fleetOf(file);
    const config = parseConfig(autopilotConfig);
    const ended = endingSignal();
    const server = await startLabServer({ config, port, speed, fleet });
    process.stdout.write(banner(server.endpoint, config, fleet, speed));
    const signal = await ended;
    await server.close();
    process.stdout.write(`\n${signal}: lab closed\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`${sentence(error)}\n`);
    return error instanceof WrongUsage || error instanceof FleetRefused ? 2 : 1;
  }
}

function usage(args: readonly string[]): z.output<typeof valuesSchema> {
  const parsed = parsedOptions(args, options, valuesSchema);
  if ("values" in parsed) return parsed.values;
  throw new WrongUsage(`${parsed.problems}\n\n${help}`);
}

async function fleetOf(file: string | undefined): Promise<Fleet> {
  if (file === undefined) return demoFleet;
  try {
    return await readFleetFile(file);
  } catch (cause) {
    throw new WrongUsage(sentence(cause), { cause });
  }
}

function endingSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve(signal));
  });
}

function sentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && error.code === "EADDRINUSE" && "port" in error)
    return `Port ${error.port} is taken. Choose another one with --port, or 0 for any free one.`;
  return error.message;
}

process.exitCode = await main(process.argv.slice(2));
// The lab's schedules and executions never end by themselves.
process.exit();
