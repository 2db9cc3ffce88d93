import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DynamoDb } from "../aws/dynamodb/dynamodb.ts";
import { jsonResponse } from "../http/message.ts";
import { type RunningServer, startServer } from "../http/server.ts";

const AUTHORIZATION =
  "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=a";
const headers = { "content-type": "application/x-amz-json-1.0", "x-amz-date": "20260101T000000Z" };
const table = {
  TableName: "tagged",
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
  KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
};
let server: RunningServer;

beforeAll(async () => {
  const dynamoDb = new DynamoDb();
  const handle = async () => jsonResponse(404, {});
  server = await startServer({ port: 0, handle, raw: (request, response) => dynamoDb.handle(request, response) });
});
afterAll(() => server.close());

async function statusOf(operation: string, body: string): Promise<number> {
  const target = { "x-amz-target": `DynamoDB_20120810.${operation}`, authorization: AUTHORIZATION };
  const url = `http://127.0.0.1:${server.port}/`;
  return (await fetch(url, { method: "POST", headers: { ...headers, ...target }, body })).status;
}

describe("DynamoDB", () => {
  it.each([
    ["a null among the requests", "BatchWriteItem", { RequestItems: { ledger: [null] } }],
    ["a null in the place of a value", "PutItem", { TableName: "ledger", Item: { pk: null } }],
    ["a null in the place of a key", "GetItem", { TableName: "ledger", Key: { toString: null } }],
    ["a name that is a number", "UpdateItem", { TableName: 7, Key: {} }],
  ])("refuses %s and goes on", async (_what, operation, input) => {
    expect(await statusOf(operation, JSON.stringify(input))).toBe(400);
    expect(await statusOf("ListTables", "{}")).toBe(200);
  });

  it.each([
    ["a tag that is null", [null]],
    ["a tag's value that is null", [{ Key: "a", Value: null }]],
  ])("refuses %s, over which it stumbles after it has read the table, and goes on", async (_what, Tags) => {
    const ResourceArn = "arn:aws:dynamodb:us-east-1:000000000000:table/tagged";
    await statusOf("CreateTable", JSON.stringify(table));
    expect(await statusOf("TagResource", JSON.stringify({ ResourceArn, Tags }))).toBe(400);
    expect(await statusOf("ListTagsOfResource", JSON.stringify({ ResourceArn }))).toBe(200);
  });

  it("refuses what is not JSON", async () => {
    expect(await statusOf("PutItem", '{"TableName":"led')).toBe(400);
  });

  it("goes on when a client leaves in the middle of a request", async () => {
    const head =
      "POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Target: DynamoDB_20120810.PutItem\r\nContent-Length: 100\r\n\r\n{";
    await new Promise<void>((resolve) => {
      const socket = connect(server.port, "127.0.0.1", () => socket.end(head, () => socket.destroy()));
      socket.on("close", () => resolve());
      socket.on("error", () => undefined);
    });
    expect(await statusOf("ListTables", "{}")).toBe(200);
  });
});
