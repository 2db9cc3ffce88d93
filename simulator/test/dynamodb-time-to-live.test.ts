import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DynamoDb } from "../aws/dynamodb/dynamodb.ts";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import { jsonResponse } from "../http/message.ts";
import { type RunningServer, startServer } from "../http/server.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2026, 10, 21);
const START_S = START_MS / 1000;
const table = (TableName: string) => ({
  TableName,
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
  KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
});

let nowMs = START_MS;
let server: RunningServer;

beforeAll(async () => {
  const dynamoDb = new DynamoDb({ now: () => nowMs, seed: 7 });
  const handle = async () => jsonResponse(404, {});
  server = await startServer({ port: 0, handle, raw: (request, response) => dynamoDb.handle(request, response) });
});
afterAll(() => server.close());

async function ask(
  operation: string,
  input: JsonObject,
): Promise<{ readonly status: number; readonly body: JsonObject }> {
  const headers = {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-date": "20260101T000000Z",
    "x-amz-target": `DynamoDB_20120810.${operation}`,
    authorization:
      "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=a",
  };
  const answer = await fetch(`http://127.0.0.1:${server.port}/`, {
    method: "POST",
    headers,
    body: JSON.stringify(input),
  });
  const body: unknown = await answer.json();
  return { status: answer.status, body: isJsonObject(body) ? body : {} };
}

const enable = (TableName: string, Enabled = true) =>
  ask("UpdateTimeToLive", { TableName, TimeToLiveSpecification: { AttributeName: "expiresAt", Enabled } });
const put = (TableName: string, pk: string, expiresAt: JsonObject | undefined) =>
  ask("PutItem", { TableName, Item: { pk: { S: pk }, ...(expiresAt && { expiresAt }) } });
const seconds = (afterMs: number) => ({ N: String(START_S + afterMs / 1000) });
const names = async (TableName: string) => {
  const { Items } = (await ask("Scan", { TableName })).body;
  return (Array.isArray(Items) ? Items : [])
    .map((item) => JSON.stringify(item).match(/"pk":\{"S":"([^"]+)"/)?.[1])
    .sort();
};

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html */
describe("DynamoDB's time to live", () => {
  it("deletes items some time after they have expired, within 48 hours, and no others", async () => {
    nowMs = START_MS;
    await ask("CreateTable", table("expiring"));
    expect((await enable("expiring")).body).toEqual({
      TimeToLiveSpecification: { AttributeName: "expiresAt", Enabled: true },
    });
    const expired = Array.from({ length: 20 }, (_, index) => `expired-${String(index).padStart(2, "0")}`);
    for (const name of expired) await put("expiring", name, seconds(HOUR_MS));
    await put("expiring", "later", seconds(30 * DAY_MS));
    await put("expiring", "without", undefined);
    await put("expiring", "a text", { S: String(START_S) });
    await put("expiring", "six years old", { N: String(START_S - 6 * 365 * 86_400) });
    const kept = ["a text", "later", "six years old", "without"];
    nowMs = START_MS + HOUR_MS - 1000;
    expect(await names("expiring")).toEqual([...kept, ...expired].sort());
    nowMs = START_MS + 25 * HOUR_MS;
    const halfway = await names("expiring");
    expect(halfway.length).toBeGreaterThan(kept.length);
    expect(halfway.length).toBeLessThan(kept.length + expired.length);
    nowMs = START_MS + 50 * HOUR_MS;
    expect(await names("expiring")).toEqual(kept);
    expect((await ask("GetItem", { TableName: "expiring", Key: { pk: { S: "expired-00" } } })).body).toEqual({});
  });

  it("leaves an item that was given more time", async () => {
    nowMs = START_MS;
    await ask("CreateTable", table("prolonged"));
    await enable("prolonged");
    await put("prolonged", "a", seconds(HOUR_MS));
    nowMs = START_MS + HOUR_MS;
    await put("prolonged", "a", seconds(30 * DAY_MS));
    nowMs = START_MS + 10 * DAY_MS;
    expect(await names("prolonged")).toEqual(["a"]);
  });

  it("takes items as soon as a table is created", async () => {
    nowMs = START_MS;
    const tables = Array.from({ length: 25 }, (_, index) => `at-once-${index}`);
    for (const name of tables) {
      await ask("CreateTable", table(name));
      expect((await put(name, "a", undefined)).status).toBe(200);
    }
  });

  it("is off unless it is asked for, and can be turned off", async () => {
    nowMs = START_MS;
    await ask("CreateTable", table("plain"));
    await put("plain", "a", seconds(0));
    expect((await ask("DescribeTimeToLive", { TableName: "plain" })).body).toEqual({
      TimeToLiveDescription: { TimeToLiveStatus: "DISABLED" },
    });
    await enable("plain");
    expect((await ask("DescribeTimeToLive", { TableName: "plain" })).body).toEqual({
      TimeToLiveDescription: { TimeToLiveStatus: "ENABLED", AttributeName: "expiresAt" },
    });
    expect(await enable("plain")).toMatchObject({
      status: 400,
      body: { __type: expect.stringMatching(/#ValidationException$/), message: "TimeToLive is already enabled" },
    });
    await enable("plain", false);
    expect((await enable("plain", false)).body).toMatchObject({ message: "TimeToLive is already disabled" });
    nowMs = START_MS + 10 * DAY_MS;
    expect(await names("plain")).toEqual(["a"]);
  });

  it.each([
    [
      "a table that there is not",
      { TableName: "gone", TimeToLiveSpecification: { AttributeName: "a", Enabled: true } },
    ],
    ["no specification", { TableName: "gone" }],
    [
      "an attribute without a name",
      { TableName: "gone", TimeToLiveSpecification: { AttributeName: "", Enabled: true } },
    ],
    ["a null", { TableName: null, TimeToLiveSpecification: null }],
  ])("is refused for %s", async (_what, input) => {
    expect((await ask("UpdateTimeToLive", input)).status).toBe(400);
    expect((await ask("DescribeTimeToLive", { TableName: "gone" })).status).toBe(400);
    expect((await ask("ListTables", {})).status).toBe(200);
  });
});
