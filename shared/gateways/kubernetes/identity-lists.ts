import * as z from "zod";
import type { RoleBinding } from "../../model/service.ts";
import type { ControlPlaneCalls } from "../../ports/ports.ts";
import type { KubernetesApis } from "./kubernetes-client.ts";
import { wholeList } from "./whole-list.ts";
import type { Asking } from "./workload-entries.ts";

type Annotations = Readonly<Record<string, string>> | null | undefined;
interface Page {
  readonly limit: number;
  readonly _continue?: string;
}

export interface IdentityListOptions {
  /** What selects the namespaces of the mesh. */
  readonly ambientSelector: string;
  readonly bindingsOf: (annotations: Annotations) => readonly RoleBinding[];
}

const PAGE = 500;

const listSchema = z.object({
  items: z.array(z.unknown()),
  metadata: z.object({ _continue: z.string().optional(), remainingItemCount: z.int().nullish() }).default({}),
});
const namespaceSchema = z.object({ metadata: z.object({ name: z.string() }) });
const ownedSchema = z.object({ metadata: z.object({ namespace: z.string() }) });
const accountSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    annotations: z.record(z.string(), z.string()).nullish(),
  }),
});

/** Lists over all namespaces, which begin again when their rest expires. */
export function identityLists(
  asking: Asking,
  { ambientSelector, bindingsOf }: IdentityListOptions,
): Pick<ControlPlaneCalls, "listAmbientNamespaces" | "listAllBindings"> {
  const list = (what: string, most: number, read: (apis: KubernetesApis, page: Page) => Promise<unknown>) =>
    wholeList(() => pagesOf(what, { most, read }, asking));

  return {
    listAmbientNamespaces: async (mostCalls) => {
      const items = await list("Namespaces", mostCalls, ({ core }, page) =>
        core.listNamespace({ labelSelector: ambientSelector, ...page }),
      );
      return items && new Set(items.map((item) => asking.need(namespaceSchema, item, "a Namespace").metadata.name));
    },

    listAllBindings: async (mostCalls) => {
      const items = await list("ServiceAccounts", mostCalls, ({ core }, page) =>
        core.listServiceAccountForAllNamespaces(page),
      );
      if (!items) return undefined;
      const all = new Map<string, Map<string, readonly RoleBinding[]>>();
      const odd = new Set<string>();
      for (const item of items) {
        const account = accountSchema.safeParse(item).data?.metadata;
        const { namespace } = account ?? asking.need(ownedSchema, item, "a ServiceAccount").metadata;
        const known = all.get(namespace) ?? new Map<string, readonly RoleBinding[]>();
        all.set(namespace, known);
        if (account) known.set(account.name, bindingsOf(account.annotations));
        else odd.add(namespace);
      }
      // An account that can't be read may be anybody's: nothing is said about its namespace.
      for (const namespace of odd) all.delete(namespace);
      return all;
    },
  };
}

/** The items of every page; undefined where these would be more pages than `most`. */
async function pagesOf(
  what: string,
  { most, read }: { readonly most: number; readonly read: (apis: KubernetesApis, page: Page) => Promise<unknown> },
  { find, need }: Asking,
): Promise<readonly unknown[] | undefined> {
  const all: unknown[] = [];
  let next: string | undefined;
  for (let pages = 1; ; pages += 1) {
    const from = next === undefined ? {} : { _continue: next };
    const answer = await find(what, (apis) => read(apis, { limit: PAGE, ...from }));
    const { items, metadata } = need(listSchema, answer, what);
    all.push(...items);
    next = metadata._continue || undefined;
    if (next === undefined) return all;
    if (pages + Math.max(1, Math.ceil((metadata.remainingItemCount ?? 0) / PAGE)) > most) return undefined;
  }
}
