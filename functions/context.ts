import { setTimeout } from "node:timers/promises";
import * as z from "zod";
import autopilotConfig from "../autopilot.config.ts";
import type { Place } from "../shared/base/arn.ts";
import { AutopilotError } from "../shared/base/errors.ts";
import type { EnvironmentVariable } from "../shared/base/vocabulary.ts";
import { type Config, parseDeployedConfig } from "../shared/config/config.ts";
import { type AwsClients, awsClients, type PlacedClients } from "../shared/gateways/aws/aws-clients.ts";
import { busGateway } from "../shared/gateways/aws/bus.ts";
import { ecsGateway } from "../shared/gateways/aws/ecs.ts";
import { type ExecutionsGateway, executionsGateway } from "../shared/gateways/aws/executions.ts";
import { dynamoDbLedger } from "../shared/gateways/ledger/ledger-dynamodb.ts";
import type { LedgerTableOptions } from "../shared/gateways/ledger/ledger-table.ts";
import type { Ledgers } from "../shared/ports/ledger.ts";
import type { BusCalls, EcsCalls } from "../shared/ports/ports.ts";

/**
 * The context of every step. It has no clients that only few steps need, so that their bundles don't contain them; `L`
 * is the part of the ledger that the step works with.
 */
export interface FunctionContext<L = Ledgers> {
  readonly config: Config;
  readonly stage: string;
  readonly now: () => number;
  /** Waits for `ms` milliseconds. */
  readonly pause: (ms: number) => Promise<void>;
  readonly clients: AwsClients;
  readonly ledger: L;
  readonly bus: BusCalls;
  /** Executions of RollService, and of RollFleet. */
  readonly executions: ExecutionsGateway;
  readonly fleetExecutions: ExecutionsGateway;
  readonly ecs: (place: Place) => EcsCalls;
}

/** What a context is made of, on AWS and in the lab. */
export interface FunctionDependencies<L = Ledgers> {
  readonly config: Config;
  readonly stage: string;
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
  readonly clients: AwsClients;
  readonly ledger: L;
  readonly busName: string;
  readonly rollServiceArn: string;
  readonly rollFleetArn: string;
}

/** The context on these connections; gateways are made once per account and region, with their caches. */
export function connect<L>(connections: FunctionDependencies<L>): FunctionContext<L> {
  const { config, stage, now, pause, clients, ledger, busName, rollServiceArn, rollFleetArn } = connections;
  return {
    config,
    stage,
    now,
    pause,
    clients,
    ledger,
    bus: busGateway(clients.home, { busName }),
    executions: executionsGateway(clients.home, { stateMachineArn: rollServiceArn }),
    fleetExecutions: executionsGateway(clients.home, { stateMachineArn: rollFleetArn }),
    ecs: perPlace((place) => ecsGateway(clients.at(place), { now })),
  };
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

const environmentSchema = z.object({
  AUTOPILOT_STAGE: z.string().min(1),
  AUTOPILOT_TABLE: z.string().min(1),
  AUTOPILOT_BUS: z.string().min(1),
  ROLL_SERVICE_ARN: z.string().min(1),
  ROLL_FLEET_ARN: z.string().min(1),
} satisfies Readonly<Record<EnvironmentVariable, z.ZodString>>);

let known: FunctionContext | undefined;

/** The context of a deployed function. Throws `invalid-environment` that names a missing variable. */
export function environmentContext(): FunctionContext {
  known ??= contextWith(dynamoDbLedger);
  return known;
}

/** The same with a part of the ledger alone. */
export function contextWith<L>(ledger: (clients: PlacedClients, options: LedgerTableOptions) => L): FunctionContext<L> {
  const parsed = environmentSchema.safeParse(process.env);
  if (!parsed.success) throw new AutopilotError("invalid-environment", z.prettifyError(parsed.error));
  const { AUTOPILOT_STAGE, AUTOPILOT_TABLE, AUTOPILOT_BUS, ROLL_SERVICE_ARN, ROLL_FLEET_ARN } = parsed.data;
  const config = parseDeployedConfig(autopilotConfig, AUTOPILOT_STAGE);
  const clients = awsClients({ config });
  return connect({
    config,
    stage: AUTOPILOT_STAGE,
    now: Date.now,
    pause: (ms) => setTimeout(ms),
    clients,
    ledger: ledger(clients.home, { tableName: AUTOPILOT_TABLE }),
    busName: AUTOPILOT_BUS,
    rollServiceArn: ROLL_SERVICE_ARN,
    rollFleetArn: ROLL_FLEET_ARN,
  });
}
