import type { IncomingMessage, Server, ServerResponse } from "node:http";
import dynalite from "dynalite";
import type { AnsweredCall } from "../../core/router.ts";
import { callerOf } from "../../http/identity.ts";

const TARGET = /^DynamoDB_20120810\.(\w+)$/;

/**
 * DynamoDB, over HTTP alone: an in-memory database of dynalite for each account and region. It takes Node's own
 * requests and responses, because dynalite is a server.
 */
export class DynamoDb {
  readonly #databases = new Map<string, Server>();
  readonly #onCall: (call: AnsweredCall) => void;

  /** `onCall` gets every call once it is answered. */
  constructor(onCall: (call: AnsweredCall) => void = () => undefined) {
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
