import { PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import * as z from "zod";
import { sameRole } from "../../base/arn.ts";
import { AutopilotError } from "../../base/errors.ts";
import { expiringCache } from "../../base/expiring-cache.ts";
import type { NamespaceState, RoleBinding, WorkloadIdentity } from "../../model/service.ts";
import type { ControlPlaneCalls } from "../../ports/ports.ts";
import { identityLists } from "./identity-lists.ts";
import { isStale, type KubernetesApis } from "./kubernetes-client.ts";
import { wholeList } from "./whole-list.ts";
import type { Asking } from "./workload-entries.ts";

/** How the identities of a control plane are read and written. */
export interface IdentityOptions {
  /** The control plane's name in the configuration. */
  readonly name: string;
  /** Whether EKS's own annotation binds a service account, too: istiod reads both. Default `conflict`: it does. */
  readonly eksRoleAnnotation?: "conflict" | "ignore";
  /** Label namespaces that somebody else has made. Default false. */
  readonly labelNamespaces?: boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** How long a namespace and a binding that were found are not read again. */
  readonly keptMs: number;
}

type IdentityCalls = Pick<
  ControlPlaneCalls,
  | "readNamespace"
  | "ensureNamespace"
  | "readBindings"
  | "ensureServiceAccount"
  | "unbind"
  | "listBindings"
  | "listAmbientNamespaces"
  | "listAllBindings"
>;

interface IdentityAsking extends Asking {
  readonly ask: <T>(what: string, run: (apis: KubernetesApis) => Promise<T>) => Promise<T>;
}

const ISTIO = "istio-system";
const ROLE_ANNOTATION = "ecs.solo.io/role-arn";
const EKS_ROLE_ANNOTATION = "eks.amazonaws.com/role-arn";
const MODE_LABEL = "istio.io/dataplane-mode";
const AMBIENT = "ambient";
const FIELD_MANAGER = "ztunnel-autopilot";
const APPLY = setHeaderOptions("Content-Type", PatchStrategy.ServerSideApply);
const MERGE = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
const KEPT_NAMES = 1_000;
const PAGE = 500;
/** How often a write is tried again when another one was first. */
const MOST_TRIES = 4;

/** Null stands for an absent member. */
const texts = z.record(z.string(), z.string()).nullish();
const versionedMetadata = z.object({ name: z.string(), resourceVersion: z.string() });
const serviceAccountSchema = z.object({
  kind: z.literal("ServiceAccount"),
  metadata: versionedMetadata.extend({ annotations: texts }),
});
const namespaceSchema = z.object({
  kind: z.literal("Namespace"),
  metadata: versionedMetadata.extend({ labels: texts }),
});
const listSchema = z.object({
  items: z.array(z.object({ metadata: z.object({ name: z.string(), annotations: texts }) })),
  metadata: z.object({ _continue: z.string().optional() }).default({}),
});

/**
 * The namespaces and service accounts of workload identities. What exists is only written with the `resourceVersion`
 * that was read: server-side apply alone never conflicts with another apply of ours. A write is read back. An answer
 * that is not the object asked for is `control-plane-incomplete`, never an absence.
 */
export function identityCalls(asking: IdentityAsking, options: IdentityOptions): IdentityCalls {
  const { find, ask, need } = asking;
  const { name, eksRoleAnnotation = "conflict", labelNamespaces = false, now, keptMs } = options;
  const ensured = expiringCache<true>({ size: KEPT_NAMES, ttlMs: keptMs, now });
  const bound = expiringCache<readonly RoleBinding[]>({ size: KEPT_NAMES, ttlMs: keptMs, now });

  async function readNamespace(namespace: string) {
    const what = `Namespace ${namespace}`;
    const found = await find(what, ({ core }) => core.readNamespace({ name: namespace }));
    return found === undefined ? undefined : need(namespaceSchema, found, what).metadata;
  }

  async function readAccount(namespace: string, serviceAccount: string) {
    const what = accountName(namespace, serviceAccount);
    const found = await find(what, ({ core }) =>
      core.readNamespacedServiceAccount({ namespace, name: serviceAccount }),
    );
    return found === undefined ? undefined : need(serviceAccountSchema, found, what).metadata;
  }

  /** An empty annotation does not bind. */
  function bindingsOf(annotations: Readonly<Record<string, string>> | null | undefined): readonly RoleBinding[] {
    const keys = eksRoleAnnotation === "ignore" ? [ROLE_ANNOTATION] : [ROLE_ANNOTATION, EKS_ROLE_ANNOTATION];
    return keys.flatMap((annotation) => {
      const roleArn = annotations?.[annotation] ?? "";
      return roleArn.trim() === "" ? [] : [{ annotation, roleArn }];
    });
  }

  function refuseOthers(what: string, bindings: readonly RoleBinding[], roleArn: string): void {
    const other = bindings.find((binding) => !sameRole(binding.roleArn, roleArn));
    if (!other) return;
    const detail = `${name}: ${what} is bound to ${other.roleArn} by ${other.annotation}, not to ${roleArn}`;
    throw new AutopilotError("control-plane-refused", detail);
  }

  /** False when another write was first. */
  async function written(what: string, write: (apis: KubernetesApis) => Promise<unknown>): Promise<boolean> {
    return ask(what, async (apis) => {
      try {
        await write(apis);
        return true;
      } catch (error) {
        if (isStale(error)) return false;
        throw error;
      }
    });
  }

  async function createNamespace(namespace: string): Promise<boolean> {
    const metadata = { name: namespace, labels: { [MODE_LABEL]: AMBIENT } };
    const body = { apiVersion: "v1", kind: "Namespace", metadata };
    return written(`Namespace ${namespace}`, ({ core }) => core.createNamespace({ body, fieldManager: FIELD_MANAGER }));
  }

  async function labelNamespace(namespace: string, resourceVersion: string): Promise<boolean> {
    const labels = { [MODE_LABEL]: AMBIENT };
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, resourceVersion, labels } };
    return written(`Namespace ${namespace}`, ({ core }) =>
      core.patchNamespace({ name: namespace, body, fieldManager: FIELD_MANAGER }, APPLY),
    );
  }

  async function createAccount({ namespace, serviceAccount, roleArn }: WorkloadIdentity): Promise<boolean> {
    const metadata = { name: serviceAccount, namespace, annotations: { [ROLE_ANNOTATION]: roleArn } };
    const body = { apiVersion: "v1", kind: "ServiceAccount", metadata };
    return written(accountName(namespace, serviceAccount), ({ core }) =>
      core.createNamespacedServiceAccount({ namespace, body, fieldManager: FIELD_MANAGER }),
    );
  }

  /** By force, as an empty annotation may be somebody else's: the version is the one in which it was seen empty. */
  async function bindAccount(identity: WorkloadIdentity, resourceVersion: string): Promise<boolean> {
    const { namespace, serviceAccount, roleArn } = identity;
    const annotations = { [ROLE_ANNOTATION]: roleArn };
    const metadata = { name: serviceAccount, namespace, resourceVersion, annotations };
    const body = { apiVersion: "v1", kind: "ServiceAccount", metadata };
    const at = { namespace, name: serviceAccount, body, fieldManager: FIELD_MANAGER, force: true };
    return written(accountName(namespace, serviceAccount), ({ core }) => core.patchNamespacedServiceAccount(at, APPLY));
  }

  async function listBindings(namespace: string): Promise<Map<string, readonly RoleBinding[]>> {
    const what = `ServiceAccounts of ${namespace}`;
    const all = new Map<string, readonly RoleBinding[]>();
    let next: string | undefined;
    do {
      const from = next === undefined ? {} : { _continue: next };
      const page = await find(what, ({ core }) =>
        core.listNamespacedServiceAccount({ namespace, limit: PAGE, ...from }),
      );
      if (page === undefined) return all;
      const { items, metadata } = need(listSchema, page, what);
      for (const one of items) all.set(one.metadata.name, bindingsOf(one.metadata.annotations));
      next = metadata._continue || undefined;
    } while (next);
    return all;
  }

  return {
    ...identityLists(asking, { ambientSelector: `${MODE_LABEL}=${AMBIENT}`, bindingsOf }),

    readNamespace: async (namespace): Promise<NamespaceState> => {
      if (namespace === ISTIO || ensured.get(namespace)) return "ambient";
      const metadata = await readNamespace(namespace);
      if (!metadata) return "absent";
      return metadata.labels?.[MODE_LABEL] === AMBIENT ? "ambient" : "not-ambient";
    },

    ensureNamespace: async (namespace) => {
      if (namespace === ISTIO || ensured.get(namespace)) return;
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const found = await readNamespace(namespace);
        const isAmbient = found?.labels?.[MODE_LABEL] === AMBIENT;
        if (found && (isAmbient || !labelNamespaces)) {
          if (isAmbient) ensured.set(namespace, true);
          return;
        }
        if (found) await labelNamespace(namespace, found.resourceVersion);
        else await createNamespace(namespace);
      }
      throw new AutopilotError("control-plane-busy", `${name}: Namespace ${namespace} changes again and again.`);
    },

    readBindings: async (namespace, serviceAccount) => {
      const what = accountName(namespace, serviceAccount);
      const known = bound.get(what);
      if (known) return known;
      const bindings = bindingsOf((await readAccount(namespace, serviceAccount))?.annotations);
      if (bindings.length > 0) bound.set(what, bindings);
      return bindings;
    },

    ensureServiceAccount: async (identity) => {
      const { namespace, serviceAccount, roleArn } = identity;
      const what = accountName(namespace, serviceAccount);
      const known = bound.get(what);
      if (known?.every((binding) => sameRole(binding.roleArn, roleArn))) return;
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const found = await readAccount(namespace, serviceAccount);
        const bindings = bindingsOf(found?.annotations);
        refuseOthers(what, bindings, roleArn);
        if (bindings.length > 0) {
          bound.set(what, bindings);
          return;
        }
        // Either way it is read again: what another write has left is what counts.
        if (found) await bindAccount(identity, found.resourceVersion);
        else await createAccount(identity);
      }
      throw new AutopilotError("control-plane-busy", `${name}: ${what} loses its binding again and again.`);
    },

    unbind: async ({ namespace, serviceAccount, roleArn }) => {
      const what = accountName(namespace, serviceAccount);
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const found = await readAccount(namespace, serviceAccount);
        const present = found?.annotations?.[ROLE_ANNOTATION] ?? "";
        if (!found || present === "" || !sameRole(present, roleArn)) return;
        const { resourceVersion } = found;
        const body = { metadata: { resourceVersion, annotations: { [ROLE_ANNOTATION]: null } } };
        const at = { namespace, name: serviceAccount, body, fieldManager: FIELD_MANAGER };
        await written(what, ({ core }) => core.patchNamespacedServiceAccount(at, MERGE));
      }
      throw new AutopilotError("control-plane-busy", `${name}: ${what} gets its binding again and again.`);
    },

    listBindings: (namespace) => wholeList(() => listBindings(namespace)),
  };
}

function accountName(namespace: string, serviceAccount: string): string {
  return `ServiceAccount ${namespace}/${serviceAccount}`;
}
