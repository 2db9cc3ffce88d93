import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
  ScanCommand,
  UpdateCommand,
  type UpdateCommandInput,
} from "@aws-sdk/lib-dynamodb";
import { chunk } from "../../base/chunk.ts";
import { AutopilotError } from "../../base/errors.ts";
import type { PlacedClients } from "../aws/aws-clients.ts";
import { call, isNamed } from "../aws/errors.ts";
import type { Attempt } from "./ledger-change.ts";
import type { ItemKey } from "./ledger-items.ts";

export interface LedgerTableOptions {
  readonly tableName: string;
}

/** An UpdateItem without its table and key. */
export type Update = Pick<
  UpdateCommandInput,
  "UpdateExpression" | "ConditionExpression" | "ExpressionAttributeNames" | "ExpressionAttributeValues" | "ReturnValues"
>;

/** What must hold of an item so that it is written. */
export type Condition = Omit<Update, "UpdateExpression" | "ReturnValues">;

/** Which items a scan or query returns. */
export type Selection = Pick<
  QueryCommandInput,
  "KeyConditionExpression" | "FilterExpression" | "ExpressionAttributeNames" | "ExpressionAttributeValues"
>;

type Keyed = ItemKey & Readonly<Record<string, unknown>>;

/** How often a change is tried while others write the same item. Each time that it loses, another one has succeeded. */
export const MAX_TRIES = 20;
const WRITES_AT_ONCE = 50;

/**
 * The calls on a table with the string keys `pk` and `sk`. Every read is strongly consistent. They throw what `call`
 * makes of AWS's errors.
 */
export interface LedgerTable {
  get(key: ItemKey): Promise<object | undefined>;
  /** The attributes asked for, or undefined when the condition does not hold. */
  update(key: ItemKey, update: Update): Promise<object | undefined>;
  /** False when an item of this key exists. */
  create(item: Keyed): Promise<boolean>;
  /**
   * Reads an item and writes what `attempt` makes of it, on condition that nobody has written the item since; starts
   * over when somebody has. Returns the answer of the attempt that was written, or that had nothing to write. Throws
   * `throttled` when others wrote first `MAX_TRIES` times.
   */
  change<A>(key: ItemKey, attempt: (item: object | undefined) => Attempt<A>): Promise<A>;
  scan(selection: Selection): AsyncIterable<object>;
  query(selection: Selection): AsyncIterable<object>;
  /** Writes each item, and replaces what was there if the item's condition holds. */
  putAll<T extends Keyed>(items: readonly T[], condition: (item: T) => Condition): Promise<void>;
}

export function ledgerTable(clients: PlacedClients, options: LedgerTableOptions): LedgerTable {
  const { tableName: TableName } = options;
  const documents = DynamoDBDocumentClient.from(clients(DynamoDBClient), {
    marshallOptions: { removeUndefinedValues: true },
  });

  async function get(key: ItemKey): Promise<object | undefined> {
    return call(`GetItem ${key.pk}`, async () => {
      const { Item } = await documents.send(new GetCommand({ TableName, Key: key, ConsistentRead: true }));
      return Item;
    });
  }

  /** True if the item was written, false when the condition does not hold. */
  async function put(item: Keyed, condition: Condition): Promise<boolean> {
    return call(`PutItem ${item.pk}`, async () => {
      const put = documents.send(new PutCommand({ TableName, Item: item, ...condition }));
      return (await unlessFailed(put)) !== undefined;
    });
  }

  return {
    get,

    update: (key, update) =>
      call(`UpdateItem ${key.pk}`, async () => {
        const updated = await unlessFailed(documents.send(new UpdateCommand({ TableName, Key: key, ...update })));
        return updated && (updated.Attributes ?? {});
      }),

    create: (item) => put(item, { ConditionExpression: "attribute_not_exists(pk)" }),

    change: async (key, attempt) => {
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        const item = await get(key);
        const { write, answer } = attempt(item);
        if (!write || (await put({ ...key, ...write }, unchangedSince(item)))) return answer;
      }
      throw new AutopilotError("throttled", `PutItem ${key.pk}: others wrote it first ${MAX_TRIES} times.`);
    },

    scan: (selection) =>
      paged((ExclusiveStartKey) =>
        call(`Scan ${TableName}`, () =>
          documents.send(new ScanCommand({ TableName, ConsistentRead: true, ...selection, ExclusiveStartKey })),
        ),
      ),

    query: (selection) =>
      paged((ExclusiveStartKey) =>
        call(`Query ${TableName}`, () =>
          documents.send(new QueryCommand({ TableName, ConsistentRead: true, ...selection, ExclusiveStartKey })),
        ),
      ),

    putAll: async (items, condition) => {
      for (const together of chunk(items, WRITES_AT_ONCE)) {
        await Promise.all(together.map((item) => put(item, condition(item))));
      }
    },
  };
}

/** The condition that nobody has written the item since it was read. An item of an older shape has no version. */
function unchangedSince(item: object | undefined) {
  const ExpressionAttributeNames = { "#version": "version" };
  return item && "version" in item
    ? {
        ConditionExpression: "#version = :version",
        ExpressionAttributeNames,
        ExpressionAttributeValues: { ":version": item.version },
      }
    : { ConditionExpression: "attribute_not_exists(#version)", ExpressionAttributeNames };
}

/** The answer of a write, or undefined when its condition does not hold. */
async function unlessFailed<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isNamed(error, "ConditionalCheckFailedException")) return undefined;
    throw error;
  }
}

type PageKey = Record<string, unknown> | undefined;

async function* paged(
  page: (from: PageKey) => Promise<{ Items?: readonly object[] | undefined; LastEvaluatedKey?: PageKey }>,
): AsyncGenerator<object> {
  let from: PageKey;
  do {
    const { Items = [], LastEvaluatedKey } = await page(from);
    yield* Items;
    from = LastEvaluatedKey;
  } while (from);
}
