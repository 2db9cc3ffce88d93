import {
  inProcessFetch,
  Kubernetes,
  type RequestHandler,
  rootCaPem,
  Simulator,
  VirtualClock,
} from "@ztunnel-autopilot/simulator";
import { isJsonObject, type JsonObject } from "../../../../shared/base/json.ts";
import { controlPlane } from "../../../../shared/gateways/kubernetes/control-plane.ts";
import type { ControlPlaneCalls } from "../../../../shared/ports/ports.ts";
import { type ApiAnswer, type ApiRequest, type Cluster, tokens } from "./cluster.ts";

/** A cluster in which a step is played: the simulator's, or one of Kubernetes' own API server. */
export interface World {
  send(request: ApiRequest): Promise<ApiAnswer>;
  /** The product's gateway, with the rights that its RBAC manifest gives. */
  readonly plane: ControlPlaneCalls;
  /** Creates or replaces an object, its status included, as Helm does. */
  put(object: JsonObject): Promise<void>;
  remove(object: JsonObject): Promise<void>;
  /** The namespace is being deleted, and stays so. */
  terminate(namespace: string): Promise<void>;
  /** Makes the tokens too old with which lists go on. */
  expireTokens(): Promise<void>;
}

const NAME = "mesh";
/** Longer than the simulator and EKS keep the history of lists. */
const COMPACTION_MS = 10 * 60_000;

/** The simulator's Kubernetes. Returns the objects that it has from the start, too. */
export function simulatedWorld(): { readonly world: World; readonly objects: readonly JsonObject[] } {
  const clock = new VirtualClock(0);
  const simulator = new Simulator({ clock });
  const kubernetes = simulator.add(
    (context) =>
      new Kubernetes(context, {
        controlPlane: NAME,
        kubeconfigToken: tokens.admin,
        network: "eks",
        rootCaPem,
        eastWestHostname: "eastwest.example.com",
        istiodVersion: "1.29.0-solo",
      }),
  );
  const handle: RequestHandler = (request) => kubernetes.handle(request);
  const server = `http://lab/kubernetes/${NAME}`;
  const fetch = inProcessFetch(handle);
  const user = { bearerToken: async () => tokens.admin };
  const world: World = {
    send: async ({ method, path, body, contentType = "application/json" }) => {
      const headers = { authorization: `Bearer ${tokens.admin}`, "content-type": contentType };
      const text = body === undefined ? {} : { body: JSON.stringify(body) };
      const answer = await fetch(`${server}${path}`, { method, headers, ...text });
      return { status: answer.status, body: await answer.json() };
    },
    plane: controlPlane({ name: NAME, now: () => 0, connect: async () => ({ server, user }), fetch }),
    put: async (object) => kubernetes.put(object),
    remove: async (object) => kubernetes.delete(object),
    terminate: async (name) => {
      const namespace = kubernetes
        .state()
        .find(({ kind, metadata }) => kind === "Namespace" && isJsonObject(metadata) && metadata.name === name);
      if (!namespace) throw new Error(`the simulator has no namespace ${name}`);
      kubernetes.put({ ...namespace, status: { phase: "Terminating" } });
    },
    expireTokens: () => clock.advance(COMPACTION_MS),
  };
  return { world, objects: kubernetes.state() };
}

/** The gateway's view of a real cluster, as the user with this token or certificate. */
export function planeOf(cluster: Cluster, over: Partial<PlaneOptions> = {}): ControlPlaneCalls {
  const { server = cluster.server, caFile = "ca.crt", token = async () => tokens.autopilot, certificate } = over;
  const { labelNamespaces = false } = over;
  const user =
    certificate === undefined
      ? { bearerToken: token }
      : { certData: cluster.pem(`${certificate}.crt`), keyData: cluster.pem(`${certificate}.key`) };
  const connect = async () => ({ server, caData: cluster.pem(caFile), user });
  return controlPlane({ name: NAME, now: Date.now, connect, labelNamespaces });
}

export interface PlaneOptions {
  readonly labelNamespaces: boolean;
  readonly server: string;
  readonly caFile: string;
  readonly token: () => Promise<string>;
  /** The name of a certificate and its key, in place of a token. */
  readonly certificate: string;
}

/** Kubernetes' own API server. Fills it with the objects. @throws Error if it refuses one */
export async function realWorld(cluster: Cluster, objects: readonly JsonObject[]): Promise<World> {
  const { send } = cluster;
  const world: World = {
    send,
    plane: planeOf(cluster),
    put: (object) => putObject(cluster, object),
    remove: async (object) => {
      await accepted(cluster, { method: "DELETE", path: pathOf(object) });
    },
    terminate: async (name) => {
      await accepted(cluster, { method: "DELETE", path: `/api/v1/namespaces/${name}` });
    },
    expireTokens: () => expireTokens(cluster),
  };
  for (const object of objects) await world.put(object);
  return world;
}

/** Makes the tokens too old with which lists go on. */
export async function expireTokens(cluster: Cluster): Promise<void> {
  // What is compacted must be older than the newest revision.
  const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { generateName: "change-" } };
  await accepted(cluster, { method: "POST", path: "/api/v1/namespaces/default/configmaps", body });
  await cluster.compact();
}

/** @throws Error with the answer if it is an error */
export async function accepted(cluster: Pick<Cluster, "send">, request: ApiRequest): Promise<ApiAnswer> {
  const answer = await cluster.send(request);
  if (answer.status < 300) return answer;
  throw new Error(`${request.method} ${request.path}: ${answer.status}: ${JSON.stringify(answer.body)}`);
}

async function putObject(cluster: Cluster, object: JsonObject): Promise<void> {
  const { status, ...rest } = object;
  const metadata = isJsonObject(object.metadata) ? object.metadata : {};
  const { uid, resourceVersion, creationTimestamp, managedFields, ...named } = metadata;
  const body: JsonObject = { ...rest, metadata: named };
  const path = pathOf(object);
  const query = "?fieldManager=helm&fieldValidation=Strict";
  const collection = path.slice(0, path.lastIndexOf("/"));
  const created = await cluster.send({ method: "POST", path: `${collection}${query}`, body });
  if (created.status === 409) await accepted(cluster, { method: "PUT", path: `${path}${query}`, body });
  else if (created.status !== 201) throw new Error(`${path}: ${created.status}: ${JSON.stringify(created.body)}`);
  if (status === undefined || object.kind !== "Service") return;
  const contentType = "application/merge-patch+json";
  for (const each of [{ loadBalancer: null }, status])
    await accepted(cluster, { method: "PATCH", path: `${path}/status`, contentType, body: { status: each } });
}

const plurals: Readonly<Record<string, string>> = { WorkloadEntry: "workloadentries" };

/** The path of an object with this kind, namespace and name. */
export function pathOf({ apiVersion, kind, metadata }: JsonObject): string {
  const { name, namespace } = isJsonObject(metadata) ? metadata : {};
  const root = apiVersion === "v1" ? "/api/v1" : `/apis/${String(apiVersion)}`;
  const place = namespace === undefined ? "" : `/namespaces/${String(namespace)}`;
  const plural = plurals[String(kind)] ?? `${String(kind).toLowerCase()}s`;
  return `${root}${place}/${plural}/${encodeURIComponent(String(name))}`;
}
