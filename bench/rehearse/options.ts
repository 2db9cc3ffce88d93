import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type FaultRule, faultRuleSchema } from "@ztunnel-autopilot/simulator";
import * as z from "zod";
import { type PolicyName, policies, REGIONS, type RehearsedChange } from "./rehearsal.ts";

/** The parsed command line. */
export interface RehearsalArguments {
  readonly services: number;
  readonly regions: number;
  readonly changes: readonly RehearsedChange[];
  readonly policy: PolicyName | "both";
  readonly seed: number;
  readonly faultsFile: string | undefined;
  readonly faults: readonly FaultRule[];
  readonly json: boolean;
  readonly latency: boolean;
  /** Compute the makespan for this number of services instead of `services`. */
  readonly computeFor: number | undefined;
}

/** The default policy is simulated with at most this many services, because its bakes take hours of lab time. */
export const DEFAULT_POLICY_SERVICES = 400;

export const help = `npm run rehearse -- --rotation [options]

Rolls out a change to a fleet in the lab, in virtual time, and compares its time with what AWS's quotas allow.

  --services N     number of enrolled services, 1 to 100000 (default 10000)
  --regions N      number of regions, 1 to ${REGIONS.length} (default 4); the second half is in a member account
  --rotation       rotate the root CA, first phase: add the new root to the old one
  --upgrade        upgrade the ztunnel image; with --rotation, after the rotation
  --policy NAME    unlimited, default or both (default both). Unlimited: one wave, no bake, as fast as the quotas allow.
                   The default policy is simulated with at most ${DEFAULT_POLICY_SERVICES} services;
                   its time for more services is computed
  --faults FILE    JSON list of fault rules, as for the lab; they are added when the fleet is enrolled
  --latency        calls take time: some milliseconds, seldom seconds
  --seed S         seed of the simulation's random numbers (default 1)
  --json           print the figures as JSON
  --help           print this text

Progress goes to stderr. Exit codes: 0 all services succeeded within all limits, 1 some did not, 2 wrong usage.
`;

/** A wrong command line. The message says what is wrong. */
export class OptionsError extends Error {
  override readonly name = "OptionsError";
}

const count = (max: number) => z.coerce.number().int().min(1).max(max);
const valuesSchema = z.object({
  services: count(100_000).default(10_000),
  regions: count(REGIONS.length).default(4),
  policy: z.enum([...policies, "both"]).default("both"),
  seed: z.coerce.number().int().min(0).default(1),
  rotation: z.boolean().default(false),
  upgrade: z.boolean().default(false),
  json: z.boolean().default(false),
  latency: z.boolean().default(false),
  faults: z.string().optional(),
  "compute-for": count(100_000).optional(),
});

/** Parses the command line and the file of fault rules. Returns undefined for --help. Throws `OptionsError`. */
export async function parseArguments(args: readonly string[]): Promise<RehearsalArguments | undefined> {
  const given = parsedArgs(args);
  if (given.help) return undefined;
  const parsed = valuesSchema.safeParse(given);
  if (!parsed.success) {
    throw new OptionsError(
      parsed.error.issues.map(({ path, message }) => `--${path.join(".")}: ${message}`).join("\n"),
    );
  }
  const { rotation, upgrade, faults, "compute-for": computeFor, ...rest } = parsed.data;
  const changes = [...(rotation ? ["rotation" as const] : []), ...(upgrade ? ["upgrade" as const] : [])];
  if (changes.length === 0) throw new OptionsError("give --rotation, --upgrade or both");
  return {
    ...rest,
    changes,
    computeFor,
    faultsFile: faults,
    faults: faults === undefined ? [] : await readFaults(faults),
  };
}

function parsedArgs(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const options = {
    services: text,
    regions: text,
    policy: text,
    seed: text,
    faults: text,
    "compute-for": text,
    rotation: flag,
    upgrade: flag,
    json: flag,
    latency: flag,
    help: { type: "boolean", short: "h" } as const,
  };
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new OptionsError(error instanceof Error ? error.message : String(error));
  }
}

async function readFaults(path: string): Promise<readonly FaultRule[]> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new OptionsError(`--faults ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const rules = z.array(faultRuleSchema).safeParse(json);
  if (!rules.success)
    throw new OptionsError(`--faults ${path} is not a list of fault rules:\n${z.prettifyError(rules.error)}`);
  return rules.data;
}
