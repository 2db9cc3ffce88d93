import { type HttpHandler, type HttpRequest, HttpResponse } from "@smithy/core/protocols";
import type { LabHandler, LabRequest } from "./message.ts";

/**
 * A `requestHandler` for AWS SDK clients that hands requests to the lab without a socket, so that they take no real
 * time. Everything else of the SDK (signing, serialization, retries) is as over HTTP.
 */
export function inProcessRequestHandler(handle: LabHandler): HttpHandler {
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

/** A `fetch` that hands requests to the lab without a socket. */
export function inProcessFetch(handle: LabHandler): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    request.signal.throwIfAborted();
    const url = new URL(request.url);
    const { status, headers, body } = await handle({
      method: request.method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
    });
    return new Response(body === "" ? null : body, { status, headers: { ...headers } });
  };
}

function labRequest(request: HttpRequest): LabRequest {
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
  throw new TypeError("The lab takes request bodies as text or bytes, not as streams.");
}

function abortError(): Error {
  return Object.assign(new Error("Request aborted"), { name: "AbortError" });
}
