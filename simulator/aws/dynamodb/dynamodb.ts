import type { IncomingMessage, ServerResponse } from "node:http";
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import type { AnsweredCall } from "../../core/router.ts";
import { callerOf } from "../../http/identity.ts";
import { Database, type DatabaseAnswer, refuse, tablesCreated } from "./database.ts";
import { TimeToLive } from "./time-to-live.ts";

const TARGET = /^DynamoDB_20120810\.(\w+)$/;

export interface DynamoDbOptions {
  /** Gets every call once it is answered. */
  readonly onCall?: (call: AnsweredCall) => void;
  /** Epoch milliseconds, by which items expire. Default the system's clock. */
  readonly now?: () => number;
  /** Decides how late each expired item is deleted. Default 0. */
  readonly seed?: number;
}

interface Place {
  readonly account: string;
  readonly region: string;
}

interface PlacedDatabase {
  readonly database: Database;
  readonly timeToLive: TimeToLive;
  /** Ends once the tables that were asked for are active. */
  creation: (() => Promise<void>) | undefined;
}

/**
 * DynamoDB, over HTTP alone: an in-memory database of dynalite for each account and region, with the time to live. It
 * takes Node's own requests and responses, because dynalite is a server.
 */
export class DynamoDb {
  readonly #databases = new Map<string, PlacedDatabase>();
  readonly #onCall: (call: AnsweredCall) => void;
  readonly #timing: { readonly now: () => number; readonly seed: number };

  constructor({ onCall = () => undefined, now = Date.now, seed = 0 }: DynamoDbOptions = {}) {
    this.#onCall = onCall;
    this.#timing = { now, seed };
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
    this.#answer(operation, request, response, this.#databaseOf(caller)).catch(() => refuse(response));
    return true;
  }

  async #answer(
    operation: string,
    request: IncomingMessage,
    response: ServerResponse,
    placed: PlacedDatabase,
  ): Promise<void> {
    const { database, timeToLive } = placed;
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(Buffer.from(chunk));
    } catch {
      // The client has gone away.
      return;
    }
    const body = Buffer.concat(chunks);
    await placed.creation?.();
    if (operation === "UpdateTimeToLive") return send(response, await timeToLive.update(parsed(body)));
    if (operation === "DescribeTimeToLive") return send(response, await timeToLive.describe(parsed(body)));
    if (operation === "CreateTable") placed.creation = onceOf(() => tablesCreated(database));
    await timeToLive.deleteExpired();
    database.replay(request, body, response);
  }

  #databaseOf({ account, region }: Place): PlacedDatabase {
    const key = `${account}/${region}`;
    const known = this.#databases.get(key);
    if (known) return known;
    const database = new Database();
    const made = { database, timeToLive: new TimeToLive(database, this.#timing), creation: undefined };
    this.#databases.set(key, made);
    return made;
  }
}

/** The same promise at each call: the first one starts the work. */
function onceOf(work: () => Promise<void>): () => Promise<void> {
  let started: Promise<void> | undefined;
  return () => {
    started ??= work();
    return started;
  };
}

/** What is not a JSON object is an empty one. */
function parsed(body: Buffer): JsonObject {
  try {
    const value: unknown = JSON.parse(body.toString());
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

function send(response: ServerResponse, { status, body }: DatabaseAnswer): void {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.0" });
  response.end(JSON.stringify(body));
}
