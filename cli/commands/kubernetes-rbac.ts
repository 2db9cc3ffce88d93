/** The group that the autopilot's access entries put it into. */
export const KUBERNETES_GROUP = "ztunnel-autopilot";
/** The group of the one function that reads istiod's CA secret, where `controlPlanes[].readCaSecret` grants it. */
export const CA_GROUP = `${KUBERNETES_GROUP}-ca`;

/** A rule of Kubernetes' RBAC: https://kubernetes.io/docs/reference/access-authn-authz/rbac/ */
export interface RbacRule {
  readonly apiGroup: string;
  readonly resource: string;
  readonly names?: readonly string[];
  readonly verbs: readonly string[];
  /** What the autopilot does with it. */
  readonly why: string;
}

/** Rules in the whole cluster: which namespaces services ask for is in their tags. */
export const clusterRules: readonly RbacRule[] = [
  {
    apiGroup: "",
    resource: "namespaces",
    verbs: ["get", "list", "create", "patch"],
    why: "reads the mesh's network; creates the namespaces of workload identities, labels those that it may, and sees which are in the mesh",
  },
  {
    apiGroup: "",
    resource: "serviceaccounts",
    verbs: ["get", "list", "create", "patch"],
    why: "binds service accounts to task roles, and keeps the bindings",
  },
  {
    apiGroup: "networking.istio.io",
    resource: "workloadentries",
    verbs: ["list"],
    why: "verifies that the mesh knows every task",
  },
  {
    apiGroup: "",
    resource: "services",
    verbs: ["list"],
    why: "finds the gateway that exposes istiod, by its label",
  },
];

/** Rules inside one namespace. */
export const namespacedRules: Readonly<Record<string, readonly RbacRule[]>> = {
  "istio-system": [
    {
      apiGroup: "",
      resource: "configmaps",
      names: ["istio-ca-root-cert"],
      verbs: ["get"],
      why: "reads the root CA bundle",
    },
    { apiGroup: "apps", resource: "deployments", names: ["istiod"], verbs: ["get"], why: "reads istiod's version" },
  ],
};

/** The one rule of the group that reads the CA secret. */
const caRule: RbacRule = {
  apiGroup: "",
  resource: "secrets",
  names: ["cacerts", "istio-ca-secret"],
  verbs: ["get"],
  why: "sees which root signs where istiod's address can't be reached; the CA's key is in it, too",
};

interface Grant {
  readonly group: string;
  /** Undefined: in the whole cluster. */
  readonly namespace?: string;
  readonly rules: readonly RbacRule[];
}

/**
 * The manifest (YAML) that gives the groups exactly what the autopilot's calls need: see
 * shared/gateways/kubernetes/control-plane.ts.
 */
export function rbacManifest({ readCaSecret }: { readonly readCaSecret: boolean }): string {
  const grants: readonly Grant[] = [
    { group: KUBERNETES_GROUP, rules: clusterRules },
    ...Object.entries(namespacedRules).map(([namespace, rules]) => ({ group: KUBERNETES_GROUP, namespace, rules })),
    ...(readCaSecret ? [{ group: CA_GROUP, namespace: "istio-system", rules: [caRule] }] : []),
  ];
  return grants.flatMap((grant) => [role(grant), binding(grant)]).join("---\n");
}

function kindOf({ namespace }: Grant): "ClusterRole" | "Role" {
  return namespace === undefined ? "ClusterRole" : "Role";
}

function metadata({ group, namespace }: Grant): string {
  return `metadata:\n  name: ${group}\n${namespace === undefined ? "" : `  namespace: ${namespace}\n`}`;
}

function role(grant: Grant): string {
  const head = `apiVersion: rbac.authorization.k8s.io/v1\nkind: ${kindOf(grant)}\n${metadata(grant)}rules:\n`;
  return head + grant.rules.map(ruleText).join("");
}

function ruleText({ apiGroup, resource, names, verbs, why }: RbacRule): string {
  const quoted = (texts: readonly string[]) => texts.map((text) => JSON.stringify(text)).join(", ");
  return [
    `  # ${why}`,
    `  - apiGroups: [${quoted([apiGroup])}]`,
    `    resources: [${quoted([resource])}]`,
    ...(names ? [`    resourceNames: [${quoted(names)}]`] : []),
    `    verbs: [${quoted(verbs)}]`,
    "",
  ].join("\n");
}

function binding(grant: Grant): string {
  return `apiVersion: rbac.authorization.k8s.io/v1
kind: ${kindOf(grant)}Binding
${metadata(grant)}roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ${kindOf(grant)}
  name: ${grant.group}
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: Group
    name: ${grant.group}
`;
}
