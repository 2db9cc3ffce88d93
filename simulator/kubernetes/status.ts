import type { Json, JsonObject } from "../base/json.ts";
import { jsonResponse, type SimulatorResponse } from "../http/message.ts";

/** An answer of the Kubernetes API that is an error: it is sent as a `Status` object. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: JsonObject | undefined;

  constructor(code: number, reason: string, message: string, details?: JsonObject) {
    super(message);
    this.name = "StatusError";
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

/** The response to a request that failed. */
export function statusResponse({ code, reason, message, details }: StatusError): SimulatorResponse {
  const status: Record<string, Json> = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    code,
  };
  if (details !== undefined) status.details = details;
  return jsonResponse(code, status);
}

/** The object or list does not exist. */
export function notFound(resource: string, name: string): StatusError {
  return new StatusError(404, "NotFound", `${resource} "${name}" not found`, { name, kind: resource });
}
