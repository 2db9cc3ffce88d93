import type { ControlPlaneConfig } from "../shared/config.ts";
import { AutopilotError } from "../shared/errors.ts";
import { controlPlane } from "../shared/gateways/control-plane.ts";
import { eksConnection, kubeconfigConnection } from "../shared/gateways/control-plane-connection.ts";
import { secretsGateway } from "../shared/gateways/secrets.ts";
import type { ControlPlaneCalls } from "../shared/ports.ts";
import { environmentWorld, type World } from "./world.ts";

/** The gateway to a control plane, by its name in the configuration. */
export type ControlPlanes = (name: string) => ControlPlaneCalls;

/**
 * The control planes of the configuration, connected when first asked for. Only the functions that talk to Kubernetes
 * import this: its client is the largest part of their bundles. Throws `no-control-plane` for an unknown name.
 */
export function controlPlanes(
  world: Pick<World, "config" | "clients" | "now">,
  fetch?: typeof globalThis.fetch,
): ControlPlanes {
  const made = new Map<string, ControlPlaneCalls>();
  return (name) => {
    const known = made.get(name);
    if (known) return known;
    const plane = world.config.controlPlanes.find((one) => one.name === name);
    if (!plane) throw new AutopilotError("no-control-plane", name);
    const gateway = controlPlane({ name, connect: connection(plane, world), now: world.now, ...(fetch && { fetch }) });
    made.set(name, gateway);
    return gateway;
  };
}

function connection({ name, eks, kubeconfigSecret }: ControlPlaneConfig, world: Pick<World, "clients" | "now">) {
  const { clients, now } = world;
  if (eks) {
    const { cluster, account, region } = eks;
    const credentials = clients.credentialsFor(account);
    return eksConnection({ clients: clients.at({ account, region }), cluster, region, credentials, now });
  }
  if (!kubeconfigSecret) throw new AutopilotError("invalid-config", `The control plane ${name} has no cluster.`);
  const secrets = secretsGateway(clients.home);
  return kubeconfigConnection({ secretName: kubeconfigSecret, read: () => secrets.getSecretValue(kubeconfigSecret) });
}

/** The control planes of a deployed function. */
export function environmentControlPlanes(): ControlPlanes {
  return controlPlanes(environmentWorld());
}
