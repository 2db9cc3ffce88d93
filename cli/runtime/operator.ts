import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as z from "zod";
import type { Place } from "../../shared/base/arn.ts";
import { AutopilotError } from "../../shared/base/errors.ts";
import { eventSources, LAB_STAGE } from "../../shared/base/vocabulary.ts";
import { type Config, parseConfig } from "../../shared/config/config.ts";
import { operatorReadRole, resourceNames } from "../../shared/config/names.ts";
import { type AwsClients, awsClients } from "../../shared/gateways/aws/aws-clients.ts";
import { busGateway } from "../../shared/gateways/aws/bus.ts";
import { callerIdentity } from "../../shared/gateways/aws/caller.ts";
import { ecsGateway } from "../../shared/gateways/aws/ecs.ts";
import { secretsGateway } from "../../shared/gateways/aws/secrets.ts";
import { dynamoDbLedger } from "../../shared/gateways/ledger/ledger-dynamodb.ts";
import type { Ledger, RolloutLedger } from "../../shared/ports/ledger.ts";
import type { BusCalls, EcsCalls, SecretsCalls } from "../../shared/ports/ports.ts";
import type { CliContext } from "./context.ts";
import { Refused, UsageError } from "./exit-codes.ts";
import type { WhereValues } from "./options.ts";

/** What a command works with: the configuration, and the deployed autopilot as far as an operator sees it. */
export interface Operator {
  readonly config: Config;
  /** The caller's ARN, or the user's name where nobody may ask. */
  readonly who: string;
  readonly ledger: Ledger & RolloutLedger;
  /** The home bus, for what operators ask for. */
  readonly bus: BusCalls;
  readonly ecs: (place: Place) => EcsCalls;
  readonly secrets: (place: Place) => SecretsCalls;
}

/** The configuration that `--config` names. Throws `UsageError` when there is no such file, `invalid-config`. */
export async function readConfig(values: WhereValues, context: CliContext): Promise<Config> {
  const file = values.config ?? "autopilot.config.ts";
  const url = pathToFileURL(resolve(context.directory, file)).href;
  let loaded: unknown;
  try {
    loaded = await import(url);
  } catch (cause) {
    throw new UsageError(`--config ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  return parseConfig(moduleSchema.parse(loaded).default, stageOf(values, context));
}

/** The stage that the options name, or the environment; `undefined`: the lab. */
export function stageOf(values: WhereValues, { environment }: Pick<CliContext, "environment">): string | undefined {
  const stage = values.stage ?? (environment.AUTOPILOT_STAGE || undefined);
  return stage === LAB_STAGE ? undefined : stage;
}

const moduleSchema = z.object({ default: z.unknown() });

/**
 * The operator of the stage that the options name, with the credentials of the environment. Throws `Refused` when these
 * are not of the home account: everything would look as if it did not exist there.
 */
export async function connectOperator(values: WhereValues, context: CliContext): Promise<Operator> {
  const config = await readConfig(values, context);
  const { environment, now } = context;
  const stage = stageOf(values, context);
  const { tableName, busName } = resourceNames(config, stage, environment);
  // The member role trusts the functions alone.
  const clients = awsClients({ config: { ...config, memberRoleName: operatorReadRole(config) }, ...context.aws });
  const who = await askWho(config, clients, environment);
  return {
    config,
    who,
    ledger: await foundTable(dynamoDbLedger(clients.home, { tableName }), { config, tableName }),
    bus: busGateway(clients.home, { busName, source: eventSources.operator }),
    ecs: perPlace((place) => ecsGateway(clients.at(place), { now })),
    secrets: perPlace((place) => secretsGateway(clients.at(place))),
  };
}

/** At most 200 characters, as requests take them. */
async function askWho(
  { homeAccount }: Config,
  clients: AwsClients,
  environment: CliContext["environment"],
): Promise<string> {
  const user = environment.USER || environment.USERNAME || "an operator";
  let caller: Awaited<ReturnType<typeof callerIdentity>>;
  try {
    caller = await callerIdentity(clients.home);
  } catch (error) {
    // A permission boundary may forbid the question: what follows says what else it forbids.
    if (error instanceof AutopilotError && isDenied(error)) return user.slice(0, 200);
    throw error;
  }
  if (caller.account !== homeAccount) {
    throw new Refused(
      "wrong-account",
      `The credentials are those of account ${caller.account} (${caller.arn}); the autopilot's home account is ${homeAccount}.`,
      "Use credentials of the home account, or another configuration with --config.",
    );
  }
  return caller.arn.slice(0, 200);
}

function isDenied({ code, cause }: AutopilotError): boolean {
  return code === "access-denied" && cause instanceof Error && cause.name.startsWith("AccessDenied");
}

/** The ledger, once it is known to exist: a wrong stage gets an error of its own. */
async function foundTable<T extends Pick<RolloutLedger, "getFleet">>(
  ledger: T,
  { config, tableName }: { readonly config: Config; readonly tableName: string },
): Promise<T> {
  try {
    await ledger.getFleet();
    return ledger;
  } catch (error) {
    const { cause } = error instanceof Error ? error : {};
    if (!(cause instanceof Error) || cause.name !== "ResourceNotFoundException") throw error;
    throw new Refused(
      "unknown-stage",
      `There is no table ${tableName} in account ${config.homeAccount}, ${config.homeRegion}.`,
      "Name the deployed stage with --stage (as in `sst deploy --stage`), or the table itself by AUTOPILOT_TABLE.",
      { cause: error },
    );
  }
}

function perPlace<T>(make: (place: Place) => T): (place: Place) => T {
  const made = new Map<string, T>();
  return ({ account, region }) => {
    const key = `${account}/${region}`;
    const value = made.get(key) ?? make({ account, region });
    made.set(key, value);
    return value;
  };
}
