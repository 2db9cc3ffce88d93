import type { Json } from "../base/json.ts";

/** An HTTP request: header names in lower case, the path without its query. */
export interface SimulatorRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface SimulatorResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Answers requests. It never rejects for what AWS would answer with an error. */
export type RequestHandler = (request: SimulatorRequest) => Promise<SimulatorResponse>;

/** A response with a JSON body. */
export function jsonResponse(
  status: number,
  body: Json,
  headers: Readonly<Record<string, string>> = {},
): SimulatorResponse {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}
