import * as z from "zod";
import { AutopilotError } from "../../base/errors.ts";
import type { MeshFacts } from "../../model/mesh.ts";
import type { ControlPlaneCalls } from "../../ports/ports.ts";
import { readCaChain } from "./ca-secret.ts";
import type { Connect } from "./cluster-connection.ts";
import { readGateway } from "./gateway-address.ts";
import { type IdentityOptions, identityCalls } from "./identities.ts";
import {
  fetchHttpApi,
  type KubernetesApis,
  type KubernetesFetch,
  kubernetesApis,
  kubernetesFailure,
  kubernetesStatus,
} from "./kubernetes-client.ts";
import { type Asking, listWorkloadEntries } from "./workload-entries.ts";

export interface ControlPlaneOptions extends Omit<IdentityOptions, "keptMs"> {
  readonly connect: Connect;
  /** Sends the requests; the client's own by default, which knows the cluster's certificates. */
  readonly fetch?: KubernetesFetch;
  readonly deadlineMs?: number;
  /**
   * How long a found value is used without another read: mesh facts (they carry their time of reading), the role that a
   * service account is bound to, that a namespace is there. A missing value is read again. Default 0.
   */
  readonly keptMs?: number;
}

const ISTIO = "istio-system";
/** A cluster's endpoint stays, its certificate authority may be replaced. */
const CONNECTION_KEPT_MS = 15 * 60_000;

/**
 * The Kubernetes side of one mesh. Throws `control-plane-unreachable` when the API does not answer within the deadline
 * (default 10 seconds), `control-plane-refused` when it refuses, `control-plane-incomplete` when its answer lacks
 * what is needed, naming the object and the field.
 */
export function controlPlane(options: ControlPlaneOptions): ControlPlaneCalls {
  const { name, now, deadlineMs = 10_000, keptMs = 0 } = options;
  const httpApi = options.fetch && fetchHttpApi(options.fetch);
  let facts: { readonly facts: Promise<MeshFacts>; readonly until: number } | undefined;
  let wasWrong = false;
  let connected: { readonly apis: Promise<KubernetesApis>; readonly until: number } | undefined;

  function connection(): Promise<KubernetesApis> {
    if (!connected || connected.until <= now()) {
      const apis = options
        .connect({ fresh: wasWrong })
        .then((cluster) => kubernetesApis(cluster, { deadlineMs, httpApi }));
      connected = { apis, until: now() + CONNECTION_KEPT_MS };
      wasWrong = false;
    }
    return connected.apis;
  }

  /** A token that the API no longer takes is renewed once, by a new connection. */
  async function ask<T>(what: string, run: (apis: KubernetesApis) => Promise<T>): Promise<T> {
    try {
      return await onConnection(run);
    } catch (error) {
      if (kubernetesStatus(error) !== 401) throw kubernetesFailure(error, `${name}: ${what}`);
    }
    try {
      return await onConnection(run);
    } catch (error) {
      throw kubernetesFailure(error, `${name}: ${what}`);
    }
  }

  async function onConnection<T>(run: (apis: KubernetesApis) => Promise<T>): Promise<T> {
    const apis = connection();
    try {
      return await run(await apis);
    } catch (error) {
      // A wrong connection must not stay: an endpoint or authority may have changed.
      const isWrong = kubernetesStatus(error) === undefined || kubernetesStatus(error) === 401;
      if (isWrong && connected?.apis === apis) {
        connected = undefined;
        wasWrong = true;
      }
      throw error;
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

  async function readFacts(): Promise<MeshFacts> {
    // The time before the first request: later changes are newer than these facts.
    const readAt = new Date(now()).toISOString();
    const [bundle, network, gateway, istiodVersion] = await Promise.all([
      readRootCa(find, need),
      readNetwork(find, need),
      readGateway(name, { find, need }),
      readIstiodVersion(find),
    ]);
    return {
      controlPlane: name,
      istiodUrl: gateway.istiodUrl,
      rootCaPem: bundle,
      network,
      readAt,
      ...(istiodVersion && { istiodVersion }),
      ...(gateway.others.length > 0 && { otherGateways: [...gateway.others] }),
    };
  }

  return {
    ...identityCalls({ find, ask, need }, { ...options, keptMs }),

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

    readCaChain: () => readCaChain({ find, need }),

    listWorkloadEntries: async (selection) => listWorkloadEntries(selection, { find, need }),
  };
}

type Find = Asking["find"];
type Need = Asking["need"];

const text = z.string().min(1);
const rootCaSchema = z.object({ data: z.object({ "root-cert.pem": text }) });
const namespaceSchema = z.object({ metadata: z.object({ labels: z.object({ "topology.istio.io/network": text }) }) });
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

/**
 * The tag of istiod's image. Absent where the deployment has another name or may not be read: it only serves a warning.
 */
async function readIstiodVersion(find: Find): Promise<string | undefined> {
  try {
    const deployment = await find(`Deployment ${ISTIO}/istiod`, ({ apps }) =>
      apps.readNamespacedDeployment({ namespace: ISTIO, name: "istiod" }),
    );
    const containers = deployment?.spec?.template.spec?.containers ?? [];
    const { image = "" } = containers.find(({ name }) => name === "discovery") ?? containers[0] ?? {};
    return /^[^@]*:(\w[\w.-]*)(?:@.*)?$/.exec(image)?.[1];
  } catch (error) {
    if (error instanceof AutopilotError && error.code === "control-plane-refused") return undefined;
    throw error;
  }
}
