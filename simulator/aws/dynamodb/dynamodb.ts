import { create } from "node:domain";
import { EventEmitter } from "node:events";
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
    void replay(request, response, this.#databaseOf(caller));
    return true;
  }

  #databaseOf({ account, region }: { readonly account: string; readonly region: string }): Server {
    const key = `${account}/${region}`;
    const database = this.#databases.get(key) ?? dynalite({ createTableMs: 0 });
    this.#databases.set(key, database);
    return database;
  }
}

/**
 * Hands dynalite a request that has arrived whole. It reads what no SDK sends, such as a null in the place of a value,
 * with errors that nobody would catch: such a request is refused as DynamoDB does. Some are thrown from the database's
 * callbacks, where only a domain catches them.
 */
async function replay(request: IncomingMessage, response: ServerResponse, database: Server): Promise<void> {
  const body: Buffer[] = [];
  try {
    for await (const chunk of request) body.push(Buffer.from(chunk));
  } catch {
    // The client has gone away.
    return;
  }
  const { method, url, headers } = request;
  const whole = Object.assign(new EventEmitter(), { method, url, headers });
  const domain = create();
  domain.on("error", () => refuse(response));
  domain.run(() => {
    try {
      database.emit("request", whole, response);
      whole.emit("data", Buffer.concat(body));
      whole.emit("end");
    } catch {
      refuse(response);
    }
  });
}

function refuse(response: ServerResponse): void {
  if (response.headersSent) return;
  response.writeHead(400, { "content-type": "application/x-amz-json-1.0" });
  response.end(JSON.stringify({ __type: "com.amazon.coral.service#SerializationException" }));
}
