import { PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import * as z from "zod";
import { sameRole } from "../../base/arn.ts";
import { AutopilotError } from "../../base/errors.ts";
import { expiringCache } from "../../base/expiring-cache.ts";
import type { MeshFacts } from "../../model/mesh.ts";
import type { ControlPlaneCalls } from "../../ports/ports.ts";
import type { ClusterConnection } from "./cluster-connection.ts";
import {
  fetchHttpApi,
  type KubernetesApis,
  type KubernetesFetch,
  kubernetesApis,
  kubernetesFailure,
  kubernetesStatus,
} from "./kubernetes-client.ts";

export interface ControlPlaneOptions {
  /** The control plane's name in the configuration. */
  readonly name: string;
  readonly connect: () => Promise<ClusterConnection>;
  /** Sends the requests; the client's own by default, which knows the cluster's certificates. */
  readonly fetch?: KubernetesFetch;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly deadlineMs?: number;
  /**
   * How long a found value is used without another read: mesh facts (they carry their time of reading), the role that a
   * service account is bound to, that a namespace is there. A missing value is read again. Default 0.
   */
  readonly keptMs?: number;
}

const ISTIO = "istio-system";
const EAST_WEST = "istio-eastwest";
const ROLE_ANNOTATION = "ecs.solo.io/role-arn";
/** Istiod writes it on the WorkloadEntries of an ECS service's tasks. */
const SERVICE_LABEL = "ecs.solo.io/service";
/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
const LABEL_VALUE = /^[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/;
const FIELD_MANAGER = "ztunnel-autopilot";
const APPLY = setHeaderOptions("Content-Type", PatchStrategy.ServerSideApply);
/** A cluster's endpoint stays, its certificate authority may be replaced. */
const CONNECTION_KEPT_MS = 15 * 60_000;
const PAGE = 500;
const KEPT_NAMES = 1_000;
const LIST_TRIES = 3;

/**
 * The Kubernetes side of one mesh. Throws `control-plane-unreachable` when the API does not answer within the deadline
 * (default 10 seconds), `control-plane-refused` when it refuses, `control-plane-incomplete` when its answer lacks
 * what is needed, naming the object and the field.
 */
export function controlPlane(options: ControlPlaneOptions): ControlPlaneCalls {
  const { name, now, deadlineMs = 10_000, keptMs = 0 } = options;
  const httpApi = options.fetch && fetchHttpApi(options.fetch);
  const ensured = expiringCache<true>({ size: KEPT_NAMES, ttlMs: keptMs, now });
  const bound = expiringCache<string>({ size: KEPT_NAMES, ttlMs: keptMs, now });
  let facts: { readonly facts: Promise<MeshFacts>; readonly until: number } | undefined;
  let connected: { readonly apis: Promise<KubernetesApis>; readonly until: number } | undefined;

  function connection(): Promise<KubernetesApis> {
    if (!connected || connected.until <= now()) {
      const apis = options.connect().then((cluster) => kubernetesApis(cluster, { deadlineMs, httpApi }));
      connected = { apis, until: now() + CONNECTION_KEPT_MS };
    }
    return connected.apis;
  }

  async function ask<T>(what: string, run: (apis: KubernetesApis) => Promise<T>): Promise<T> {
    try {
      return await withFreshToken(run);
    } catch (error) {
      // A wrong connection must not stay: an endpoint or authority may have changed.
      if (kubernetesStatus(error) === undefined) connected = undefined;
      throw kubernetesFailure(error, `${name}: ${what}`);
    }
  }

  /** A refused token may only be too old: credentials that signed it may have ended before it. */
  async function withFreshToken<T>(run: (apis: KubernetesApis) => Promise<T>): Promise<T> {
    try {
      return await run(await connection());
    } catch (error) {
      if (kubernetesStatus(error) !== 401) throw error;
      connected = undefined;
      return run(await connection());
    }
  }

  /** All pages of a list, from its beginning again when it has become too old to be continued. */
  async function listAgain<T>(list: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await list();
      } catch (error) {
        const isTooOld = error instanceof AutopilotError && kubernetesStatus(error.cause) === 410;
        if (!isTooOld || tries >= LIST_TRIES) throw error;
      }
    }
  }

  /** As `ask`, but undefined for an object that does not exist. */
  async function find<T>(what: string, run: (apis: KubernetesApis) => Promise<T>): Promise<T | undefined> {
    return ask(what, async (apis) => {
      try {
        return await run(apis);
      } catch (error) {
        if (kubernetesStatus(error) === 404) return undefined;
        throw error;
      }
    });
  }

  function need<T>(schema: z.ZodType<T>, object: unknown, what: string): T {
    const parsed = schema.safeParse(object ?? {});
    if (parsed.success) return parsed.data;
    const fields = parsed.error.issues.map(({ path }) => path.join(".")).join(", ");
    const lacks = object === undefined ? "does not exist" : `lacks ${fields}`;
    throw new AutopilotError("control-plane-incomplete", `${name}: ${what} ${lacks}`, { cause: parsed.error });
  }

  async function boundRole(namespace: string, serviceAccount: string): Promise<string | undefined> {
    const what = `ServiceAccount ${namespace}/${serviceAccount}`;
    const known = bound.get(what);
    if (known !== undefined) return known;
    const account = await find(what, ({ core }) =>
      core.readNamespacedServiceAccount({ namespace, name: serviceAccount }),
    );
    const role = account?.metadata?.annotations?.[ROLE_ANNOTATION];
    if (role !== undefined) bound.set(what, role);
    return role;
  }

  async function readFacts(): Promise<MeshFacts> {
    // The time before the first request: later changes are newer than these facts.
    const readAt = new Date(now()).toISOString();
    const [bundle, network, gateway, istiodVersion] = await Promise.all([
      readRootCa(find, need),
      readNetwork(find, need),
      readEastWest(find, need),
      readIstiodVersion(find),
    ]);
    return {
      controlPlane: name,
      istiodUrl: gateway,
      rootCaPem: bundle,
      network,
      readAt,
      ...(istiodVersion && { istiodVersion }),
    };
  }

  return {
    boundRole,

    readMeshFacts: async () => {
      if (!facts || facts.until <= now()) {
        const reading = { facts: readFacts(), until: now() + keptMs };
        facts = reading;
        reading.facts.catch(() => {
          if (facts === reading) facts = undefined; // the caller gets the error: the next one reads again
        });
      }
      return facts.facts;
    },

    ensureNamespace: async (namespace) => {
      const body = {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: namespace, labels: { "istio.io/dataplane-mode": "ambient" } },
      };
      if (ensured.get(namespace)) return;
      await ask(`Namespace ${namespace}`, ({ core }) =>
        core.patchNamespace({ name: namespace, body, fieldManager: FIELD_MANAGER }, APPLY),
      );
      ensured.set(namespace, true);
    },

    ensureServiceAccount: async ({ namespace, serviceAccount, roleArn }) => {
      const what = `ServiceAccount ${namespace}/${serviceAccount}`;
      const role = await boundRole(namespace, serviceAccount);
      if (role !== undefined && sameRole(role, roleArn)) return;
      if (role !== undefined) {
        throw new AutopilotError("control-plane-refused", `${name}: ${what} is bound to ${role}, not to ${roleArn}`);
      }
      const body = {
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: { name: serviceAccount, namespace, annotations: { [ROLE_ANNOTATION]: roleArn } },
      };
      await ask(what, ({ core }) =>
        core.patchNamespacedServiceAccount(
          { namespace, name: serviceAccount, body, fieldManager: FIELD_MANAGER },
          APPLY,
        ),
      );
    },

    listWorkloadEntryAddresses: async (namespace, serviceName = "") => {
      const labelSelector = LABEL_VALUE.test(serviceName) ? `${SERVICE_LABEL}=${serviceName}` : undefined;
      const what = `WorkloadEntries of ${namespace}`;
      return listAgain(async () => {
        const addresses = new Set<string>();
        let next: string | undefined;
        do {
          const page = await find(what, ({ custom }) =>
            custom.listNamespacedCustomObject({
              group: "networking.istio.io",
              version: "v1",
              namespace,
              plural: "workloadentries",
              limit: PAGE,
              ...(labelSelector && { labelSelector }),
              ...(next && { _continue: next }),
            }),
          );
          const { items, metadata } = need(workloadEntriesSchema, page, what);
          for (const { spec } of items) if (spec.address) addresses.add(spec.address);
          next = metadata.continue;
        } while (next);
        return addresses;
      });
    },
  };
}

