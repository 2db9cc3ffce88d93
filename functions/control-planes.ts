import { AutopilotError } from "../shared/base/errors.ts";
import type { ControlPlaneConfig } from "../shared/config/config.ts";
import { secretsGateway } from "../shared/gateways/aws/secrets.ts";
import { controlPlane } from "../shared/gateways/kubernetes/control-plane.ts";
import { eksConnection, kubeconfigConnection } from "../shared/gateways/kubernetes/control-plane-connection.ts";
import type { KubernetesFetch } from "../shared/gateways/kubernetes/kubernetes-client.ts";
import type { ControlPlaneCalls } from "../shared/ports/ports.ts";
import { environmentContext, type FunctionContext } from "./context.ts";

/** The gateway to a control plane, by its name in the configuration. */
export type ControlPlanes = (name: string) => ControlPlaneCalls;

export interface ControlPlanesOptions {
  /** Sends the requests; the Kubernetes client's own by default. */
  readonly fetch?: KubernetesFetch;
  /**
   * How long a found value is used without another read, in milliseconds. Default 0: every read goes to the control
   * plane.
   */
  readonly keptMs?: number;
}

/**
 * How old the facts may be that the steps of a roll see: they read the same ones again and again, and a rollout has
 * thousands of rolls. It is safe since mesh facts carry the time at which they were read, and `freshMesh` goes by the
 * ledger's when those are newer: a roll gets the facts that it would have got ten seconds earlier, and never older ones
 * than the watch has recorded. A change that no roll has seen in that time is found by the watch, and rolled out. A
 * namespace or a binding that somebody deletes in that time is found by the verification, and the roll is reverted.
 */
export const ROLL_KEPT_MS = 10_000;

/**
 * The control planes of the configuration, connected when first asked for. Only the functions that talk to Kubernetes
 * import this: its client is the largest part of their bundles. Throws `no-control-plane` for an unknown name.
 */
export function controlPlanes(
  context: Pick<FunctionContext, "config" | "clients" | "now">,
  options: ControlPlanesOptions = {},
): ControlPlanes {
  const made = new Map<string, ControlPlaneCalls>();
  return (name) => {
    const known = made.get(name);
    if (known) return known;
    const plane = context.config.controlPlanes.find((one) => one.name === name);
    if (!plane) throw new AutopilotError("no-control-plane", name);
    const { eksRoleAnnotation, labelNamespaces } = context.config.policy;
    const connect = connection(plane, context);
    const gateway = controlPlane({ name, connect, now: context.now, eksRoleAnnotation, labelNamespaces, ...options });
    made.set(name, gateway);
    return gateway;
  };
}

function connection(
  { name, eks, kubeconfigSecret }: ControlPlaneConfig,
  context: Pick<FunctionContext, "clients" | "now">,
) {
  const { clients, now } = context;
  if (eks) {
    const { cluster, account, region } = eks;
    const credentials = clients.credentialsFor(account);
    return eksConnection({ clients: clients.at({ account, region }), cluster, region, credentials, now });
  }
  if (!kubeconfigSecret) throw new AutopilotError("invalid-config", `The control plane ${name} has no cluster.`);
  const secrets = secretsGateway(clients.home);
  const read = () => secrets.getSecretValue(kubeconfigSecret, "invalid-kubeconfig");
  return kubeconfigConnection({ secretName: kubeconfigSecret, read });
}

/** The control planes of a deployed function. */
export function environmentControlPlanes(options: ControlPlanesOptions = {}): ControlPlanes {
  return controlPlanes(environmentContext(), options);
}
