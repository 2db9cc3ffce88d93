import type { Faults } from "../base/faults.ts";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";
import type { SimulatorContext } from "../core/connections.ts";
import { Simulator } from "../core/simulator.ts";
import type { SimulatorRequest } from "../http/message.ts";
import { Kubernetes, type KubernetesOptions } from "../kubernetes/kubernetes.ts";
import { rootCaPem } from "../kubernetes/root-ca.ts";

const APPLY = "application/apply-patch+yaml";

export const NAMESPACE = "/api/v1/namespaces/web";
export const ACCOUNT_PATH = `${NAMESPACE}/serviceaccounts/web`;
export const ENTRIES = "/apis/networking.istio.io/v1/namespaces/istio-system/workloadentries";

interface Answer {
  readonly status: number;
  readonly body: JsonObject;
}

type Request = Partial<SimulatorRequest> & { readonly path: string };
type Query = Readonly<Record<string, string>>;

export interface KubernetesHarness {
  readonly clock: VirtualClock;
  readonly faults: Faults;
  readonly context: SimulatorContext;
  readonly kubernetes: Kubernetes;
  /** A request below the control plane's path, with the kubeconfig's token. */
  send(request: Request): Promise<Answer>;
  /** Server-side apply, by default as the manager `controller`. */
  apply(path: string, object: JsonObject, query?: Query): Promise<Answer>;
}

/** The control plane `main`, whose istiod discovers the tasks of us-east-1. It starts on 21 November 2026. */
export function kubernetesHarness(
  options: Partial<KubernetesOptions> = {},
  startMs = Date.UTC(2026, 10, 21),
): KubernetesHarness {
  const clock = new VirtualClock(startMs);
  const simulator = new Simulator({ clock });
  const { faults, context } = simulator;
  const kubernetes = simulator.add(
    () =>
      new Kubernetes(context, {
        controlPlane: "main",
        discovers: ({ region }) => region === "us-east-1",
        kubeconfigToken: "kubeconfig-token",
        network: "eks",
        rootCaPem,
        eastWestHostname: "eastwest.example.com",
        istiodVersion: "1.29.0-solo",
        ...options,
      }),
  );
  const send = async (request: Request) => {
    const { status, body } = await kubernetes.handle({
      method: "GET",
      query: {},
      body: "",
      ...request,
      headers: { authorization: "Bearer kubeconfig-token", ...request.headers },
      path: `/kubernetes/main${request.path}`,
    });
    const parsed: unknown = JSON.parse(body);
    if (!isJsonObject(parsed)) throw new TypeError("the body is not an object");
    return { status, body: parsed };
  };
  const apply = (path: string, object: JsonObject, query: Query = { fieldManager: "controller" }) =>
    send({ method: "PATCH", path, query, headers: { "content-type": APPLY }, body: JSON.stringify(object) });
  return { clock, faults, context, kubernetes, send, apply };
}

/** The namespace `web` as a configuration to apply. */
export const namespace = (labels: JsonObject): JsonObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: "web", labels },
});

/** The service account `web` as a configuration to apply. */
export const account = (annotations: JsonObject): JsonObject => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name: "web", annotations },
});