type Find = <T>(what: string, run: (apis: KubernetesApis) => Promise<T>) => Promise<T | undefined>;
type Need = <T>(schema: z.ZodType<T>, object: unknown, what: string) => T;

const text = z.string().min(1);
const rootCaSchema = z.object({ data: z.object({ "root-cert.pem": text }) });
const namespaceSchema = z.object({ metadata: z.object({ labels: z.object({ "topology.istio.io/network": text }) }) });
const gatewaySchema = z.object({
  metadata: z.object({ labels: z.object({ "istio.io/expose-istiod": z.string().regex(/^\d{1,5}$/) }) }),
  status: z.object({
    loadBalancer: z.object({
      ingress: z.tuple([z.union([z.object({ hostname: text }), z.object({ ip: text })])], z.unknown()),
    }),
  }),
});
const workloadEntriesSchema = z.object({
  items: z.array(z.object({ spec: z.object({ address: z.string().optional() }).default({}) })),
  metadata: z.object({ continue: z.string().optional() }).default({}),
});

async function readRootCa(find: Find, need: Need): Promise<string> {
  const name = "istio-ca-root-cert";
  const what = `ConfigMap ${ISTIO}/${name}`;
  const map = await find(what, ({ core }) => core.readNamespacedConfigMap({ namespace: ISTIO, name }));
  return need(rootCaSchema, map, what).data["root-cert.pem"];
}

