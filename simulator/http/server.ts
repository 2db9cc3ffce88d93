import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { jsonResponse, type RequestHandler, type SimulatorRequest, type SimulatorResponse } from "./message.ts";

export interface ServerOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  /** Answers what no route takes: AWS requests. */
  readonly handle: RequestHandler;
  /** Handlers by path prefix (`/_lab/`, `/kubernetes/`); the longest prefix wins. */
  readonly routes?: Readonly<Record<string, RequestHandler>>;
  /** Takes a request as Node has it, before its body is read; returns false to let it pass on. */
  readonly raw?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export interface RunningServer {
  readonly port: number;
  close(): Promise<void>;
}

/** More than any AWS request that the simulator takes (EventBridge's PutEvents: 1 MB). */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/**
 * Serves a handler on 127.0.0.1 and resolves once it listens.
 * @throws Error if the port is taken.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const routes = Object.entries(options.routes ?? {}).sort(([a], [b]) => b.length - a.length);
  const server = createServer((request, response) => {
    const refused = refuseForeign(request);
    if (refused !== undefined) return void sent(response, jsonResponse(403, { message: refused }));
    if (options.raw?.(request, response)) return;
    void answer(request, response, (labRequest) => {
      const [, route] = routes.find(([prefix]) => labRequest.path.startsWith(prefix)) ?? [];
      return (route ?? options.handle)(labRequest);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

/** Never rejects: a failing handler or a broken connection ends in an answer or a closed socket. */
async function answer(request: IncomingMessage, response: ServerResponse, handle: RequestHandler): Promise<void> {
  let result: SimulatorResponse;
  try {
    result = await handle(await labRequest(request));
  } catch (error) {
    const status = error instanceof BodyTooLarge ? 413 : 500;
    result = jsonResponse(status, { message: error instanceof Error ? error.message : String(error) });
  }
  sent(response, result);
}

function sent(response: ServerResponse, { status, headers, body }: SimulatorResponse): void {
  response.writeHead(status, { ...headers, "content-length": String(Buffer.byteLength(body)) }).end(body);
}

const LOCAL_HOSTS: readonly string[] = ["127.0.0.1", "localhost", "[::1]"];

/**
 * Why a request is refused that a web page of another site had a browser make: by the page's origin, or by the page's
 * own name in `Host`, which its owner let point to 127.0.0.1 (DNS rebinding). Undefined for all others.
 */
function refuseForeign({ headers: { host, origin } }: IncomingMessage): string | undefined {
  if (host !== undefined && !isLocal(`http://${host}`)) return `Host is ${host}. Call the server as 127.0.0.1.`;
  if (origin !== undefined && !isLocal(origin)) return `Origin is ${origin}. Only pages of 127.0.0.1 may call.`;
  return undefined;
}

function isLocal(url: string): boolean {
  return URL.canParse(url) && LOCAL_HOSTS.includes(new URL(url).hostname);
}

class BodyTooLarge extends Error {}

async function labRequest(request: IncomingMessage): Promise<SimulatorRequest> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BODY_BYTES) throw new BodyTooLarge(`The body is longer than ${MAX_BODY_BYTES} bytes.`);
    chunks.push(bytes);
  }
  // Joined by hand: against a base, `//` would begin a host.
  const url = new URL(`http://127.0.0.1${request.url ?? "/"}`);
  const headers = Object.entries(request.headers).map(([name, value]) => [name, [value ?? ""].flat().join(", ")]);
  return {
    method: request.method ?? "GET",
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: Object.fromEntries(headers),
    body: Buffer.concat(chunks).toString("utf8"),
  };
}
