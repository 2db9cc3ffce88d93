import type { Config } from "../config/config.ts";
import { findSidecar } from "../data-plane/ztunnel/index.ts";
import type { Refusal } from "../model/reasons.ts";
import type { DescribedTaskDefinition, ObservedService } from "../model/service.ts";
import type { ServiceState, SharedFamily } from "../model/service-state.ts";

/** Other users of a family that are named to people. */
const MOST_NAMED = 3;

type Runs = Pick<ObservedService, "ref" | "taskDefinitionArn">;

/** The family of a revision, by its ARN. */
export function familyOf(taskDefinitionArn: string): string {
  return taskDefinitionArn.replace(/^.*\//, "").replace(/:\d+$/, "");
}

/** A refusal when a revision with the service's identity would become the latest one of others, too. */
export function familyRefusal(
  { family, services, newer }: SharedFamily,
  { policy }: Pick<Config, "policy">,
): Refusal | undefined {
  if (policy.sharedFamilies || (services.length === 0 && newer === undefined)) return undefined;
  const users = services.slice(0, MOST_NAMED).join(", ");
  const detail = services.length > 0 ? `${family} is also that of ${users}.` : `${newer?.split("/").at(-1)} is newer.`;
  return { reason: "shared-family", detail };
}

/** The same by what sweeps have found of the family that the service runs. */
export function knownFamilyRefusals(
  { taskDefinitionArn }: Pick<ObservedService, "taskDefinitionArn">,
  state: Pick<ServiceState, "sharedFamily"> | undefined,
  config: Pick<Config, "policy">,
): readonly Refusal[] {
  const known = state?.sharedFamily;
  if (known?.family !== familyOf(taskDefinitionArn)) return [];
  const { newer, ...others } = known;
  const isNewer = newer !== undefined && revisionOf(newer) > revisionOf(taskDefinitionArn);
  const refusal = familyRefusal({ ...others, ...(isNewer && { newer }) }, config);
  return refusal ? [refusal] : [];
}

/** The family's latest revision if somebody else has registered it: one with our sidecar is of an earlier attempt. */
export function newerRevision(
  latest: DescribedTaskDefinition | undefined,
  { taskDefinitionArn }: Pick<ObservedService, "taskDefinitionArn">,
): string | undefined {
  if (!latest || revisionOf(latest.taskDefinitionArn) <= revisionOf(taskDefinitionArn)) return undefined;
  return findSidecar(latest.raw).kind === "ours" ? undefined : latest.taskDefinitionArn;
}

/** What to remember of the service's family; undefined where there is nothing. */
export function sharedFamily(
  { taskDefinitionArn }: Pick<ObservedService, "taskDefinitionArn">,
  { services, newer }: Omit<SharedFamily, "family">,
): SharedFamily | undefined {
  if (services.length === 0 && newer === undefined) return undefined;
  return { family: familyOf(taskDefinitionArn), services, ...(newer !== undefined && { newer }) };
}

/** The current revisions of the services of one account and region, by their families. */
export class FamilyUsers {
  readonly #byFamily = new Map<string, string[]>();

  see({ ref, status, taskDefinitionArn }: Runs & Pick<ObservedService, "status">): void {
    if (status !== "ACTIVE") return;
    const family = familyOf(taskDefinitionArn);
    const users = this.#byFamily.get(family) ?? [];
    this.#byFamily.set(family, users);
    // One more than are named: the service that asks may be among them.
    if (users.length <= MOST_NAMED) users.push(nameOf({ ref }));
  }

  /** Some of the other services that have the service's family, as `cluster/service`. */
  othersOf({ ref, taskDefinitionArn }: Runs): string[] {
    const users = this.#byFamily.get(familyOf(taskDefinitionArn)) ?? [];
    return users
      .filter((name) => name !== nameOf({ ref }))
      .slice(0, MOST_NAMED)
      .sort();
  }
}

function nameOf({ ref }: Pick<Runs, "ref">): string {
  return `${ref.clusterName}/${ref.serviceName}`;
}

function revisionOf(taskDefinitionArn: string): number {
  return Number(taskDefinitionArn.split(":").at(-1));
}
