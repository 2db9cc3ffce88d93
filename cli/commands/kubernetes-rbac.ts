/** The group that the autopilot's access entries put it into. */
export const KUBERNETES_GROUP = "ztunnel-autopilot";

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

/**
 * The manifest (YAML) that gives the group exactly what the autopilot's calls need: see
 * shared/gateways/kubernetes/control-plane.ts.
 */
export function rbacManifest(): string {
  const documents = [
    role("ClusterRole", undefined, clusterRules),
    binding("ClusterRole", undefined),
    ...Object.entries(namespacedRules).flatMap(([namespace, rules]) => [
      role("Role", namespace, rules),
      binding("Role", namespace),
    ]),
  ];
  return `${documents.join("---\n")}`;
}

type RoleKind = "ClusterRole" | "Role";

function metadata(namespace: string | undefined): string {
  return `metadata:\n  name: ${KUBERNETES_GROUP}\n${namespace === undefined ? "" : `  namespace: ${namespace}\n`}`;
}

function role(kind: RoleKind, namespace: string | undefined, rules: readonly RbacRule[]): string {
  const head = `apiVersion: rbac.authorization.k8s.io/v1\nkind: ${kind}\n${metadata(namespace)}rules:\n`;
  return head + rules.map(ruleText).join("");
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

function binding(kind: RoleKind, namespace: string | undefined): string {
  return `apiVersion: rbac.authorization.k8s.io/v1
kind: ${kind}Binding
${metadata(namespace)}roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ${kind}
  name: ${KUBERNETES_GROUP}
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: Group
    name: ${KUBERNETES_GROUP}
`;
}
