import type { ServiceRef } from "../base/arn.ts";
import { tagKeys } from "../base/vocabulary.ts";
import { type Config, controlPlaneFor, targetsOf } from "../config/config.ts";
import type { Tags } from "../model/service.ts";
import type { ServiceState } from "../model/service-state.ts";
import type { FoundProblem } from "./shared-problems.ts";

/** A host of several ServiceEntries of one namespace, which istiod writes for services of different identities. */
export interface SharedHostname {
  readonly subject: string;
  readonly found: FoundProblem;
  readonly services: readonly string[];
}

/**
 * The hostnames of a control plane that services of different identities have in one namespace, by their tags or by
 * default. Services of one identity may have one hostname, as in two regions.
 */
export function sharedHostnamesOf(
  services: Iterable<{ readonly ref: ServiceRef; readonly tags: Tags }>,
  states: Iterable<ServiceState>,
  { controlPlane, config }: { readonly controlPlane: string; readonly config: Config },
): readonly SharedHostname[] {
  const held = new Map(
    [...states].flatMap(({ serviceArn, held }) => (held ? [[serviceArn, held.at(-1)] as const] : [])),
  );
  const byHost = new Map<
    string,
    { readonly text: string; readonly accounts: Set<string>; readonly services: string[] }
  >();
  for (const { ref, tags } of services) {
    const identity = held.get(ref.serviceArn);
    if (!identity || controlPlaneFor(config, ref)?.name !== controlPlane) continue;
    const { namespace, serviceAccount } = identity;
    const hostname = tags[tagKeys.hostname] ?? defaultHostname(ref, config);
    const subject = `hostname ${controlPlane} ${namespace} ${hostname}`;
    const host = byHost.get(subject) ?? { text: `${hostname} in ${namespace}`, accounts: new Set(), services: [] };
    byHost.set(subject, host);
    host.accounts.add(serviceAccount);
    host.services.push(ref.serviceArn);
  }
  return [...byHost].flatMap(([subject, { text, accounts, services: named }]) => {
    if (accounts.size < 2) return [];
    const detail = `${text} is that of ${[...accounts].sort().join(" and ")}.`;
    return [{ subject, found: { code: "hostname-shared", detail } as const, services: named.toSorted() }];
  });
}

function defaultHostname({ account, region, serviceName, clusterName }: ServiceRef, config: Config): string {
  const target = targetsOf(config).find((one) => one.account === account && one.region === region);
  return `${serviceName}.${clusterName}.${target?.domain ?? ""}`;
}
