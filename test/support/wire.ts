import { HttpRequest, HttpResponse } from "@smithy/core/protocols";
import type { HttpHandlerOptions } from "@smithy/types";
import { isJsonObject, type Json, type JsonObject } from "../../shared/base/json.ts";
import { type AwsClients, type AwsClientsOptions, awsClients } from "../../shared/gateways/aws/aws-clients.ts";

/** A request as it goes over the wire. */
export interface WireCall {
  readonly operation: string;
  /** The JSON body, or the form of a query request. */
  readonly input: JsonObject;
  readonly accessKeyId: string;
  readonly region: string;
  readonly request: HttpRequest;
}

/** The response: a body, or an error by its name. */
export type WireAnswer =
  | { readonly body: Json | string }
  | { readonly error: string; readonly message?: string; readonly status?: number };

export interface Wire {
  readonly calls: WireCall[];
  readonly operations: () => readonly string[];
  /** What was paused for between attempts, in milliseconds. */
  readonly pauses: number[];
  readonly clients: AwsClients;
}

/** AWS clients whose requests, signed and serialized as usual, are answered by a function. */
export function wire(
  answer: (call: WireCall, index: number) => WireAnswer,
  options: Partial<AwsClientsOptions> = {},
): Wire {
  const calls: WireCall[] = [];
  const pauses: number[] = [];
  const requestHandler = {
    metadata: { handlerProtocol: "http/1.1" },
    handle: async (request: HttpRequest, _options?: HttpHandlerOptions) => {
      const call = wireCall(request);
      calls.push(call);
      return { response: wireResponse(call, answer(call, calls.length - 1)) };
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  };
  const clients = awsClients({
    config: {
      name: "ztunnel-autopilot",
      homeRegion: "us-east-1",
      homeAccount: "111111111111",
      memberRoleName: "ztunnel-autopilot-member",
    },
    requestHandler,
    credentials: { accessKeyId: "111111111111", secretAccessKey: "home-secret" },
    pause: async (ms) => {
      pauses.push(ms);
    },
    random: () => 0.5,
    ...options,
  });
  return { calls, pauses, clients, operations: () => calls.map(({ operation }) => operation) };
}

function wireCall(request: HttpRequest): WireCall {
  const text = typeof request.body === "string" ? request.body : new TextDecoder().decode(request.body);
  const target = request.headers["x-amz-target"];
  const form = target ? {} : Object.fromEntries(new URLSearchParams(text));
  const json: unknown = target ? JSON.parse(text) : form;
  const credential = /Credential=([^/]+)\/\d+\/([^/]+)\//.exec(request.headers.authorization ?? "");
  return {
    operation: target?.split(".").at(-1) ?? String(form.Action ?? `${request.method} ${request.path}`),
    input: isJsonObject(json) ? json : {},
    accessKeyId: credential?.[1] ?? "",
    region: credential?.[2] ?? "",
    request: HttpRequest.clone(request),
  };
}

function wireResponse(call: WireCall, answer: WireAnswer): HttpResponse {
  if ("body" in answer)
    return response(200, typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
  const { error, message = `${error} happened`, status = 400 } = answer;
  const isQuery = call.request.headers["x-amz-target"] === undefined;
  const xml = `<ErrorResponse><Error><Code>${error}</Code><Message>${message}</Message></Error></ErrorResponse>`;
  return response(status, isQuery ? xml : JSON.stringify({ __type: error, message }));
}

function response(statusCode: number, text: string): HttpResponse {
  return new HttpResponse({
    statusCode,
    headers: { "content-type": text.startsWith("<") ? "text/xml" : "application/x-amz-json-1.1" },
    body: Buffer.from(text),
  });
}

export const homePlace = { account: "111111111111", region: "us-east-1" };
export const memberPlace = { account: "222222222222", region: "eu-west-1" };
