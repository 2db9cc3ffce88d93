import { AwsError } from "../aws-error.ts";
import { isJsonObject, type Json, type JsonObject } from "../json.ts";
import type { LabRequest, LabResponse } from "./message.ts";
import { xmlElements } from "./xml.ts";

/** How a request names its operation, and how the answer is written. */
export type Protocol = "awsJson1_0" | "awsJson1_1" | "awsQuery" | "restJson1";

/** A request's operation, still without its input. */
export interface AddressedCall {
  /** The service's short name, or `undefined` when the lab knows no service by that target. */
  readonly service: string | undefined;
  readonly operation: string;
  readonly protocol: Protocol;
}

const TARGETS: Readonly<Record<string, { readonly service: string; readonly protocol: Protocol }>> = {
  AmazonEC2ContainerServiceV20141113: { service: "ecs", protocol: "awsJson1_1" },
  secretsmanager: { service: "secretsmanager", protocol: "awsJson1_1" },
  AWSEvents: { service: "events", protocol: "awsJson1_1" },
  AWSStepFunctions: { service: "states", protocol: "awsJson1_0" },
  AmazonSSM: { service: "ssm", protocol: "awsJson1_1" },
  GraniteServiceVersion20100801: { service: "cloudwatch", protocol: "awsJson1_0" },
  DynamoDB_20120810: { service: "dynamodb", protocol: "awsJson1_0" },
};

const QUERY_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/";

/** The service and operation that a request calls, by AWS's protocols; `undefined` when it is no AWS request. */
export function addressedCall(request: LabRequest): AddressedCall | undefined {
  const target = request.headers["x-amz-target"];
  if (target !== undefined) {
    const dot = target.lastIndexOf(".");
    const known = TARGETS[target.slice(0, Math.max(0, dot))];
    return {
      service: known?.service,
      operation: target.slice(dot + 1),
      protocol: known?.protocol ?? "awsJson1_1",
    };
  }
  const action = queryMembers(request).Action;
  if (action !== undefined) return { service: "sts", operation: action, protocol: "awsQuery" };
  if (request.method === "GET" && request.path === "/clusters") {
    return { service: "eks", operation: "ListClusters", protocol: "restJson1" };
  }
  if (request.method === "GET" && eksClusterName(request.path) !== undefined) {
    return { service: "eks", operation: "DescribeCluster", protocol: "restJson1" };
  }
  return undefined;
}

/**
 * The operation's input.
 * @throws AwsError `SerializationException` when the body is no JSON object.
 */
export function callInput(request: LabRequest, call: AddressedCall): JsonObject {
  switch (call.protocol) {
    case "awsJson1_0":
    case "awsJson1_1":
      return jsonInput(request.body);
    case "awsQuery":
      return queryMembers(request);
    case "restJson1": {
      const name = eksClusterName(request.path);
      return name === undefined ? request.query : { name };
    }
  }
}

/** The answer to a call that went well. */
export function successResponse(call: AddressedCall, output: Json, requestId: string): LabResponse {
  const headers = { "content-type": contentType(call.protocol), "x-amzn-requestid": requestId };
  if (call.protocol !== "awsQuery") return { status: 200, headers, body: JSON.stringify(output) };
  const { operation } = call;
  const result = isJsonObject(output) ? xmlElements(output) : "";
  const metadata = `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>`;
  const body = `<${operation}Response xmlns="${QUERY_NAMESPACE}"><${operation}Result>${result}</${operation}Result>${metadata}</${operation}Response>`;
  return { status: 200, headers, body };
}

/** The answer to a call that failed, as the protocol writes errors. */
export function errorResponse(protocol: Protocol, error: AwsError, requestId: string): LabResponse {
  const headers = { "content-type": contentType(protocol), "x-amzn-requestid": requestId };
  if (protocol === "awsQuery") {
    const type = error.statusCode < 500 ? "Sender" : "Receiver";
    const detail = xmlElements({
      Error: { Type: type, Code: error.name, Message: error.message },
      RequestId: requestId,
    });
    return {
      status: error.statusCode,
      headers,
      body: `<ErrorResponse xmlns="${QUERY_NAMESPACE}">${detail}</ErrorResponse>`,
    };
  }
  return {
    status: error.statusCode,
    headers: { ...headers, "x-amzn-errortype": error.name },
    body: JSON.stringify({ __type: error.name, message: error.message }),
  };
}

function contentType(protocol: Protocol): string {
  switch (protocol) {
    case "awsJson1_0":
      return "application/x-amz-json-1.0";
    case "awsJson1_1":
      return "application/x-amz-json-1.1";
    case "awsQuery":
      return "text/xml";
    case "restJson1":
      return "application/json";
  }
}

function jsonInput(body: string): JsonObject {
  if (body === "") return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (cause) {
    throw Object.assign(new AwsError("SerializationException", "The request body is not valid JSON."), { cause });
  }
  if (isJsonObject(parsed)) return parsed;
  throw new AwsError("SerializationException", "The request body must be a JSON object.");
}

function queryMembers(request: LabRequest): Record<string, string> {
  const isForm = request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded") ?? false;
  if (request.method === "POST" && isForm) return Object.fromEntries(new URLSearchParams(request.body));
  return request.path === "/" ? { ...request.query } : {};
}

function eksClusterName(path: string): string | undefined {
  const [, name] = /^\/clusters\/([^/]+)$/.exec(path) ?? [];
  return name === undefined ? undefined : decodeURIComponent(name);
}
