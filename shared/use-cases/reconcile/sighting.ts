import { clusterArnOf, type ServiceRef } from "../../base/arn.ts";
import type { Policy } from "../../config/config.ts";
import { FamilyUsers } from "../../enrollment/families.ts";
import type { SeenPlace } from "../../enrollment/membership.ts";
import { taskTagsMark } from "../../enrollment/task-tags.ts";
import type { ObservedService } from "../../model/service.ts";
import type { ServiceState } from "../../model/service-state.ts";
import type { DescribedSecret } from "../../ports/ports.ts";

/** A service in the mesh, or one that was refused for its family, as the ledger knows it. */
export interface Remembered extends Pick<ObservedService, "ref" | "taskDefinitionArn" | "tags"> {
  readonly enrolled: boolean;
  readonly sharedFamily: ServiceState["sharedFamily"];
  /** What its tasks carry was read since its last deployment, and was right. */
  readonly tasksWereRead: boolean;
  readonly taskTagsChangedMs: number | undefined;
}

/** The services and secrets that a sweep has seen in one account and region. */
export class Sighting implements SeenPlace {
  /** Every reference to one of our secrets. */
  readonly secrets = new Set<string>();
  /** The services that ECS has, by their ARNs, with what they run. */
  readonly services = new Map<string, { readonly ref: ServiceRef; readonly taskDefinitionArn: string }>();
  readonly remembered = new Map<string, Remembered>();
  readonly families = new FamilyUsers();
  /** Tasks that services run, by cluster. */
  readonly running = new Map<string, number>();
  /** Those whose task definitions name secrets of ours, and how. */
  readonly users = new Map<string, readonly string[]>();
  /** Those whose items can't be read: nobody knows which versions they may return to. */
  readonly uncertain = new Set<string>();
  /** Our secrets that are not scheduled for deletion, by name. */
  readonly listed = new Map<string, Pick<DescribedSecret, "arn" | "changedMs">>();
  /** The images of the sidecars that services run, and how many lack something, while a restored ledger adopts them. */
  readonly images: string[] = [];
  differing = 0;
  /** The clusters that were listed, and of these the ones whose services the autopilot may not read. */
  readonly clusters = new Set<string>();
  readonly refusedClusters = new Set<string>();
  /** All of them were listed: another one does not exist. */
  clustersListed = false;
  /** The autopilot may not list the clusters at all. */
  isRefused = false;
  /** Every service has been read. */
  servicesRead = false;
  /** And every secret listed. */
  complete = false;

  see(service: ObservedService): void {
    const { ref, taskDefinitionArn, deployments } = service;
    this.services.set(ref.serviceArn, { ref, taskDefinitionArn });
    this.families.see(service);
    const clusterArn = clusterArnOf(ref);
    const own = deployments.reduce((sum, { runningCount }) => sum + runningCount, 0);
    this.running.set(clusterArn, (this.running.get(clusterArn) ?? 0) + own);
  }

  remember(
    service: ObservedService,
    state: ServiceState | undefined,
    { policy }: { readonly policy: Pick<Policy, "propagateTags"> },
  ): void {
    const { enrolled, sharedFamily, roll, taskTags, taskTagsChangedMs } = state ?? { enrolled: false };
    if (roll || (!enrolled && !sharedFamily)) return;
    const { ref, taskDefinitionArn, tags } = service;
    const tasksWereRead = policy.propagateTags && taskTags !== undefined && taskTags === taskTagsMark(service);
    const known = { enrolled, sharedFamily, tasksWereRead, taskTagsChangedMs };
    this.remembered.set(ref.serviceArn, { ref, taskDefinitionArn, tags, ...known });
  }

  use({ ref }: ObservedService, valueFroms: readonly string[]): void {
    for (const valueFrom of valueFroms) this.secrets.add(valueFrom);
    if (valueFroms.length > 0) this.users.set(ref.serviceArn, valueFroms);
  }

  /** True for a secret that an uncertain service may return to a version of: any, where it names none. */
  mayBeReturnedTo(secretArn: string): boolean {
    return [...this.uncertain].some((serviceArn) => {
      const names = this.users.get(serviceArn);
      return names === undefined || names.some((valueFrom) => valueFrom.startsWith(secretArn));
    });
  }

  /** The services whose task definitions name the secret, with what they run. */
  usersOf(secretArn: string) {
    return [...this.users].flatMap(([serviceArn, valueFroms]) => {
      const found = this.services.get(serviceArn);
      return found && valueFroms.some((valueFrom) => valueFrom.startsWith(secretArn)) ? [found] : [];
    });
  }

  /** Notes each secret as it is listed. */
  async *noting(secrets: AsyncIterable<DescribedSecret>): AsyncIterable<DescribedSecret> {
    for await (const secret of secrets) {
      this.listed.set(secret.name, secret);
      yield secret;
    }
  }
}
