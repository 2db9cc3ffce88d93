import { clusterArnOf, type Place, serviceRef } from "../../base/arn.ts";
import { chunk } from "../../base/chunk.ts";
import { asAutopilotError } from "../../base/errors.ts";
import { tagKeys } from "../../base/vocabulary.ts";
import { type Config, controlPlaneFor } from "../../config/config.ts";
import { alarmNames, asksToLeave, effectiveTags } from "../../enrollment/tags.ts";
import type { Rollout } from "../../model/rollout.ts";
import type { ObservedService, Tags } from "../../model/service.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { EcsCalls } from "../../ports/ports.ts";
import { matchesScope } from "../../rollout/identity.ts";
import type { Candidate } from "../../rollout/waves.ts";

export interface CandidateCalls {
  readonly config: Config;
  readonly ecs: (place: Place) => Pick<EcsCalls, "describeServices" | "describeCluster">;
  readonly ledger: Pick<Ledger, "listServices">;
}

export interface GuardedCandidate extends Candidate {
  /** The CloudWatch alarms that its tag names. */
  readonly alarms?: string[];
}

/** The enrolled services of the rollout's scope that exist and whose tags don't ask to leave the mesh. */
export async function findCandidates({ scope }: Rollout, calls: CandidateCalls): Promise<readonly GuardedCandidate[]> {
  const planeOf = (place: Place) => controlPlaneFor(calls.config, place)?.name;
  const arns = new Set<string>();
  for await (const state of calls.ledger.listServices()) {
    if (state.enrolled && matchesScope(scope, state, planeOf)) arns.add(state.serviceArn);
  }
  const clusters = Map.groupBy([...arns].map(serviceRef), clusterArnOf);
  const places = Map.groupBy(clusters, ([, [ref]]) => `${ref?.account}/${ref?.region}`);
  const found = await Promise.all(
    [...places.values()].map(async (ofPlace) => {
      const candidates: GuardedCandidate[] = [];
      for (const [clusterArn, refs] of ofPlace) {
        const [ref] = refs;
        if (!ref) continue;
        const ecs = calls.ecs(ref);
        const clusterTags = await tagsOf(clusterArn, ecs);
        if (!clusterTags) continue;
        const names = refs.map(({ serviceName }) => serviceName);
        for (const group of chunk(names, 10)) {
          for (const service of await ecs.describeServices(clusterArn, group)) {
            const candidate = candidateOf(service, clusterTags, calls.config);
            if (candidate) candidates.push(candidate);
          }
        }
      }
      return candidates;
    }),
  );
  return found.flat();
}

/** Undefined when the cluster is gone. Its services are gone with it. */
async function tagsOf(clusterArn: string, ecs: ReturnType<CandidateCalls["ecs"]>): Promise<Tags | undefined> {
  try {
    return (await ecs.describeCluster(clusterArn)).tags;
  } catch (error) {
    if (asAutopilotError(error).code === "service-not-found") return undefined;
    throw error;
  }
}

function candidateOf(
  service: ObservedService,
  clusterTags: Tags,
  { enrollTagKey }: Config,
): GuardedCandidate | undefined {
  const { serviceArn, account, region } = service.ref;
  if (service.status !== "ACTIVE" || asksToLeave(service.tags, clusterTags, enrollTagKey)) return undefined;
  const tags = effectiveTags(service.tags, clusterTags);
  const alarms = alarmNames(tags[tagKeys.alarms]);
  const idle = service.desiredCount === 0;
  return { serviceArn, account, region, canary: tags[tagKeys.wave] === "canary", idle, ...(alarms && { alarms }) };
}
