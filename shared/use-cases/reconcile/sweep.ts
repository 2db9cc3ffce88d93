import { type ClusterRef, parseServiceArn } from "../../base/arn.ts";
import { chunkAsync } from "../../base/chunk.ts";
import { asAutopilotError } from "../../base/errors.ts";
import { type Target, targetsOf } from "../../config/config.ts";
import { placeName } from "../../enrollment/needs.ts";
import type { ServiceState } from "../../model/service-state.ts";
import { withoutAbandonedRoll } from "./abandoned.ts";
import { checkInTurns } from "./check-in-turns.ts";
import { keepIdentities } from "./keep-identities.ts";
import { Sighting } from "./sighting.ts";
import type { PlaceCalls, ServiceCalls, States, SweepCalls } from "./sweep-calls.ts";
import { readOnce } from "./sweep-reads.ts";
import { sweepSecrets } from "./sweep-secrets.ts";
import { enrollWaiting, sweepService, tellFailure } from "./sweep-service.ts";
import { type SweepResult, Tally } from "./sweep-tally.ts";

/**
 * Reconciles every service of every account and region of the configuration, because events can be lost: every enrolled
 * service, and every service that has the autopilot's sidecar without being enrolled. Accounts and regions are
 * swept side by side; inside one, ECS's read quota (20 calls a second) sets the pace.
 */
export async function sweep(calls: SweepCalls): Promise<SweepResult> {
  const tally = new Tally(calls.config);
  const states = await readStates({ ...calls, tally });
  const reads = readOnce(calls.ledger, calls.config);
  const taskReads = { servicesLeft: TASK_READS };
  const known = { ...calls, states, reads, tally, taskReads, repairedClusters: new Set<string>() };
  const sightings = new Map<string, Sighting>();
  await Promise.all(
    targetsOf(calls.config).map(async (target) => {
      sightings.set(placeName(target), await sweepTarget(target, known));
    }),
  );
  await keepIdentities(sightings, { ...calls, fleet: reads.fleet });
  return tally.result();
}

/** The same for the services of one cluster, whose tags are the defaults of all of them, without checks in turns. */
export async function sweepCluster(
  cluster: ClusterRef,
  calls: Omit<SweepCalls, "secrets" | "controlPlane">,
): Promise<SweepResult> {
  const tally = new Tally(calls.config);
  const reads = readOnce(calls.ledger, calls.config);
  const states = { get: (serviceArn: string) => calls.ledger.getService(serviceArn) };
  const ecs = calls.ecs(cluster);
  // An event about the cluster's tags leads here: cached tags are older than it.
  await ecs.describeCluster(cluster.clusterArn, { fresh: true });
  const taskReads = { servicesLeft: TASK_READS };
  const known = { ...calls, states, reads, tally, taskReads, repairedClusters: new Set<string>() };
  const place = { ...known, ecs, sighting: new Sighting(), waiting: [] };
  await sweepServicesOf(cluster.clusterArn, place);
  await enrollWaiting(place);
  return tally.result();
}

/** Every state at once; one by one where an item can't be read, so that its service alone is left out. */
async function readStates(
  calls: Pick<ServiceCalls, "ledger" | "executions" | "now" | "log" | "tally">,
): Promise<States> {
  const states = new Map<string, ServiceState>();
  try {
    for await (const state of calls.ledger.listServices()) {
      states.set(state.serviceArn, await withoutAbandonedRoll(state, calls));
    }
    return states;
  } catch (error) {
    if (asAutopilotError(error).code !== "ledger-item-unreadable") throw error;
    tellFailure("the ledger as a whole", error, calls);
    return { get: (serviceArn) => calls.ledger.getService(serviceArn) };
  }
}

/** The most services whose tasks a sweep reads: two calls each, in ECS's quota of 20 a second. */
const TASK_READS = 200;

async function sweepTarget(target: Target, calls: ServiceCalls & Pick<SweepCalls, "secrets">): Promise<Sighting> {
  const sighting = new Sighting();
  const place: PlaceCalls = { ...calls, ecs: calls.ecs(target), sighting, waiting: [] };
  let complete = true;
  try {
    for await (const clusterArn of place.ecs.listClusters()) {
      sighting.clusters.add(clusterArn);
      complete = (await sweepListed(clusterArn, place)) && complete;
    }
  } catch (error) {
    complete = false;
    // What can pass says nothing about who may read.
    if (!asAutopilotError(error).retryable) sighting.isRefused = true;
    tellFailure(`sweep of ${target.account}/${target.region}`, error, calls);
  }
  await checkInTurns(place, complete);
  // Retire a version only when every service that could use it has been read.
  if (complete) {
    try {
      await sweepSecrets(calls.secrets(target), sighting, calls);
      sighting.complete = true;
    } catch (error) {
      tellFailure(`retiring secret versions of ${target.account}/${target.region}`, error, calls);
    }
  }
  return sighting;
}

/**
 * The same as `sweepServicesOf` for one of many clusters. A cluster that ECS refuses to read does not keep the others
 * from being swept, and one that was deleted since it was listed has no services. Throws what can pass for all of them.
 */
async function sweepListed(clusterArn: string, calls: PlaceCalls): Promise<boolean> {
  try {
    return await sweepServicesOf(clusterArn, calls);
  } catch (error) {
    const { code, retryable } = asAutopilotError(error);
    if (retryable) throw error;
    if (code === "service-not-found") {
      calls.sighting.clusters.delete(clusterArn);
      return false;
    }
    calls.sighting.refusedClusters.add(clusterArn);
    tellFailure(clusterArn, error, calls);
    return false;
  }
}

/** True when every service could be read. */
async function sweepServicesOf(clusterArn: string, calls: PlaceCalls): Promise<boolean> {
  const { ecs } = calls;
  let complete = true;
  const shortArns: string[] = [];
  for await (const names of chunkAsync(serviceNames(ecs.listServices(clusterArn), shortArns), 10)) {
    for (const service of await ecs.describeServices(clusterArn, names)) {
      complete = (await sweepService(service, calls)) && complete;
    }
  }
  const [example] = shortArns;
  if (example !== undefined) calls.log.warn(SHORT_ARNS, { clusterArn, services: shortArns.length, example });
  return complete;
}

const SHORT_ARNS =
  "not swept: services with short ARNs, which can have no tags. Create them again, then they have long ones.";

/** The names of the services that can be enrolled. Notes the ARNs of the others. */
async function* serviceNames(arns: AsyncIterable<string>, shortArns: string[]): AsyncIterable<string> {
  for await (const arn of arns) {
    const ref = parseServiceArn(arn);
    if (ref) yield ref.serviceName;
    else shortArns.push(arn);
  }
}
