import { type HttpHandler, type HttpRequest, HttpResponse } from "@smithy/core/protocols";
import type { RequestHandler, SimulatorRequest } from "./message.ts";

/** A `fetch` of texts, such as a Kubernetes client needs; the global one is one. */
export type TextFetch = (
  url: string,
  request: {
    readonly method: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly signal?: AbortSignal;
  },
) => Promise<{
  readonly status: number;
  readonly headers: Iterable<[string, string]>;
  readonly text: () => Promise<string>;
}>;

/**
 * A `requestHandler` for AWS SDK clients that hands requests to the simulator without a socket, so that they take no
 * real time. Everything else of the SDK (serialization, retries) is as over HTTP.
 */
export function inProcessRequestHandler(handle: RequestHandler): HttpHandler {
  return {
    metadata: { handlerProtocol: "http/1.1" },
    async handle(request, options) {
      if (options?.abortSignal?.aborted) throw abortError();
      const { status, headers, body } = await handle(labRequest(request));
      const response = new HttpResponse({
        statusCode: status,
        headers: { ...headers },
        body: Buffer.from(body, "utf8"),
      });
      return { response };
    },
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
    destroy() {},
  };
}

/** A `fetch` for texts alone, without a socket: making a whole `Response` costs more than most answers. */
export function inProcessTextFetch(handle: RequestHandler): TextFetch {
  return async (url, { method, headers, body = "", signal }) => {
    signal?.throwIfAborted();
    const lowered = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
    const answer = await handle({ ...addressOf(url), method, headers: Object.fromEntries(lowered), body });
    return { status: answer.status, headers: Object.entries(answer.headers), text: async () => answer.body };
  };
}

/** A `fetch` that hands requests to the simulator without a socket. */
export function inProcessFetch(handle: RequestHandler): typeof fetch {
  return async (input, init) => {
    const { status, headers, body } = await handle(simpleRequest(input, init) ?? (await anyRequest(input, init)));
    return new Response(body === "" ? null : body, { status, headers: { ...headers } });
  };
}

type FetchArguments = Parameters<typeof fetch>;

/** The request of a URL and a body that are texts already: a `Request` is expensive. Undefined for any other. */
function simpleRequest(input: FetchArguments[0], init: FetchArguments[1] = {}): SimulatorRequest | undefined {
  const { method = "GET", body = null } = init;
  const headers = new Headers(init.headers);
  if (typeof input !== "string" || !(body === null || (typeof body === "string" && headers.has("content-type"))))
    return undefined;
  init.signal?.throwIfAborted();
  return { ...addressOf(input), method: method.toUpperCase(), headers: Object.fromEntries(headers), body: body ?? "" };
}

async function anyRequest(...given: FetchArguments): Promise<SimulatorRequest> {
  const request = new Request(...given);
  request.signal.throwIfAborted();
  const { method, headers } = request;
  return { ...addressOf(request.url), method, headers: Object.fromEntries(headers), body: await request.text() };
}

function addressOf(text: string): Pick<SimulatorRequest, "path" | "query"> {
  const { pathname: path, search, searchParams } = new URL(text);
  return { path, query: search === "" ? {} : Object.fromEntries(searchParams) };
}

function labRequest(request: HttpRequest): SimulatorRequest {
  const query = Object.entries(request.query ?? {}).map(([name, value]) => [name, [value ?? ""].flat().join(",")]);
  const headers = Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    method: request.method,
    path: request.path,
    query: Object.fromEntries(query),
    headers: Object.fromEntries(headers),
    body: bodyText(request.body),
  };
}

function bodyText(body: unknown): string {
  if (body === undefined || body === null) return "";
  if (typeof body === "string") return body;
  if (body instanceof Uint8Array) return new TextDecoder().decode(body);
  throw new TypeError("The simulator takes request bodies as text or bytes, not as streams.");
}

function abortError(): Error {
  return Object.assign(new Error("Request aborted"), { name: "AbortError" });
}