async function readNetwork(find: Find, need: Need): Promise<string> {
  const what = `Namespace ${ISTIO}`;
  const namespace = await find(what, ({ core }) => core.readNamespace({ name: ISTIO }));
  return need(namespaceSchema, namespace, what).metadata.labels["topology.istio.io/network"];
}

/** Istiod is reached through the east-west gateway, which says on which port it exposes it. */
async function readEastWest(find: Find, need: Need): Promise<string> {
  const what = `Service ${EAST_WEST}/${EAST_WEST}`;
  const service = await find(what, ({ core }) => core.readNamespacedService({ namespace: EAST_WEST, name: EAST_WEST }));
  const { metadata, status } = need(gatewaySchema, service, what);
  const [ingress] = status.loadBalancer.ingress;
  const address = "hostname" in ingress ? ingress.hostname : ingress.ip;
  const host = address.includes(":") ? `[${address}]` : address;
  return `https://${host}:${metadata.labels["istio.io/expose-istiod"]}`;
}

/**
 * The tag of istiod's image. Absent where the deployment has another name or may not be read: it only serves a warning.
 */
async function readIstiodVersion(find: Find): Promise<string | undefined> {
  try {
    const deployment = await find(`Deployment ${ISTIO}/istiod`, ({ apps }) =>
      apps.readNamespacedDeployment({ namespace: ISTIO, name: "istiod" }),
    );
    const image = deployment?.spec?.template.spec?.containers[0]?.image;
    return /:([\w][\w.-]*)(@.*)?$/.exec(image ?? "")?.[1];
  } catch (error) {
    if (error instanceof AutopilotError && error.code === "control-plane-refused") return undefined;
    throw error;
  }
}
