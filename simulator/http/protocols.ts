import { AwsError } from "../base/aws-error.ts";
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import { isNestedTooDeep, MOST_NESTED } from "./depth.ts";
import type { SimulatorRequest, SimulatorResponse } from "./message.ts";
import { xmlElements } from "./xml.ts";

/** An operation and its input, as a request path names them. */
export interface RestCall {
  readonly operation: string;
  readonly input: JsonObject;
}

/**
 * How an API's requests name the operation, and how its answers are written.
 * https://smithy.io/2.0/aws/protocols/index.html
 */
export type Protocol =
  /** `target` comes before the operation in the header `x-amz-target`: `AmazonSSM`. */
  | { readonly kind: "awsJson1_0" | "awsJson1_1"; readonly target: string }
  /** `version` is the API's, which requests carry: `2011-06-15`; `namespace` that of the answers' XML. */
  | { readonly kind: "awsQuery"; readonly version: string; readonly namespace: string }
  /** `callOf` returns undefined for the request of another API. */
  | { readonly kind: "restJson1"; readonly callOf: (request: SimulatorRequest) => RestCall | undefined };

/** Members of a query API's request that are not the operation's input. */
const QUERY_CALL = ["Action", "Version"];

/** The members of a query API's request: a form, or the query of the root path. */
export function queryMembers(request: SimulatorRequest): Readonly<Record<string, string>> {
  const isForm = request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded") ?? false;
  if (request.method === "POST" && isForm) return Object.fromEntries(new URLSearchParams(request.body));
  return request.path === "/" ? { ...request.query } : {};
}

/**
 * The operation's input.
 * @throws AwsError `SerializationException` when the body is not a JSON object.
 */
export function callInput(protocol: Protocol, request: SimulatorRequest): JsonObject {
  switch (protocol.kind) {
    case "awsJson1_0":
    case "awsJson1_1":
      return jsonInput(request.body);
    case "awsQuery":
      return Object.fromEntries(Object.entries(queryMembers(request)).filter(([name]) => !QUERY_CALL.includes(name)));
    case "restJson1":
      return protocol.callOf(request)?.input ?? {};
  }
}

/** The answer to a call that went well. */
export function successResponse(
  protocol: Protocol,
  operation: string,
  output: Json,
  requestId: string,
): SimulatorResponse {
  const headers = { "content-type": contentType(protocol), "x-amzn-requestid": requestId };
  if (protocol.kind !== "awsQuery") return { status: 200, headers, body: JSON.stringify(output) };
  const result = isJsonObject(output) ? xmlElements(output) : "";
  const metadata = `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>`;
  const body = `<${operation}Response xmlns="${protocol.namespace}"><${operation}Result>${result}</${operation}Result>${metadata}</${operation}Response>`;
  return { status: 200, headers, body };
}

/** The answer to a call that failed, as the protocol writes errors; without one, as most of AWS's APIs do. */
export function errorResponse(protocol: Protocol | undefined, error: AwsError, requestId: string): SimulatorResponse {
  const headers = { "content-type": contentType(protocol), "x-amzn-requestid": requestId };
  if (protocol?.kind === "awsQuery") {
    const type = error.statusCode < 500 ? "Sender" : "Receiver";
    const detail = xmlElements({
      Error: { Type: type, Code: error.name, Message: error.message },
      RequestId: requestId,
    });
    return {
      status: error.statusCode,
      headers,
      body: `<ErrorResponse xmlns="${protocol.namespace}">${detail}</ErrorResponse>`,
    };
  }
  return {
    status: error.statusCode,
    headers: { ...headers, "x-amzn-errortype": error.name },
    body: JSON.stringify({ __type: error.name, message: error.message }),
  };
}

function contentType(protocol: Protocol | undefined): string {
  switch (protocol?.kind) {
    case "awsJson1_0":
      return "application/x-amz-json-1.0";
    case "awsQuery":
      return "text/xml";
    case "restJson1":
      return "application/json";
    case "awsJson1_1":
    case undefined:
      return "application/x-amz-json-1.1";
  }
}

function jsonInput(body: string): JsonObject {
  if (body === "") return {};
  if (isNestedTooDeep(body)) {
    throw new AwsError("SerializationException", `The request body is nested more than ${MOST_NESTED} times.`);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (cause) {
    throw Object.assign(new AwsError("SerializationException", "The request body is not valid JSON."), { cause });
  }
  if (isJsonObject(parsed)) return body.includes("null") ? withoutNulls(parsed) : parsed;
  throw new AwsError("SerializationException", "The request body must be a JSON object.");
}

/**
 * AWS's JSON protocols read a member that is null as one that is absent.
 * https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 */
function withoutNulls(object: JsonObject): JsonObject {
  const given = Object.entries(object).filter(([, value]) => value !== null);
  return Object.fromEntries(given.map(([key, value]) => [key, withoutNullMembers(value)]));
}

function withoutNullMembers(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutNullMembers);
  return isJsonObject(value) ? withoutNulls(value) : value;
}
