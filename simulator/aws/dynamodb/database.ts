import { create } from "node:domain";
import { EventEmitter } from "node:events";
import { IncomingMessage, type Server, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import dynalite from "dynalite";
import { isJsonObject, type JsonObject } from "../../base/json.ts";

/** What a request says beside its body. */
export type RequestHead = Pick<IncomingMessage, "method" | "url" | "headers">;

export interface DatabaseAnswer {
  readonly status: number;
  readonly body: JsonObject;
}

/** dynalite wants them, and checks none. */
const SIGNED = {
  "content-type": "application/x-amz-json-1.0",
  "x-amz-date": "20260101T000000Z",
  authorization: "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=a, Signature=a",
};

/** An in-memory database of dynalite. */
export class Database {
  readonly #server: Server = dynalite({ createTableMs: 0 });

  /**
   * Hands dynalite a request that has arrived whole. It reads what no SDK sends, such as a null in the place of a
   * value, with errors that nobody would catch: such a request is refused as DynamoDB does. Some are thrown from the
   * database's callbacks, where only a domain catches them.
   */
  replay({ method, url, headers }: RequestHead, body: Buffer, response: ServerResponse): void {
    const whole = Object.assign(new EventEmitter(), { method, url, headers });
    const domain = create();
    domain.on("error", () => refuse(response));
    domain.run(() => {
      try {
        this.#server.emit("request", whole, response);
        whole.emit("data", body);
        whole.emit("end");
      } catch {
        refuse(response);
      }
    });
  }

  /** The answer to a call of the simulator's own. */
  ask(operation: string, input: JsonObject): Promise<DatabaseAnswer> {
    const headers = { ...SIGNED, "x-amz-target": `DynamoDB_20120810.${operation}` };
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    const answered = new Promise<DatabaseAnswer>((resolve) => {
      response.end = (chunk?: unknown) => {
        const body: unknown = typeof chunk === "string" ? JSON.parse(chunk) : {};
        resolve({ status: response.statusCode, body: isJsonObject(body) ? body : {} });
        return response;
      };
    });
    this.replay({ method: "POST", url: "/", headers }, Buffer.from(JSON.stringify(input)), response);
    return answered;
  }
}

/**
 * Ends once no table is being created any more. dynalite makes a table active by a timer of its own, behind which a
 * request that follows at once can be first.
 */
export async function tablesCreated(database: Database): Promise<void> {
  const { body } = await database.ask("ListTables", {});
  for (const TableName of Array.isArray(body.TableNames) ? body.TableNames : []) {
    while (isCreating((await database.ask("DescribeTable", { TableName })).body)) await setImmediate();
  }
}

function isCreating({ Table }: JsonObject): boolean {
  return isJsonObject(Table) && Table.TableStatus === "CREATING";
}

/** Refuses a request that nothing else has answered. */
export function refuse(response: ServerResponse): void {
  if (response.headersSent) return;
  response.writeHead(400, { "content-type": "application/x-amz-json-1.0" });
  response.end(JSON.stringify({ __type: "com.amazon.coral.service#SerializationException" }));
}
