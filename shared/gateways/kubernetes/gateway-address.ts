import * as z from "zod";
import { AutopilotError } from "../../base/errors.ts";
import type { Asking } from "./workload-entries.ts";

const EXPOSES = "istio.io/expose-istiod";
const MODE = "istio.io/expose-istiod-mode";
/** The Service that Solo's guide makes, in the namespace of the same name. */
const GUIDE = "istio-eastwest";

/** Where istiod is reached from outside of the cluster. */
export interface Gateway {
  readonly istiodUrl: string;
  /** Other Services that expose istiod as well: `namespace/name`. */
  readonly others: readonly string[];
}

const address = z.object({ hostname: z.string().nullish(), ip: z.string().nullish() });
const serviceSchema = z.object({
  metadata: z.object({
    name: z.string().default(GUIDE),
    namespace: z.string().default(GUIDE),
    creationTimestamp: z.date().nullish(),
    labels: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.object({ externalIPs: z.array(z.string()).nullish() }).nullish(),
  status: z.object({ loadBalancer: z.object({ ingress: z.array(address).nullish() }).nullish() }).nullish(),
});
type GatewayService = z.infer<typeof serviceSchema>;
const listSchema = z.object({ items: z.array(z.unknown()) });

/**
 * The address and the port of a Service whose label `istio.io/expose-istiod` has that port, in any namespace. Of
 * several Services the guide's comes first, then the oldest, so that a new one changes nothing; those of mode
 * `internal` only count where there is no other. Of several addresses the first by name is taken: their order changes,
 * and another address would be brought to every service. Throws `control-plane-incomplete` where none is usable.
 */
export async function readGateway(controlPlane: string, asking: Asking): Promise<Gateway> {
  const services = (await exposing(asking)).flatMap((item) => {
    const parsed = serviceSchema.safeParse(item);
    return parsed.success && parsed.data.metadata.labels[EXPOSES] !== undefined ? [parsed.data] : [];
  });
  const usable = services.filter((service) => urlOf(service) !== undefined);
  const open = usable.filter(({ metadata }) => metadata.labels[MODE] !== "internal");
  const [taken, ...others] = (open.length > 0 ? open : usable).sort(byPrecedence);
  const istiodUrl = taken && urlOf(taken);
  if (istiodUrl === undefined)
    throw new AutopilotError("control-plane-incomplete", `${controlPlane}: ${lacking(services)}`);
  return { istiodUrl, others: others.map(nameOf) };
}

/** Without the right to list Services, which an older manifest does not give: the guide's alone. */
async function exposing({ find, need }: Asking): Promise<readonly unknown[]> {
  try {
    const list = await find("Services", ({ core }) => core.listServiceForAllNamespaces({ labelSelector: EXPOSES }));
    return need(listSchema, list, "Services").items;
  } catch (error) {
    if (!(error instanceof AutopilotError) || error.code !== "control-plane-refused") throw error;
    const guide = { namespace: GUIDE, name: GUIDE };
    const service = await find(`Service ${GUIDE}/${GUIDE}`, ({ core }) => core.readNamespacedService(guide));
    return service ? [service] : [];
  }
}

function urlOf(service: GatewayService): string | undefined {
  const port = portOf(service);
  const [host] = hostsOf(service);
  if (port === undefined || host === undefined) return undefined;
  return `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function portOf({ metadata }: GatewayService): number | undefined {
  const text = metadata.labels[EXPOSES] ?? "";
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

function hostsOf({ spec, status }: GatewayService): readonly string[] {
  const ingress = (status?.loadBalancer?.ingress ?? []).flatMap(({ hostname, ip }) => hostname || ip || []);
  return (ingress.length > 0 ? ingress : (spec?.externalIPs ?? [])).toSorted();
}

function byPrecedence(one: GatewayService, other: GatewayService): number {
  const isGuide = (service: GatewayService) => Number(nameOf(service) === `${GUIDE}/${GUIDE}`);
  const createdMs = ({ metadata }: GatewayService) => metadata.creationTimestamp?.getTime() ?? 0;
  return (
    isGuide(other) - isGuide(one) || createdMs(one) - createdMs(other) || nameOf(one).localeCompare(nameOf(other), "en")
  );
}

function lacking(services: readonly GatewayService[]): string {
  const [first] = services;
  if (!first) return `no Service has the label ${EXPOSES}`;
  const what = portOf(first) === undefined ? `a port from 1 to 65535 in its label ${EXPOSES}` : "an address";
  return `Service ${nameOf(first)} lacks ${what}`;
}

function nameOf({ metadata }: GatewayService): string {
  return `${metadata.namespace}/${metadata.name}`;
}
