import { expiringCache } from "../../base/expiring-cache.ts";
import { sha256 } from "../../base/json.ts";
import type { Decision } from "../../enrollment/decision.ts";
import type { MeshState } from "../../model/mesh.ts";
import type { FleetState } from "../../model/rollout.ts";
import type { ObservedService, Tags } from "../../model/service.ts";
import type { ServiceState } from "../../model/service-state.ts";
import { acceptableOf, newestOf } from "../../trust/record.ts";

/** A service for which there was nothing to do and nothing to record. */
export interface SettledService {
  readonly decision: Extract<Decision, { action: "none" }>;
  /** The secrets of ours that its task definition names. */
  readonly secrets: readonly string[];
}

/** Settled services: as long as nothing changes that they were judged on, the judgment holds. */
export interface SettledServices {
  find(serviceArn: string, judgedOn: string): SettledService | undefined;
  note(serviceArn: string, judgedOn: string, settled: SettledService): void;
}

const MOST_SERVICES = 50_000;
/** Reading everything again after this time costs little. */
const KEPT_MS = 6 * 3_600_000;

/** Remembers settled services for six hours, by the given clock in epoch milliseconds. */
export function settledServices(now: () => number): SettledServices {
  const known = expiringCache<SettledService & { readonly judgedOn: string }>({
    size: MOST_SERVICES,
    ttlMs: KEPT_MS,
    now,
  });
  return {
    find: (serviceArn, judgedOn) => {
      const settled = known.get(serviceArn);
      return settled?.judgedOn === judgedOn ? settled : undefined;
    },
    note: (serviceArn, judgedOn, { decision, secrets }) => known.set(serviceArn, { judgedOn, decision, secrets }),
  };
}

/**
 * A hash of all that a service is judged on, except its task definition, which its revision's ARN stands for:
 * revisions never change. `fleet` is a `fleetFingerprint`.
 */
export function judgedOn(seen: {
  readonly service: ObservedService;
  readonly clusterTags: Tags;
  readonly state: ServiceState | undefined;
  readonly fleet: string;
}): string {
  const { service, clusterTags, state, fleet } = seen;
  return sha256(JSON.stringify([service, clusterTags, state ?? null, fleet]));
}

/** A hash of what decisions take from the mesh and from the whole fleet, without the times of reading and writing. */
export function fleetFingerprint(
  mesh: MeshState | undefined,
  { image, settings, unenrolledBy: out, adopting }: FleetState,
): string {
  const generations = mesh ? [newestOf(mesh), ...acceptableOf(mesh)] : [];
  const facts = generations.map(({ facts: { readAt: _, ...lasting } }) => lasting);
  return sha256(JSON.stringify([facts, { image, settings, out, ...(adopting && { adopting }) }]));
}
