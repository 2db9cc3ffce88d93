import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  createConfiguration,
  type HttpLibrary,
  type RequestContext,
  ResponseContext,
  ServerConfiguration,
  wrapHttpLibrary,
} from "@kubernetes/client-node";
import { Agent } from "undici";
import * as z from "zod";
import { AutopilotError, type FailureCode } from "../../base/errors.ts";
import { redactor } from "../../base/redaction.ts";
import type { ClusterConnection } from "./cluster-connection.ts";

export interface KubernetesApis {
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly custom: CustomObjectsApi;
}

/** The Kubernetes APIs of a connection. Every request gets a deadline, its answer's body included. */
export async function kubernetesApis(
  connection: ClusterConnection,
  options: { readonly deadlineMs: number; readonly httpApi?: HttpLibrary | undefined },
): Promise<KubernetesApis> {
  const redaction = tokenRedaction(connection);
  const configuration = createConfiguration({
    // The client appends paths as they are; the API server redirects those that begin with two slashes.
    baseServer: new ServerConfiguration(connection.server.replace(/\/+$/, ""), {}),
    authMethods: { default: await authentication(redaction.connection, options.httpApi === undefined) },
    promiseMiddleware: [
      {
        pre: async (request) => {
          request.setSignal(AbortSignal.timeout(options.deadlineMs));
          return request;
        },
        post: redaction.redacted,
      },
    ],
    ...(options.httpApi && { httpApi: options.httpApi }),
  });
  return {
    core: new CoreV1Api(configuration),
    apps: new AppsV1Api(configuration),
    custom: new CustomObjectsApi(configuration),
  };
}

/** What a control plane's requests need of a `fetch`; the global one is one. */
export type KubernetesFetch = (
  url: string,
  request: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body?: string;
    readonly signal?: AbortSignal;
  },
) => Promise<{
  readonly status: number;
  readonly headers: Iterable<[string, string]>;
  readonly text: () => Promise<string>;
}>;

/** Lets the Kubernetes client send its requests by a `fetch`, in place of its own with the cluster's TLS settings. */
export function fetchHttpApi(fetch: KubernetesFetch): HttpLibrary {
  return wrapHttpLibrary({
    send: async (request) => {
      const body = request.getBody();
      const signal = request.getSignal();
      const response = await fetch(request.getUrl(), {
        method: request.getHttpMethod(),
        headers: request.getHeaders(),
        ...(body !== undefined && { body: String(body) }),
        ...(signal && { signal }),
      });
      const text = await response.text();
      return new ResponseContext(response.status, Object.fromEntries(response.headers), bodyOf(text));
    },
  });
}

/** As many as may be in use at a time, while one follows the other. */
const TOKENS_KEPT = 2;

/** Answers to failed requests without the tokens that the connection has given: a proxy may repeat the request. */
function tokenRedaction(connection: ClusterConnection) {
  const { user } = connection;
  let given: readonly string[] = [];
  const bearerToken = async () => {
    const token = "bearerToken" in user ? await user.bearerToken() : "";
    given = [token, ...given.filter((one) => one !== token)].slice(0, TOKENS_KEPT);
    return token;
  };
  return {
    connection: "bearerToken" in user ? { ...connection, user: { bearerToken } } : connection,
    redacted: async (response: ResponseContext) => {
      if (response.httpStatusCode < 400) return response;
      const redact = redactor(given);
      const headers = Object.entries(response.headers).map(([name, value]) => [name, redact(value)]);
      const text = redact(await response.body.text());
      return new ResponseContext(response.httpStatusCode, Object.fromEntries(headers), bodyOf(text));
    },
  };
}

function bodyOf(text: string): ResponseContext["body"] {
  return {
    text: async () => text,
    binary: async () => Buffer.from(text, "utf8"),
    stream: () => new Blob([text]).stream(),
  };
}

/** Signs requests in; those of the client's own transport also get the cluster's TLS settings. */
async function authentication(connection: ClusterConnection, ownTransport: boolean) {
  const { user } = connection;
  const dispatcher = ownTransport ? tlsDispatcher(connection) : undefined;
  return {
    getName: () => "control-plane",
    applySecurityAuthentication: async (request: RequestContext) => {
      if (dispatcher) request.setDispatcher(dispatcher);
      if ("bearerToken" in user) request.setHeaderParam("Authorization", `Bearer ${await user.bearerToken()}`);
    },
  };
}

/**
 * The cluster's TLS settings, with connections that are kept. By HTTP/1.1 alone: the API server ends an HTTP/2
 * connection together with its answer 401, which undici may report as a request without an answer.
 */
function tlsDispatcher({ caData, user }: ClusterConnection): Agent {
  const connect = {
    ...(caData && { ca: pem(caData) }),
    ...("certData" in user && { cert: pem(user.certData), key: pem(user.keyData) }),
  };
  return new Agent({ allowH2: false, connect });
}

function pem(base64: string): string {
  return Buffer.from(base64, "base64").toString("utf8");
}

const statusBody = z.object({
  message: z.string(),
  details: z.object({ causes: z.array(z.object({ reason: z.string().optional() })).default([]) }).optional(),
});

/** The HTTP status that the Kubernetes API answered with, or `undefined` if it did not answer. */
export function kubernetesStatus(error: unknown): number | undefined {
  return error instanceof ApiException ? error.code : undefined;
}

/**
 * The error of a Kubernetes call as an `AutopilotError`: `control-plane-refused` for what the API refused (a missing
 * permission, a conflict with another field manager, an invalid object), `control-plane-busy` for what it would take
 * later (an object or a namespace that is changing), else `control-plane-unreachable`.
 */
export function kubernetesFailure(error: unknown, what: string): AutopilotError {
  if (error instanceof AutopilotError) return error;
  const code = kubernetesCode(error);
  return new AutopilotError(code, `${what}: ${messageOf(error)}`, { cause: error });
}

function kubernetesCode(error: unknown): FailureCode {
  const status = kubernetesStatus(error);
  if (isPassing(error)) return "control-plane-busy";
  // 408, 429 and every server error can be retried.
  const refused = status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429;
  return refused ? "control-plane-refused" : "control-plane-unreachable";
}

/** True if another write was first: the object has changed since it was read, or exists by now. */
export function isStale(error: unknown): boolean {
  return error instanceof ApiException && error.code === 409 && isPassing(error);
}

/**
 * True for a refusal that ends by itself: another write was first, a namespace is being deleted, a list is too old to
 * be continued. https://kubernetes.io/docs/reference/using-api/api-concepts/
 */
function isPassing(error: unknown): boolean {
  if (!(error instanceof ApiException)) return false;
  const causes = statusOf(error.body)?.details?.causes.map(({ reason }) => reason) ?? [];
  switch (error.code) {
    case 403:
      return causes.includes("NamespaceTerminating");
    case 409:
      return !causes.includes("FieldManagerConflict");
    case 410:
      return true;
    default:
      return false;
  }
}

function messageOf(error: unknown): string {
  if (error instanceof ApiException) return `HTTP ${error.code}: ${bodyMessage(error.body)}`;
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return `${error.name}: ${error.message}${cause}`;
}

function bodyMessage(body: unknown): string {
  return statusOf(body)?.message ?? "no message";
}

/** The `Status` object of an answer; undefined for another, such as a proxy's page. */
function statusOf(body: unknown): z.output<typeof statusBody> | undefined {
  try {
    const parsed: unknown = typeof body === "string" ? JSON.parse(body) : body;
    return statusBody.safeParse(parsed).data;
  } catch {
    return undefined;
  }
}
