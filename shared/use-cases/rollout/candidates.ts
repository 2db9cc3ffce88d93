import { clusterArnOf, type Place, type ServiceRef, serviceRef } from "../../base/arn.ts";
import { chunk } from "../../base/chunk.ts";
import { type AutopilotError, asAutopilotError } from "../../base/errors.ts";
import { tasksRun } from "../../base/plural.ts";
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

/** The services for a rollout, as its start has found them. */
export interface Candidates {
  readonly candidates: readonly GuardedCandidate[];
  /** The first failure, where a cluster or an account could not be read: its services are not among them. */
  readonly failure: AutopilotError | undefined;
}

/**
 * The enrolled services of the rollout's scope that exist and whose tags don't ask to leave the mesh. One whose item
 * can't be read is left out: nobody knows whether a roll has it, or what it would return to. Clusters that the
 * autopilot may not read are left out, too: once they can be read, sweeps give their services what the fleet should
 * have. With `patient`, what can pass is thrown, for the step to be tried again.
 */
export async function findCandidates(
  { scope }: Rollout,
  calls: CandidateCalls,
  { patient }: { readonly patient: boolean },
): Promise<Candidates> {
  const planeOf = (place: Place) => controlPlaneFor(calls.config, place)?.name;
  const states = new Map<string, ServiceState>();
  const leaveOut = ({ pk, why }: UnreadableItem) =>
    calls.log.error(`not rolled: ${pk}`, { code: "ledger-item-unreadable", why });
  for await (const state of calls.ledger.listServices(leaveOut)) {
    if (state.enrolled && matchesScope(scope, state, planeOf)) states.set(state.serviceArn, state);
  }
  const clusters = Map.groupBy([...states.keys()].map(serviceRef), clusterArnOf);
  const places = Map.groupBy(clusters, ([, [ref]]) => `${ref?.account}/${ref?.region}`);
  let failure: AutopilotError | undefined;
  const leaveOutCluster = (clusterArn: string, error: unknown) => {
    const found = asAutopilotError(error);
    if (found.code === "throttled" || (patient && found.retryable)) throw error;
    failure ??= found;
    calls.log.error(`not rolled: services of ${clusterArn}`, { code: found.code, why: found.message });
  };
  const found = await Promise.all(
    [...places.values()].map(async (ofPlace) => {
      const candidates: GuardedCandidate[] = [];
      for (const [clusterArn, refs] of ofPlace) {
        const [ref] = refs;
        if (!ref) continue;
        try {
          candidates.push(...(await candidatesIn(clusterArn, refs, states, calls)));
        } catch (error) {
          leaveOutCluster(clusterArn, error);
        }
      }
      return candidates;
    }),
  );
  return { candidates: found.flat(), failure };
}

/** Those of one cluster; none where it is gone, also when it goes between two calls. */
async function candidatesIn(
  clusterArn: string,
  refs: readonly ServiceRef[],
  states: ReadonlyMap<string, ServiceState>,
  { ecs: ecsOf, config }: CandidateCalls,
): Promise<readonly GuardedCandidate[]> {
  const [ref] = refs;
  if (!ref) return [];
  const ecs = ecsOf(ref);
  const candidates: GuardedCandidate[] = [];
  try {
    const { tags: clusterTags } = await ecs.describeCluster(clusterArn);
    const names = refs.map(({ serviceName }) => serviceName);
    for (const group of chunk(names, 10)) {
      for (const service of await ecs.describeServices(clusterArn, group)) {
        const candidate = candidateOf(service, states.get(service.ref.serviceArn), clusterTags, config);
        if (candidate) candidates.push(candidate);
      }
    }
  } catch (error) {
    if (asAutopilotError(error).code !== "service-not-found") throw error;
  }
  return candidates;
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
  if (running < desiredCount) return `${tasksRun(running, desiredCount)}.`;
  const { consecutiveFailures = 0, lastOutcome } = state ?? {};
  const reasons = ownImage ? [...APPLICATION_FAILURES, ...IMAGE_FAILURES] : APPLICATION_FAILURES;
  const isOwners = consecutiveFailures > 0 && lastOutcome !== undefined && reasons.includes(lastOutcome.reason);
  return isOwners ? `Its last roll failed: ${lastOutcome.reason}.` : undefined;
}
