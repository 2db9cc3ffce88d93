import type { Listed } from "../listed.ts";

const kubernetes = "https://github.com/kubernetes/kubernetes/blob/v1.34.2";

const handlers = `${kubernetes}/staging/src/k8s.io/apiserver/pkg/endpoints/handlers`;

/** Each difference with the same reason. */
function because(reason: string, ...whats: readonly string[]): readonly Listed[] {
  return whats.map((what) => ({ what, reason }));
}

/** Differences from the API server that are accepted. */
export const listed: readonly Listed[] = [
  {
    what: "access: GET /api/v1/namespaces/kube-system is forbidden: expected 403, but: 200",
    reason:
      "The product reads the namespaces that `allowedNamespaces` names by patterns, and RBAC has none: " +
      "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources",
  },
  {
    what: '*: simulator 20* {"kind":"Namespace",*; kube-apiserver 20* {"kind":"Namespace",*kubernetes.io/metadata.name*',
    reason:
      "The simulator does not label a namespace with its name, which nobody then owns: " +
      `${kubernetes}/pkg/apis/core/v1/defaults.go`,
  },
  {
    what: "names and labels: *: simulator 422 *; kube-apiserver 422 *",
    reason:
      "Other words, and the namespace's own label is checked, too. Version 1.34 counts characters, later ones bytes: " +
      `${kubernetes}/staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go`,
  },
  ...because(
    `The simulator has other words for what clients other than the product do wrong: ${handlers}/patch.go`,
    "server-side apply: no field manager: *",
    "server-side apply: another name in the body: *",
    "server-side apply: another kind in the body: *",
    "lists: a token of no page: *",
    "server-side apply: a resource that does not exist: *",
    "server-side apply: a group that does not exist: *",
  ),
  ...because(
    `The simulator has no schemas and no limit of a manager's name: ${handlers}/patch.go`,
    "server-side apply: a field manager of 129 characters: *",
    "server-side apply: a number as a label: *",
    "server-side apply: null as a label: *",
    "names and labels: an entry without an address: *",
    "names and labels: an entry with an unknown field: *",
  ),
  ...because(
    `The simulator refuses the version of an object that does not exist, a namespace is made: ${handlers}/patch.go`,
    "server-side apply: a resource version of nothing: *",
    "server-side apply: a missing namespace: *",
  ),
  ...because(
    "The simulator neither has sets in selectors nor checks their keys and values: " +
      `${kubernetes}/staging/src/k8s.io/apimachinery/pkg/labels/selector.go`,
    "lists: the selector *",
  ),
  ...because(
    "The simulator keeps empty maps of labels, and lacks a namespace's own one: the missing field has another path",
    "the gateway: mesh facts: no network: *",
  ),
];
