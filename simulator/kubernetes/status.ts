import type { Json, JsonObject } from "../base/json.ts";
import { jsonResponse, type SimulatorResponse } from "../http/message.ts";
import type { Resource } from "./resources.ts";

/** An answer of the Kubernetes API that is an error: it is sent as a `Status` object. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: JsonObject | undefined;
  /** The list's metadata, for a list that can be continued otherwise. */
  readonly metadata: JsonObject;

  constructor(code: number, reason: string, message: string, details?: JsonObject, metadata: JsonObject = {}) {
    super(message);
    this.name = "StatusError";
    this.code = code;
    this.reason = reason;
    this.details = details;
    this.metadata = metadata;
  }
}

/** The response to a request that failed. */
export function statusResponse({ code, reason, message, details, metadata }: StatusError): SimulatorResponse {
  const status: Record<string, Json> = {
    kind: "Status",
    apiVersion: "v1",
    metadata,
    status: "Failure",
    message,
    reason,
    code,
  };
  if (details !== undefined) status.details = details;
  return jsonResponse(code, status);
}

/** The API group of a resource, empty for the core one. */
export function groupOf({ apiVersion }: Resource): string {
  return apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";
}

/** The object does not exist. */
export function notFound(resource: Resource, name: string): StatusError {
  return new StatusError(404, "NotFound", `${qualified(resource)} "${name}" not found`, detailsOf(resource, name));
}

/** Another object has the name. */
export function alreadyExists(resource: Resource, name: string): StatusError {
  return new StatusError(
    409,
    "AlreadyExists",
    `${qualified(resource)} "${name}" already exists`,
    detailsOf(resource, name),
  );
}

/** The object must not be written. */
export function forbidden(resource: Resource, name: string, why: string, causes: readonly JsonObject[]): StatusError {
  const message = `${qualified(resource)} "${name}" is forbidden: ${why}`;
  return new StatusError(403, "Forbidden", message, { ...detailsOf(resource, name), causes });
}

/** The object has changed since its writer read it. */
export function modified(resource: Resource, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`;
  return new StatusError(409, "Conflict", message, detailsOf(resource, name));
}

function qualified(resource: Resource): string {
  const group = groupOf(resource);
  return group === "" ? resource.plural : `${resource.plural}.${group}`;
}

function detailsOf(resource: Resource, name: string): JsonObject {
  const group = groupOf(resource);
  return { name, ...(group !== "" && { group }), kind: resource.plural };
}
