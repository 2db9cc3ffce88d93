import { clusterArnOf, type Place, serviceRef } from "../base/arn.ts";

/**
 * A service that a rollout takes. `canary`: its tag asks for the canary wave. `idle`: it is to run no task, so that it
 * can show nothing. `unfit`: why it did not run well before the rollout, in words.
 */
export interface Candidate extends Place {
  readonly serviceArn: string;
  readonly canary: boolean;
  readonly idle?: boolean;
  readonly unfit?: string;
  readonly controlPlane?: string;
  readonly launchType?: string;
}

/** The services of the canary wave. */
export interface Canaries {
  /** The rollout's own choice: one of them that fails stops the rollout. */
  readonly chosen: readonly Candidate[];
  /** Those whose tags ask for it, on top. */
  readonly tagged: readonly Candidate[];
}

/**
 * Chooses `count` services that run tasks and were healthy before, since others could show nothing: evenly over control
 * planes, then launch types, and otherwise over the clusters of the first region that has any. Services tagged as
 * canaries come on top; a tag can keep no other service from being chosen. `regions` is the order of regions.
 */
export function canariesOf(candidates: readonly Candidate[], count: number, regions: readonly string[]): Canaries {
  const able = candidates.filter(({ idle, unfit }) => !idle && unfit === undefined);
  const known = able.map((candidate) => ({ candidate, cluster: clusterArnOf(serviceRef(candidate.serviceArn)) }));
  const rank = new Map(regions.map((region, index) => [region, index]));
  const seen = new Map<string, number>();
  const chosen = new Set<Candidate>();
  const keysOf = ({ candidate, cluster }: (typeof known)[number]) => [
    `plane ${candidate.controlPlane ?? ""}`,
    `launch ${candidate.launchType ?? ""}`,
    `cluster ${cluster}`,
  ];
  const weigh = (one: (typeof known)[number]): readonly [number, number, number, number] => {
    const [plane = 0, launch = 0, cluster = 0] = keysOf(one).map((key) => seen.get(key) ?? 0);
    return [plane, launch, rank.get(one.candidate.region) ?? regions.length, cluster];
  };
  while (chosen.size < Math.min(count, able.length)) {
    const next = known
      .filter(({ candidate }) => !chosen.has(candidate))
      .map((one) => ({ one, weight: weigh(one) }))
      .reduce((best, other) => (isLighter(other, best) ? other : best));
    chosen.add(next.one.candidate);
    for (const key of keysOf(next.one)) seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  return { chosen: [...chosen], tagged: able.filter((one) => one.canary && !chosen.has(one)) };
}

interface Weighed {
  readonly one: { readonly candidate: Candidate };
  readonly weight: readonly number[];
}

function isLighter(some: Weighed, other: Weighed): boolean {
  const differs = some.weight.findIndex((value, index) => value !== other.weight[index]);
  if (differs >= 0) return (some.weight[differs] ?? 0) < (other.weight[differs] ?? 0);
  return some.one.candidate.serviceArn < other.one.candidate.serviceArn;
}
