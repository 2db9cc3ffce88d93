import { CreateTableCommand, DynamoDBClient, UpdateTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import type { Config } from "../../shared/config/config.ts";
import { resourceNames } from "../../shared/config/names.ts";
import { awsClients } from "../../shared/gateways/aws/aws-clients.ts";
import { dynamoDbLedger } from "../../shared/gateways/ledger/ledger-dynamodb.ts";
import type { Ledgers } from "../../shared/ports/ledger.ts";

/** The ledger in a table of the simulated DynamoDB. */
export interface SimulatedLedgerTable {
  readonly tableName: string;
  readonly ledger: Ledgers;
  /** True while a call is on its way: the clock should stand still then. */
  isBusy(): boolean;
  /** Closes the connections. */
  destroy(): void;
}

/** Creates the ledger's table in the home account and region. Every call of the ledger goes to `endpoint` over HTTP. */
export async function createLedgerTable(config: Config, endpoint: string): Promise<SimulatedLedgerTable> {
  const { tableName } = resourceNames(config);
  const credentials = { accessKeyId: config.homeAccount, secretAccessKey: "lab" };
  const { home } = awsClients({ config, endpoint, credentials });
  const client = home(DynamoDBClient);
  await client.send(createTableCommand(tableName));
  await client.send(timeToLiveCommand(tableName));
  let callsOnTheirWay = 0;
  const ledger = dynamoDbLedger(home, { tableName });
  client.middlewareStack.add(
    (next) => async (args) => {
      callsOnTheirWay += 1;
      try {
        return await next(args);
      } finally {
        callsOnTheirWay -= 1;
      }
    },
    { step: "initialize", name: "callsOnTheirWay" },
  );
  return { tableName, ledger, isBusy: () => callsOnTheirWay > 0, destroy: () => client.destroy() };
}

/** Lets items expire, as `stacks/ledger.ts` does. */
function timeToLiveCommand(TableName: string): UpdateTimeToLiveCommand {
  return new UpdateTimeToLiveCommand({
    TableName,
    TimeToLiveSpecification: { AttributeName: "expiresAt", Enabled: true },
  });
}

/** Creates a table with the ledger's keys, as `stacks/ledger.ts` has them. */
export function createTableCommand(TableName: string): CreateTableCommand {
  return new CreateTableCommand({
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [
      { AttributeName: "pk", AttributeType: "S" },
      { AttributeName: "sk", AttributeType: "S" },
    ],
    KeySchema: [
      { AttributeName: "pk", KeyType: "HASH" },
      { AttributeName: "sk", KeyType: "RANGE" },
    ],
  });
}
