import type { JsonObject } from "../base/json.ts";

/** What a control plane's cluster says about its mesh. */
export interface MeshOptions {
  readonly network: string;
  readonly rootCaPem: string;
  /** Host name of the east-west gateway's load balancer. */
  readonly eastWestHostname: string;
  /** All addresses of that load balancer, if it has others than the host name. */
  readonly eastWestAddresses?: readonly { readonly hostname?: string; readonly ip?: string }[];
  /** Further addresses of the gateway's Service, as an operator gives them. Default none. */
  readonly eastWestExternalIps?: readonly string[];
  /** Tag of istiod's image. */
  readonly istiodVersion: string;
}

/** The objects of a cluster that was installed by Solo's guide for multicluster meshes with an exposed istiod. */
export function initialObjects({
  network,
  rootCaPem,
  eastWestHostname,
  eastWestAddresses = [{ hostname: eastWestHostname }],
  eastWestExternalIps = [],
  istiodVersion,
}: MeshOptions): readonly JsonObject[] {
  const topology = { "topology.istio.io/network": network };
  return [
    namespace("default", {}),
    namespace("istio-system", topology),
    namespace("istio-eastwest", {}),
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "istio-ca-root-cert", namespace: "istio-system", labels: { "istio.io/config": "true" } },
      data: { "root-cert.pem": rootCaPem },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        name: "istio-eastwest",
        namespace: "istio-eastwest",
        labels: { "istio.io/expose-istiod": "15012", ...topology },
      },
      spec: {
        type: "LoadBalancer",
        ports: [
          { name: "cross-network", port: 15008, targetPort: 15008 },
          { name: "xds-tls", port: 15012, targetPort: 15012 },
        ],
        ...(eastWestExternalIps.length > 0 && { externalIPs: eastWestExternalIps }),
      },
      status: { loadBalancer: { ingress: eastWestAddresses.map((address) => ({ ...address })) } },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "istiod", namespace: "istio-system", labels: { app: "istiod", "istio.io/rev": "default" } },
      spec: {
        selector: { matchLabels: { app: "istiod" } },
        template: {
          metadata: { labels: { app: "istiod" } },
          spec: {
            containers: [{ name: "discovery", image: `us-docker.pkg.dev/soloio-img/istio/pilot:${istiodVersion}` }],
          },
        },
      },
    },
  ];
}

function namespace(name: string, labels: Readonly<Record<string, string>>): JsonObject {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, labels: { "kubernetes.io/metadata.name": name, ...labels } },
  };
}
