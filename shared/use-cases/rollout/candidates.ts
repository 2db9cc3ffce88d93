import { clusterArnOf, type Place, serviceRef } from "../../base/arn.ts";
import { chunk } from "../../base/chunk.ts";
import { asAutopilotError } from "../../base/errors.ts";
import { type Config, controlPlaneFor } from "../../config/config.ts";
import { alarmNames, asksToLeave, effectiveTags } from "../../enrollment/tags.ts";
import type { Rollout } from "../../model/rollout.ts";
import type { ObservedService, Tags } from "../../model/service.ts";
import type { ServiceState } from "../../model/service-state.ts";
import type { Ledger, UnreadableItem } from "../../ports/ledger.ts";
import type { EcsCalls, Log } from "../../ports/ports.ts";
import type { Candidate } from "../../rollout/canaries.ts";
import { IMAGE_FAILURES } from "../../rollout/counted.ts";
import { matchesScope } from "../../rollout/identity.ts";

export interface CandidateCalls {
  readonly config: Config;
  readonly ecs: (place: Place) => Pick<EcsCalls, "describeServices" | "describeCluster">;
  readonly ledger: Pick<Ledger, "listServices">;
  readonly log: Pick<Log, "error">;
}

export interface GuardedCandidate extends Candidate {
  /** The CloudWatch alarms that its tag names. */
  readonly alarms?: string[];
  /** Its own tag names its image. */
  readonly ownImage?: boolean;
  /** Its own alarm fires: it is not rolled. */
  readonly isHeldBack?: boolean;
}

/**
 * The enrolled services of the rollout's scope that exist and whose tags don't ask to leave the mesh. One whose item
 * can't be read is left out: nobody knows whether a roll has it, or what it would return to.
 */
export async function findCandidates({ scope }: Rollout, calls: CandidateCalls): Promise<readonly GuardedCandidate[]> {
  const planeOf = (place: Place) => controlPlaneFor(calls.config, place)?.name;
  const states = new Map<string, ServiceState>();
  const leaveOut = ({ pk, why }: UnreadableItem) =>
    calls.log.error(`not rolled: ${pk}`, { code: "ledger-item-unreadable", why });
  for await (const state of calls.ledger.listServices(leaveOut)) {
    if (state.enrolled && matchesScope(scope, state, planeOf)) states.set(state.serviceArn, state);
  }
  const clusters = Map.groupBy([...states.keys()].map(serviceRef), clusterArnOf);
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
            const state = states.get(service.ref.serviceArn);
            const candidate = candidateOf(service, state, clusterTags, calls.config);
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
  state: ServiceState | undefined,
  clusterTags: Tags,
  config: Config,
): GuardedCandidate | undefined {
  const { enrollTagKey, keys } = config;
  const { serviceArn, account, region } = service.ref;
  if (service.status !== "ACTIVE" || asksToLeave(service.tags, clusterTags, enrollTagKey, keys)) return undefined;
  const tags = effectiveTags(service.tags, clusterTags, keys);
  const alarms = alarmNames(tags[keys.tags.alarms]);
  const controlPlane = controlPlaneFor(config, service.ref)?.name;
  const ownImage = tags[keys.tags.image] !== undefined;
  const unfit = unfitnessOf(service, state, ownImage);
  return {
    serviceArn,
    account,
    region,
    canary: tags[keys.tags.wave] === "canary",
    idle: service.desiredCount === 0,
    ...(controlPlane !== undefined && { controlPlane }),
    ...(service.launchType && { launchType: service.launchType }),
    ...(unfit !== undefined && { unfit }),
    ...(ownImage && { ownImage }),
    ...(alarms && { alarms }),
  };
}

/** Causes of a failed roll that are its owner's: the application, or the image that its own tag names. */
const APPLICATION_FAILURES: readonly string[] = ["application-failed"];

/**
 * Why the service does not run well before anything is done to it, in words; undefined when it does. A failed roll says
 * so only if its owner is the cause: one bad hour of the control plane must not make the whole fleet unfit.
 */
function unfitnessOf(
  { deployments, desiredCount }: ObservedService,
  state: ServiceState | undefined,
  ownImage: boolean,
): string | undefined {
  if (desiredCount === 0) return undefined;
  const primary = deployments.find(({ status }) => status === "PRIMARY");
  if (!primary || primary.rolloutState === "FAILED") return "ECS reports its deployment as failed.";
  const running = deployments.reduce((sum, { runningCount }) => sum + runningCount, 0);
  if (running < desiredCount) return `${running} of ${desiredCount} tasks run.`;
  const { consecutiveFailures = 0, lastOutcome } = state ?? {};
  const reasons = ownImage ? [...APPLICATION_FAILURES, ...IMAGE_FAILURES] : APPLICATION_FAILURES;
  const isOwners = consecutiveFailures > 0 && lastOutcome !== undefined && reasons.includes(lastOutcome.reason);
  return isOwners ? `Its last roll failed: ${lastOutcome.reason}.` : undefined;
}
