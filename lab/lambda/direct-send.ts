import { ServiceException } from "@smithy/core/client";
import { HttpRequest, HttpResponse } from "@smithy/core/protocols";
import type { MetadataBearer, MiddlewareStack, RetryErrorInfo, RetryStrategyV2, SdkError } from "@smithy/types";
import type { RequestHandler, SimulatorResponse } from "@ztunnel-autopilot/simulator";
import * as z from "zod";
import { isThrottled, isUnavailable } from "../../shared/gateways/aws/errors.ts";

/** What the direct way needs of an SDK client and of its commands. */
const clientSchema = z.object({
  config: z.object({
    protocol: z.object({ serviceTarget: z.string() }),
    retryStrategy: z.custom<() => Promise<RetryStrategyV2>>((value) => typeof value === "function"),
  }),
});

interface Command {
  readonly input: object;
  readonly middlewareStack: MiddlewareStack<object, MetadataBearer>;
}

export interface DirectSendOptions {
  readonly handle: RequestHandler;
  /** The value of the `authorization` header: who calls, and in which region. */
  readonly authorization: () => Promise<string>;
}

/** Secrets Manager's timestamps by their names, as in `DeletedDate`. The others' answers have none that matter. */
const TIMESTAMP = /Date$/;

/**
 * Lets an SDK client hand its commands to the lab without the SDK's own pipeline: no serialization by schema, endpoint,
 * signature or parsing, which are most of what a call costs in process. A command's own middlewares, the client's
 * retries and the errors' names and statuses stay the same. Timestamps of answers stay numbers, except Secrets
 * Manager's. For clients whose protocol is AWS JSON; others stay as they are. Returns whether it was one.
 */
export function sendDirectly(client: object, options: DirectSendOptions): boolean {
  const parsed = clientSchema.safeParse(client);
  if (!parsed.success) return false;
  const { protocol, retryStrategy } = parsed.data.config;
  const send = async (command: Command): Promise<unknown> => {
    const operation = command.constructor.name.replace(/Command$/, "");
    const target = `${protocol.serviceTarget}.${operation}`;
    const attempt = command.middlewareStack.resolve((args) => answer(target, args, options), {});
    const request = () => new HttpRequest({ method: "POST", path: "/", body: bodyText(command.input) });
    const strategy = await retryStrategy();
    let token = await strategy.acquireInitialRetryToken("");
    for (;;) {
      try {
        // A middleware of the serialize step finds a request, as after the SDK's own serialization.
        const args = { input: command.input, request: request() };
        const { response, output } = await attempt(args);
        return { ...bodyOf(response), ...output };
      } catch (error) {
        const next = strategy.refreshRetryTokenForRetry(token, retryInfo(error));
        token = await next.catch(() => Promise.reject(error));
      }
    }
  };
  Object.assign(client, { send });
  return true;
}

async function answer(target: string, args: { readonly request?: unknown }, options: DirectSendOptions) {
  if (!HttpRequest.isInstance(args.request)) throw new TypeError("the request is not an HTTP request");
  const headers = {
    "x-amz-target": target,
    "content-type": "application/x-amz-json-1.1",
    authorization: await options.authorization(),
  };
  const given = await options.handle({
    method: "POST",
    path: "/",
    query: {},
    headers,
    body: String(args.request.body),
  });
  if (given.status >= 300) throw failure(given);
  const response = new HttpResponse({ statusCode: given.status, headers: {}, body: Buffer.from(given.body, "utf8") });
  return { response, output: { $metadata: { httpStatusCode: given.status } } };
}

/** What a middleware that keeps the answer for itself has left of it. */
function bodyOf(response: unknown): object {
  if (!HttpResponse.isInstance(response) || response.body.byteLength === 0) return {};
  const text: string = response.body.toString();
  const body: unknown = text.includes('Date":') ? JSON.parse(text, withDates) : JSON.parse(text);
  return typeof body === "object" && body !== null ? body : {};
}

function withDates(key: string, value: unknown): unknown {
  return typeof value === "number" && TIMESTAMP.test(key) ? new Date(value * 1000) : value;
}

const errorSchema = z.object({ __type: z.string(), message: z.string().default("") });

function failure({ status, body }: SimulatorResponse): ServiceException {
  const { __type: name, message } = errorSchema.parse(JSON.parse(body));
  const $fault = status < 500 ? "client" : "server";
  return new ServiceException({ name, message, $fault, $metadata: { httpStatusCode: status } });
}

function retryInfo(thrown: unknown): RetryErrorInfo {
  // The strategy only remembers which error it is.
  const error = thrown instanceof ServiceException ? { error: thrown as SdkError } : {};
  if (isThrottled(thrown)) return { ...error, errorType: "THROTTLING" };
  return { ...error, errorType: isUnavailable(thrown) ? "TRANSIENT" : "CLIENT_ERROR" };
}

/** AWS JSON has a time as epoch seconds. */
function bodyText(input: unknown): string {
  return JSON.stringify(input, function (this: Record<string, unknown>, key, value: unknown) {
    const given = this[key];
    return given instanceof Date ? given.getTime() / 1000 : value;
  });
}
