import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { DynamoDb } from "@ztunnel-autopilot/simulator/dynamodb";
import { afterAll, beforeAll } from "vitest";
import { type LedgerItems, memoryLedger } from "../../lab/ledger/ledger-memory.ts";
import { createTableCommand } from "../../lab/ledger/ledger-table.ts";
import { type AwsClients, awsClients } from "../../shared/gateways/aws/aws-clients.ts";
import { dynamoDbLedger } from "../../shared/gateways/ledger/ledger-dynamodb.ts";
import type { Ledgers } from "../../shared/ports/ledger.ts";

interface Key {
  readonly pk: string;
  readonly sk: string;
}

/** A store under test: the ledger, and ways to put and see an item past it. */
export interface Store {
  readonly ledger: Ledgers;
  putRaw(item: Key & Readonly<Record<string, unknown>>): Promise<void>;
  getRaw(key: Key): Promise<object | undefined>;
}

export const TABLE = "ledger";

/** A DynamoDB with the ledger's table, for the tests of one file; returns clients of it, each call new ones. */
export function localDynamoDb(): () => AwsClients {
  const dynamoDb = new DynamoDb();
  const server = createServer((request, response) => void dynamoDb.handle(request, response));
  const opened: DynamoDBClient[] = [];
  const newClients = () => {
    // An HTTP server that listens on a port has an address of this type.
    const { port } = server.address() as AddressInfo;
    const clients = awsClients({
      config: { name: "autopilot", homeRegion: "us-east-1", homeAccount: "123456789012", memberRoleName: "member" },
      endpoint: `http://127.0.0.1:${port}`,
      credentials: { accessKeyId: "123456789012", secretAccessKey: "secret" },
    });
    opened.push(clients.home(DynamoDBClient));
    return clients;
  };
  beforeAll(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    await newClients().home(DynamoDBClient).send(createTableCommand(TABLE));
  });
  afterAll(() => {
    for (const client of opened) client.destroy();
    server.close();
  });
  return newClients;
}

/** Every store, by name, each opened once the tests run. */
export function ledgerStores(newClients: () => AwsClients): readonly (readonly [string, () => Store])[] {
  return [
    ["in DynamoDB", () => inDynamoDb(newClients())],
    ["in memory", inMemory],
  ];
}

function inDynamoDb(clients: AwsClients): Store {
  const documents = DynamoDBDocumentClient.from(clients.home(DynamoDBClient));
  return {
    ledger: dynamoDbLedger(clients.home, { tableName: TABLE }),
    putRaw: async (item) => {
      await documents.send(new PutCommand({ TableName: TABLE, Item: item }));
    },
    getRaw: async (key) => (await documents.send(new GetCommand({ TableName: TABLE, Key: key }))).Item,
  };
}

function inMemory(): Store {
  const items: LedgerItems = new Map();
  return {
    ledger: memoryLedger(items),
    putRaw: async (item) => {
      items.set(`${item.pk} ${item.sk}`, item);
    },
    getRaw: async ({ pk, sk }) => items.get(`${pk} ${sk}`),
  };
}

/** Tries to change what a store gave: one that hands out frozen objects refuses it, as good as a copy. */
export function unlessFrozen(change: () => unknown): void {
  try {
    change();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}
