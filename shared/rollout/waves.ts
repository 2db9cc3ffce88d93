import type { Lane, Wave } from "../model/rollout.ts";
import { type Candidate, canariesOf } from "./canaries.ts";
import { UNFIT } from "./unfit.ts";

/** Sizes of waves: see `rolloutPolicySchema`. */
export interface WavePolicy {
  readonly canaryCount: number;
  /** Cumulative percentages of a region's services, or of all, rising, the last one 100. */
  readonly waves: readonly number[];
  /** True for all regions at once instead of one after the other. */
  readonly regionsTogether: boolean;
}

/** `ordered[ordinal]` is the ARN of a service. The services of a wave are neighbors, and in it those of a lane. */
export interface CutWaves {
  readonly waves: Wave[];
  readonly ordered: readonly string[];
}

interface Cut {
  readonly name: string;
  readonly canary: boolean;
  readonly services: readonly Candidate[];
}

/**
 * The rollout's waves and the order of its services, which does not depend on the order of `services`.
 *
 * Wave 0, `canary`, has the canaries (`canariesOf`). Then come the regions, those of `regionOrder` first, the others by
 * name, or all of them together. The rest of a region is cut by the cumulative percentages, rounded up: a wave is never
 * empty, and is named by the largest share that it completes. Every wave takes its share of each account, so that one
 * account's quotas don't hold up the others; within an account, services are ordered by ARN. The last wave, `unfit`,
 * has the services that did not run well before: what their owners broke stops nobody else.
 */
export function cutWaves(services: readonly Candidate[], policy: WavePolicy, regionOrder: readonly string[]): CutWaves {
  const unique = [...new Map(services.map((service) => [service.serviceArn, service])).values()];
  const regions = sortedRegions(unique, regionOrder);
  const { chosen, tagged } = canariesOf(unique, policy.canaryCount, regions);
  const canary = new Set([...chosen, ...tagged]);
  const unfit = unique.filter((one) => one.unfit !== undefined);
  const others = unique.filter((one) => one.unfit === undefined && !canary.has(one));
  const byRegion = regions.map((region) => spread(others.filter((service) => service.region === region)));
  const groups = policy.regionsTogether
    ? [{ name: "all regions", services: byRegion.flat() }]
    : byRegion.map((ofRegion) => ({ name: ofRegion[0]?.region ?? "", services: ofRegion }));
  const cuts: Cut[] = [
    { name: "canary", canary: true, services: [...canary] },
    ...groups.flatMap(({ name, services: ofGroup }) =>
      shares(name, policy.regionsTogether ? spread(ofGroup) : ofGroup, policy.waves),
    ),
    { name: UNFIT, canary: false, services: unfit },
  ];
  return numbered(
    cuts.filter((cut) => cut.services.length > 0),
    regions,
    new Set(chosen.map(({ serviceArn }) => serviceArn)),
  );
}

function sortedRegions(services: readonly Candidate[], regionOrder: readonly string[]): readonly string[] {
  const present = new Set(services.map(({ region }) => region));
  const known = [...new Set(regionOrder)].filter((region) => present.has(region));
  return [...known, ...[...present].filter((region) => !known.includes(region)).sort()];
}

/** Services with their accounts and regions interleaved in proportion: every beginning has its share of each. */
function spread(services: readonly Candidate[]): readonly Candidate[] {
  const byPlace = Map.groupBy(services.toSorted(byArn), ({ account, region }) => `${account}/${region}`);
  return [...byPlace.values()]
    .flatMap((own) => own.map((service, index) => ({ service, at: (index + 0.5) / own.length })))
    .sort((a, b) => a.at - b.at || byArn(a.service, b.service))
    .map(({ service }) => service);
}

function shares(of: string, services: readonly Candidate[], percentages: readonly number[]): readonly Cut[] {
  // A product of floats may exceed a whole number by rounding alone, which must not make another service.
  const ends = percentages.map((percent) => Math.ceil((services.length * percent) / 100 - 1e-9));
  return percentages.flatMap((percent, index) => {
    const end = ends[index] ?? 0;
    const from = ends.findLast((other) => other < end) ?? 0;
    if (services.length === 0 || ends[index + 1] === end) return [];
    return [{ name: `${of} ${percent}%`, canary: false, services: services.slice(from, end) }];
  });
}

function numbered(cuts: readonly Cut[], regions: readonly string[], chosen: ReadonlySet<string>): CutWaves {
  const ordered: string[] = [];
  const waves = cuts.map(({ name, canary, services }): Wave => {
    const lanes: Lane[] = [];
    const chosenOrdinals: number[] = [];
    for (const { serviceArn, account, region } of inLanes(services, regions)) {
      const ordinal = ordered.push(serviceArn) - 1;
      if (chosen.has(serviceArn)) chosenOrdinals.push(ordinal);
      const lane = lanes.at(-1);
      if (lane?.account === account && lane.region === region) lane.last = ordinal;
      else lanes.push({ account, region, first: ordinal, last: ordinal });
    }
    return { name, canary, lanes, state: "waiting", ...(canary && { chosenOrdinals }) };
  });
  return { waves, ordered };
}

function inLanes(services: readonly Candidate[], regions: readonly string[]): readonly Candidate[] {
  const rank = new Map(regions.map((region, index) => [region, index]));
  return services.toSorted(
    (a, b) => (rank.get(a.region) ?? 0) - (rank.get(b.region) ?? 0) || compare(a.account, b.account) || byArn(a, b),
  );
}

function byArn(a: Candidate, b: Candidate): number {
  return compare(a.serviceArn, b.serviceArn);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
