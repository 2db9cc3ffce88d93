import { type ClusterRef, parseServiceArn } from "../../base/arn.ts";
import { chunkAsync } from "../../base/chunk.ts";
import { asAutopilotError } from "../../base/errors.ts";
import { type Target, targetsOf } from "../../config/config.ts";
import { placeName } from "../../enrollment/needs.ts";
import { adopt, noteAdopted } from "./adopt.ts";
import { checkInTurns } from "./check-in-turns.ts";
import { dropGone } from "./drop-gone.ts";
import { keepIdentities } from "./keep-identities.ts";
import { trying } from "./keeping.ts";
import { type LaterStates, readKnownLedger, readLaterStates } from "./known-ledger.ts";
import { Sighting } from "./sighting.ts";
import type { PlaceCalls, ServiceCalls, SweepCalls } from "./sweep-calls.ts";
import { readOnce } from "./sweep-reads.ts";
import { sweepSecrets } from "./sweep-secrets.ts";
import { enrollWaiting, sweepAgain, sweepService, tellFailure } from "./sweep-service.ts";
import { type SweepResult, Tally } from "./sweep-tally.ts";
import { followTagKey } from "./tag-key.ts";

/**
 * Reconciles every service of every account and region of the configuration, because events can be lost: every enrolled
 * service, and every service that has the autopilot's sidecar without being enrolled. Accounts and regions are
 * swept side by side; inside one, ECS's read quota (20 calls a second) sets the pace.
 */
export async function sweep(calls: SweepCalls): Promise<SweepResult> {
  const tally = new Tally(calls.config);
  const ledger = await readKnownLedger(calls);
  const { states } = ledger;
  const reads = readOnce(calls.ledger, calls.config, ledger);
  const taskReads = { servicesLeft: TASK_READS };
  const known = { ...calls, states, reads, tally, taskReads, noteAdopted, repairedClusters: new Set<string>() };
  const sightings = new Map<string, Sighting>();
  const targets = targetsOf(calls.config);
  await Promise.all(
    targets.map(async (target) => {
      sightings.set(placeName(target), await sweepTarget(target, known));
    }),
  );
  const later = await laterStates(known);
  if (later) await Promise.all(targets.map((target) => sweepSecretsOf(target, { sightings, later }, known)));
  const dropped = await dropGone(states, sightings, calls);
  await trying("the enroll tag's key", calls, () =>
    followTagKey(tally.untagged, sightings, { ...calls, fleet: reads.fleet }),
  );
  await trying("what runs", calls, () => adopt(ledger.fleet, sightings, calls));
  if (later) {
    const { claims, unreadableClaims } = ledger;
    const kept = later.states.filter(({ serviceArn }) => !dropped.has(serviceArn));
    const remembered = { claims, unreadableClaims, states: kept, unreadable: later.unreadable };
    await keepIdentities(sightings, remembered, { ...calls, fleet: reads.fleet });
  }
  return tally.result();
}

/** The same for the services of one cluster, whose tags are the defaults of all of them, without checks in turns. */
export async function sweepCluster(
  cluster: ClusterRef,
  calls: Omit<SweepCalls, "secrets" | "controlPlane" | "ledger"> & Pick<ServiceCalls, "ledger">,
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

/**
 * What the ledger knows of the services once they are swept. Read now, not at the start of the sweep: a roll records
 * its secret version and what it is to hold before it asks for them. Undefined where it can't be read.
 */
async function laterStates(calls: ServiceCalls): Promise<LaterStates | undefined> {
  try {
    return await readLaterStates(calls.ledger);
  } catch (error) {
    tellFailure("what services share", error, calls);
    return undefined;
  }
}

/** The most services whose tasks a sweep reads: two calls each, in ECS's quota of 20 a second. */
const TASK_READS = 200;

/** Once AWS has not answered for three clusters in a row, the account and region is left to the next sweep. */
const MOST_SILENT = 3;

async function sweepTarget(target: Target, calls: ServiceCalls): Promise<Sighting> {
  const sighting = new Sighting();
  const place: PlaceCalls = { ...calls, ecs: calls.ecs(target), sighting, waiting: [] };
  let complete = true;
  let silentInARow = 0;
  try {
    for await (const clusterArn of place.ecs.listClusters()) {
      sighting.clusters.add(clusterArn);
      const end = await sweepListed(clusterArn, place);
      complete = end === "complete" && complete;
      silentInARow = end === "unanswered" ? silentInARow + 1 : 0;
      // Each of them takes the whole time of its retries.
      if (silentInARow >= MOST_SILENT) break;
    }
    sighting.clustersListed = silentInARow < MOST_SILENT;
  } catch (error) {
    complete = false;
    // What can pass says nothing about who may read.
    if (!asAutopilotError(error).retryable) sighting.isRefused = true;
    tellFailure(`sweep of ${target.account}/${target.region}`, error, calls);
  }
  await checkInTurns(place, complete);
  sighting.servicesRead = complete;
  return sighting;
}

/** Retires versions of a place only when every service that could use them has been read. */
async function sweepSecretsOf(
  target: Target,
  { sightings, later }: { readonly sightings: ReadonlyMap<string, Sighting>; readonly later: LaterStates },
  calls: ServiceCalls & Pick<SweepCalls, "secrets">,
): Promise<void> {
  const sighting = sightings.get(placeName(target));
  if (!sighting?.servicesRead) return;
  try {
    const again = await sweepSecrets(calls.secrets(target), sighting, { ...calls, later });
    const place = { ...calls, ecs: calls.ecs(target), sighting, waiting: [] };
    for (const ref of again) await sweepAgain(ref, place);
    sighting.complete = true;
    calls.tally.complete.push(placeName(target));
  } catch (error) {
    tellFailure(`retiring secret versions of ${target.account}/${target.region}`, error, calls);
  }
}

/**
 * The same as `sweepServicesOf` for one of many clusters. A cluster that ECS refuses to read, or for which AWS does not
 * answer, does not keep the others from being swept; one that was deleted since it was listed has no services.
 */
async function sweepListed(clusterArn: string, calls: PlaceCalls): Promise<"complete" | "incomplete" | "unanswered"> {
  try {
    return (await sweepServicesOf(clusterArn, calls)) ? "complete" : "incomplete";
  } catch (error) {
    const { code, retryable } = asAutopilotError(error);
    if (code === "service-not-found") {
      calls.sighting.clusters.delete(clusterArn);
      return "incomplete";
    }
    tellFailure(clusterArn, error, calls);
    if (retryable) return "unanswered";
    calls.sighting.refusedClusters.add(clusterArn);
    return "incomplete";
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
