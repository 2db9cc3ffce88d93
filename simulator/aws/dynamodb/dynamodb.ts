import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import dynalite from "dynalite";
import type { Config } from "../../../shared/config/config.ts";
import { resourceNames } from "../../../shared/config/names.ts";
import { awsClients } from "../../../shared/gateways/aws/aws-clients.ts";
import { dynamoDbLedger } from "../../../shared/gateways/ledger/ledger-dynamodb.ts";
import type { Ledgers } from "../../../shared/ports/ledger.ts";
import { callerOf } from "../../http/identity.ts";
import type { AnsweredCall } from "../../http/router.ts";

const TARGET = /^DynamoDB_20120810\.(\w+)$/;

/** DynamoDB behind the lab's port: one in-memory database for every account and region. */
export class DynamoDb {
  readonly #databases = new Map<string, Server>();
  readonly #onCall: (call: AnsweredCall) => void;

  /** `onCall` is told of every call once it is answered. */
  constructor(onCall: (call: AnsweredCall) => void) {
    this.#onCall = onCall;
  }

  /** Takes a request if it is DynamoDB's; returns false if it is another service's. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const [, operation] = TARGET.exec(String(request.headers["x-amz-target"])) ?? [];
    if (operation === undefined) return false;
    const caller = callerOf({ headers: { authorization: request.headers.authorization ?? "" }, query: {} });
    response.once("finish", () => {
      const failed = response.statusCode >= 400;
      this.#onCall({
        service: "dynamodb",
        operation,
        ...caller,
        invocation: undefined,
        input: {},
        ...(failed && { error: `HTTP ${response.statusCode}` }),
      });
    });
    this.#databaseOf(caller).emit("request", request, response);
    return true;
  }

  #databaseOf({ account, region }: { readonly account: string; readonly region: string }): Server {
    const key = `${account}/${region}`;
    const database = this.#databases.get(key) ?? dynalite({ createTableMs: 0 });
    this.#databases.set(key, database);
    return database;
  }
}

/** The autopilot's ledger in a table of the lab's DynamoDB. */
export interface LedgerTable {
  readonly tableName: string;
  readonly ledger: Ledgers;
  /** True while a call is on its way: then the clock had better not move. */
  isBusy(): boolean;
  /** Closes the connections. */
  destroy(): void;
}

/** Creates the ledger's table in the home account and region, over HTTP, as everything that follows. */
export async function createLedgerTable(config: Config, endpoint: string): Promise<LedgerTable> {
  const { tableName } = resourceNames(config);
  const credentials = { accessKeyId: config.homeAccount, secretAccessKey: "lab" };
  const { home } = awsClients({ config, endpoint, credentials });
  const client = home(DynamoDBClient);
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [
        { AttributeName: "pk", AttributeType: "S" },
        { AttributeName: "sk", AttributeType: "S" },
      ],
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
    }),
  );
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
