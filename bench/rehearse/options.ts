import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type FaultRule, faultRuleSchema } from "@ztunnel-autopilot/simulator";
import * as z from "zod";
import { type Change, type PolicyName, policies, REGIONS } from "./rehearsal.ts";

/** What the command was asked for. */
export interface Asked {
  readonly services: number;
  readonly regions: number;
  readonly changes: readonly Change[];
  readonly policy: PolicyName | "both";
  readonly seed: number;
  readonly faultsFile: string | undefined;
  readonly faults: readonly FaultRule[];
  readonly json: boolean;
  /** Part of another rehearsal's process tree: figures for it, and nothing else, on stdout. */
  readonly computeFor: number | undefined;
}

/** The default policy's bakes take hours of lab time with their sweeps: it is simulated with so many services at most. */
export const DEFAULT_POLICY_SERVICES = 400;

export const help = `npm run rehearse -- --rotation [options]

Rolls a change out over a fleet in the lab, in virtual time, and holds it against what AWS's quotas allow.

  --services N     enrolled services, 1 to 100000 (default 10000)
  --regions N      regions that they are spread over, 1 to ${REGIONS.length} (default 4); the second half in a member account
  --rotation       the root CA's rotation, first phase: the new root beside the old one
  --upgrade        another ztunnel image; with --rotation: after it
  --policy NAME    unlimited, default or both (default both). Unlimited: one wave, no bake, as fast as the quotas let it.
                   The default policy's many bakes are simulated with at most ${DEFAULT_POLICY_SERVICES} services; beyond, its time is computed
  --faults FILE    JSON list of fault rules, as for the lab; they hold from when the fleet is up
  --seed S         another course of events (default 1)
  --json           the figures as JSON
  --help           this text

Progress goes to stderr. Exit codes: 0 all services succeeded within all limits, 1 not, 2 wrong usage.
`;

/** A wrong command line: its message says what is wrong. */
export class UsageError extends Error {
  override readonly name = "UsageError";
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
  faults: z.string().optional(),
  "compute-for": count(100_000).optional(),
});

/** Reads the command line and the file of fault rules; undefined when help is asked for. Throws `UsageError`. */
export async function askedOf(args: readonly string[]): Promise<Asked | undefined> {
  const given = parsedArgs(args);
  if (given.help) return undefined;
  const parsed = valuesSchema.safeParse(given);
  if (!parsed.success) {
    throw new UsageError(parsed.error.issues.map(({ path, message }) => `--${path.join(".")}: ${message}`).join("\n"));
  }
  const { rotation, upgrade, faults, "compute-for": computeFor, ...rest } = parsed.data;
  const changes = [...(rotation ? ["rotation" as const] : []), ...(upgrade ? ["upgrade" as const] : [])];
  if (changes.length === 0) throw new UsageError("give --rotation, --upgrade or both");
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
    help: { type: "boolean", short: "h" } as const,
  };
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function readFaults(path: string): Promise<readonly FaultRule[]> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new UsageError(`--faults ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const rules = z.array(faultRuleSchema).safeParse(json);
  if (!rules.success)
    throw new UsageError(`--faults ${path} is no list of fault rules:\n${z.prettifyError(rules.error)}`);
  return rules.data;
}
