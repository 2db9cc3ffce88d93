import * as z from "zod";
import type { WorkloadEntry, WorkloadEntrySelection } from "../../model/workload-entry.ts";
import type { KubernetesApis } from "./kubernetes-client.ts";
import { wholeList } from "./whole-list.ts";

/** Istiod writes it on the WorkloadEntries of an ECS service's tasks. */
const SERVICE_LABEL = "ecs.solo.io/service";
/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
const LABEL_VALUE = /^[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/;
const PAGE = 500;

/** A gateway's ways to ask the API and to read its answers. */
export interface Asking {
  /** Undefined for an object that does not exist. */
  readonly find: <T>(what: string, run: (apis: KubernetesApis) => Promise<T>) => Promise<T | undefined>;
  /** Throws `control-plane-incomplete` for an answer that lacks a field. */
  readonly need: <T>(schema: z.ZodType<T>, object: unknown, what: string) => T;
}

/** Null stands for an absent member. */
const texts = z.record(z.string(), z.string()).nullish();
const entrySchema = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string(), annotations: texts, labels: texts }),
  spec: z.object({ address: z.string().nullish(), serviceAccount: z.string().nullish(), labels: texts }).nullish(),
});
const listSchema = z.object({
  items: z.array(z.unknown()),
  metadata: z.object({ continue: z.string().optional() }).default({}),
});

/**
 * The selected WorkloadEntries, page by page. An entry of another shape is left out: it proves nothing, and must not
 * hide the others. Throws `control-plane-busy` when the list expires while it is read, each time.
 */
export async function listWorkloadEntries(
  { namespace, serviceName = "" }: WorkloadEntrySelection,
  asking: Asking,
): Promise<readonly WorkloadEntry[]> {
  const labelSelector = LABEL_VALUE.test(serviceName) ? `${SERVICE_LABEL}=${serviceName}` : undefined;
  return wholeList(() => listPages({ namespace, labelSelector }, asking));
}

async function listPages(
  { namespace, labelSelector }: { readonly namespace: string | undefined; readonly labelSelector: string | undefined },
  { find, need }: Asking,
): Promise<readonly WorkloadEntry[]> {
  const what = namespace === undefined ? "WorkloadEntries" : `WorkloadEntries of ${namespace}`;
  const resource = { group: "networking.istio.io", version: "v1", plural: "workloadentries" };
  const entries: WorkloadEntry[] = [];
  let next: string | undefined;
  do {
    const page = { limit: PAGE, ...(labelSelector && { labelSelector }), ...(next && { _continue: next }) };
    const answer = await find(what, ({ custom }) =>
      namespace === undefined
        ? custom.listCustomObjectForAllNamespaces({ ...resource, resourcePlural: resource.plural, ...page })
        : custom.listNamespacedCustomObject({ ...resource, namespace, ...page }),
    );
    const { items, metadata } = need(listSchema, answer, what);
    for (const item of items) entries.push(...readEntry(item));
    next = metadata.continue;
  } while (next);
  return entries;
}

function readEntry(item: unknown): readonly WorkloadEntry[] {
  const parsed = entrySchema.safeParse(item);
  if (!parsed.success) return [];
  const { metadata, spec } = parsed.data;
  return [
    {
      namespace: metadata.namespace,
      name: metadata.name,
      annotations: metadata.annotations ?? {},
      labels: { ...metadata.labels, ...spec?.labels },
      address: spec?.address || undefined,
      serviceAccount: spec?.serviceAccount || undefined,
    },
  ];
}
