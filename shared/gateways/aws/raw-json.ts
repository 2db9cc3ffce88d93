/**
 * The SDK drops members that its version does not know, on reading and on writing alike. A copy of a task definition
 * through it would lose every field that AWS has added since. Here the JSON passes unchanged.
 */
import { collectBody, HttpRequest, HttpResponse } from "@smithy/core/protocols";
import type { MetadataBearer, MiddlewareStack, SerdeFunctions } from "@smithy/types";
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { parseJson } from "../../base/json-text.ts";
import { isThrottled, unreadable } from "./errors.ts";
import { markNotRepeatable } from "./retry.ts";

interface Command<Input extends object, Output extends MetadataBearer> {
  readonly middlewareStack: MiddlewareStack<Input, Output>;
}

/** Reads a body once more: the client's own collector for a stream. */
export type BodyCollector = Pick<SerdeFunctions, "streamCollector">;

const NOTHING = new Uint8Array(0);

/**
 * Lets a command keep the JSON of its successful response, which the SDK does not parse then: the command's own output
 * is empty. What is returned gives the JSON after the command was sent; it throws if there was none.
 */
export function keepRawResponse<Input extends object, Output extends MetadataBearer>(
  command: Command<Input, Output>,
  { streamCollector }: BodyCollector,
): RawResponse {
  let kept: string | undefined;
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { response } = result;
      if (HttpResponse.isInstance(response) && response.statusCode < 300) {
        // collectBody takes the whole serde context and uses its stream collector alone.
        const bytes = await collectBody(response.body, { streamCollector } as SerdeFunctions);
        // Nothing is left for the SDK, whose own reading of a large answer is most of what a call costs.
        response.body = NOTHING;
        kept = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
      }
      return result;
    },
    // Low in its step: closer to the wire than the SDK's own parsing.
    { name: "keepRawResponse", step: "deserialize", priority: "low" },
  );
  const raw = () => {
    const parsed: unknown = kept === undefined ? undefined : parseJson(kept);
    if (!isJsonObject(parsed)) return unreadable("the response had no JSON object as its body");
    return parsed;
  };
  // AWS's JSON protocols give members that are null the meaning of absent ones.
  return { raw, withoutNulls: () => (kept?.includes("null") ? withoutNulls(raw()) : raw()) };
}

/** A response's JSON, once it has come: as it is, or without the members that are null. */
export interface RawResponse {
  raw(): JsonObject;
  withoutNulls(): JsonObject;
}

function withoutNulls(object: JsonObject): JsonObject {
  const kept = Object.entries(object).filter(([, value]) => value !== null);
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutNullsIn(value)]));
}

function withoutNullsIn(value: Json): Json {
  if (Array.isArray(value)) return value.filter((item) => item !== null).map(withoutNullsIn);
  return isJsonObject(value) ? withoutNulls(value) : value;
}

/** Makes a command send this JSON as its body instead of its input. Length and signature are those of this body. */
export function sendRawRequest<Input extends object, Output extends MetadataBearer>(
  command: Command<Input, Output>,
  body: JsonObject,
): void {
  const text = JSON.stringify(body);
  command.middlewareStack.add(
    (next) => (args) => {
      if (!HttpRequest.isInstance(args.request)) throw new Error("the request is not an HTTP request");
      args.request.body = text;
      return next(args);
    },
    // Low in its step: after the SDK has written the body that is replaced, before length and signature.
    { name: "sendRawRequest", step: "serialize", priority: "low" },
  );
}

/** Keeps the SDK from sending a command again when the first attempt may have had its effect. */
export function sendAtMostOnce<Input extends object, Output extends MetadataBearer>(
  command: Command<Input, Output>,
): void {
  command.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        if (!isThrottled(error)) markNotRepeatable(error);
        throw error;
      }
    },
    { name: "sendAtMostOnce", step: "finalizeRequest", priority: "low" },
  );
}
