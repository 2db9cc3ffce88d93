import * as z from "zod";
import type { JsonObject } from "../../base/json.ts";
import type { Database, DatabaseAnswer } from "./database.ts";
import { deletionMs } from "./expiry.ts";

const inputSchema = z.object({
  TableName: z.string().min(1),
  TimeToLiveSpecification: z.object({ AttributeName: z.string().min(1).max(255), Enabled: z.boolean() }),
});
const tableSchema = z.object({ Table: z.object({ KeySchema: z.array(z.object({ AttributeName: z.string() })) }) });
const pageSchema = z.object({
  Items: z.array(z.record(z.string(), z.record(z.string(), z.json()))),
  LastEvaluatedKey: z.record(z.string(), z.json()).optional(),
});
type Item = z.infer<typeof pageSchema>["Items"][number];

/** How often it looks for items that DynamoDB would have deleted. */
const TURN_MS = 10 * 60_000;
/** What expired earlier than that is taken for a mistake, and kept. */
const OLDEST_MS = 5 * 365 * 24 * 3_600_000;

/** The time to live of the tables of a database, which dynalite does not have. */
export class TimeToLive {
  readonly #database: Database;
  readonly #now: () => number;
  readonly #seed: number;
  /** By table. */
  readonly #attributes = new Map<string, string>();
  #turn: { readonly atMs: number; readonly done: Promise<void> } | undefined;

  constructor(database: Database, { now, seed }: { readonly now: () => number; readonly seed: number }) {
    this.#database = database;
    this.#now = now;
    this.#seed = seed;
  }

  /** UpdateTimeToLive. */
  async update(input: unknown): Promise<DatabaseAnswer> {
    const parsed = inputSchema.safeParse(input);
    if (!parsed.success) return refused("1 validation error detected: the request is not one of UpdateTimeToLive");
    const { TableName, TimeToLiveSpecification } = parsed.data;
    const table = await this.#database.ask("DescribeTable", { TableName });
    if (table.status !== 200) return table;
    const { AttributeName, Enabled } = TimeToLiveSpecification;
    const known = this.#attributes.get(TableName);
    if ((known !== undefined) === Enabled) return refused(`TimeToLive is already ${Enabled ? "enabled" : "disabled"}`);
    if (known !== undefined && known !== AttributeName)
      return refused(`TimeToLive is active on a different AttributeName: current AttributeName is ${known}`);
    if (Enabled) this.#attributes.set(TableName, AttributeName);
    else this.#attributes.delete(TableName);
    return { status: 200, body: { TimeToLiveSpecification: { AttributeName, Enabled } } };
  }

  /** DescribeTimeToLive. */
  async describe(input: JsonObject): Promise<DatabaseAnswer> {
    const answer = await this.#database.ask("DescribeTimeToLive", input);
    const attribute = typeof input.TableName === "string" ? this.#attributes.get(input.TableName) : undefined;
    if (answer.status !== 200 || attribute === undefined) return answer;
    return { status: 200, body: { TimeToLiveDescription: { TimeToLiveStatus: "ENABLED", AttributeName: attribute } } };
  }

  /** Deletes what DynamoDB would have deleted by now. To be called before a request is answered. */
  async deleteExpired(): Promise<void> {
    const nowMs = this.#now();
    if (this.#attributes.size === 0) return;
    if (this.#turn === undefined || nowMs >= this.#turn.atMs + TURN_MS || nowMs < this.#turn.atMs)
      this.#turn = { atMs: nowMs, done: this.#deleteAll(nowMs) };
    await this.#turn.done;
  }

  async #deleteAll(nowMs: number): Promise<void> {
    for (const [table, attribute] of this.#attributes) await this.#deleteIn(table, attribute, nowMs);
  }

  async #deleteIn(TableName: string, attribute: string, nowMs: number): Promise<void> {
    const described = tableSchema.safeParse((await this.#database.ask("DescribeTable", { TableName })).body);
    // A table that was deleted takes its setting along.
    if (!described.success) return void this.#attributes.delete(TableName);
    const keys = described.data.Table.KeySchema.map(({ AttributeName }) => AttributeName);
    for (const item of await this.#candidates(TableName, attribute, nowMs)) {
      const Key = Object.fromEntries(keys.flatMap((key) => (item[key] === undefined ? [] : [[key, item[key]]])));
      const expiresMs = Number(item[attribute]?.N) * 1000;
      const name = Object.values(Key).flatMap(Object.values).join(" ");
      if (nowMs < deletionMs({ seed: this.#seed, name, expiresMs })) continue;
      // It may have been given more time since it was read.
      await this.#database.ask("DeleteItem", {
        TableName,
        Key,
        ConditionExpression: "#t = :t",
        ExpressionAttributeNames: { "#t": attribute },
        ExpressionAttributeValues: { ":t": item[attribute] ?? null },
      });
    }
  }

  /** The items that have expired. */
  async #candidates(TableName: string, attribute: string, nowMs: number): Promise<readonly Item[]> {
    const found: Item[] = [];
    let start: JsonObject = {};
    for (;;) {
      const { body } = await this.#database.ask("Scan", {
        TableName,
        FilterExpression: "#t BETWEEN :oldest AND :now",
        ExpressionAttributeNames: { "#t": attribute },
        ExpressionAttributeValues: {
          ":oldest": { N: String(Math.floor((nowMs - OLDEST_MS) / 1000)) },
          ":now": { N: String(Math.floor(nowMs / 1000)) },
        },
        ...start,
      });
      const page = pageSchema.safeParse(body);
      if (!page.success) return found;
      found.push(...page.data.Items);
      if (page.data.LastEvaluatedKey === undefined) return found;
      start = { ExclusiveStartKey: page.data.LastEvaluatedKey };
    }
  }
}

function refused(message: string): DatabaseAnswer {
  return { status: 400, body: { __type: "com.amazon.coral.validate#ValidationException", message } };
}
