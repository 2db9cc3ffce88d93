import { type ClusterRef, clusterArnOf, type Place, parseServiceArn } from "../../base/arn.ts";
import { chunkAsync } from "../../base/chunk.ts";
import { asAutopilotError } from "../../base/errors.ts";
import { SECRET_NAME_PREFIX } from "../../base/vocabulary.ts";
import { type Config, controlPlaneFor, type Target, targetsOf } from "../../config/config.ts";
import { awaitsVerification } from "../../deployment/verification.ts";
import { placeName } from "../../enrollment/needs.ts";
import { needsTaskTags } from "../../enrollment/task-tags.ts";
import type { ObservedService } from "../../model/service.ts";
import type { ServiceState } from "../../model/service-state.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";
import type { EcsCalls, Log, SecretsCalls } from "../../ports/ports.ts";
import { currentState } from "../observe/current-state.ts";
import { decideObserved, type FleetReads, fleetOf, type ObservedState, observeDescribed } from "../observe/observe.ts";
import { decideWithTasks, type TaskReads } from "../observe/observe-tasks.ts";
import { type AbandonedCalls, withoutAbandonedRoll } from "./abandoned.ts";
import { actOnDecision, type ReconcileCalls } from "./act-on-decision.ts";
import { keepIdentities } from "./keep-identities.ts";
import type { KeepCalls } from "./keeping.ts";
import { noteHeld, notesOf } from "./notes.ts";
import { remindStranded } from "./remind-stranded.ts";
import { fleetFingerprint, judgedOn, type SettledService, type SettledServices } from "./settled.ts";
import { Sighting } from "./sighting.ts";
import { sweepSecrets } from "./sweep-secrets.ts";
import { type SweepResult, Tally } from "./sweep-tally.ts";

export interface SweepCalls extends Omit<ReconcileCalls, "ecs"> {
  readonly controlPlane: KeepCalls["controlPlane"];
  readonly ecs: (place: Place) => EcsCalls;
  readonly secrets: (place: Place) => SecretsCalls;
  readonly ledger: Pick<
    Ledger,
    "patchService" | "claimNotice" | "forgetService" | "raiseAttempt" | "getService" | "getMesh" | "listServices"
  > &
    AbandonedCalls["ledger"] &
    KeepCalls["ledger"] &
    Pick<RolloutLedger, "getFleet">;
  readonly executions: ReconcileCalls["executions"] & AbandonedCalls["executions"];
  readonly log: Log;
  /** What earlier sweeps found settled. Without it every task definition is read. */
  readonly settled?: SettledServices;
}

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
  await keepIdentities(sightings, calls);
  return tally.result();
}

/** The same for the services of one cluster, whose tags are the defaults of all of them. */
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
  await sweepServicesOf(cluster.clusterArn, ecs, new Sighting(), known);
  return tally.result();
}

interface States {
  get(serviceArn: string): ServiceState | undefined | Promise<ServiceState | undefined>;
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

interface ServiceCalls extends Omit<SweepCalls, "secrets" | "controlPlane"> {
  readonly states: States;
  readonly reads: SweepReads;
  readonly tally: Tally;
  readonly taskReads: TaskReads["budget"];
}

/** The most services whose tasks a sweep reads: two calls each, in ECS's quota of 20 a second. */
const TASK_READS = 200;
/** A roll that is under way brings its tasks their tags. */
const NO_TASKS = { servicesLeft: 0 };

async function sweepTarget(target: Target, calls: ServiceCalls & Pick<SweepCalls, "secrets">): Promise<Sighting> {
  const ecs = calls.ecs(target);
  const sighting = new Sighting();
  let complete = true;
  try {
    for await (const clusterArn of ecs.listClusters()) {
      complete = (await sweepListed(clusterArn, ecs, sighting, calls)) && complete;
    }
  } catch (error) {
    complete = false;
    tellFailure(`sweep of ${target.account}/${target.region}`, error, calls);
  }
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
async function sweepListed(
  clusterArn: string,
  ecs: EcsCalls,
  sighting: Sighting,
  calls: ServiceCalls,
): Promise<boolean> {
  try {
    return await sweepServicesOf(clusterArn, ecs, sighting, calls);
  } catch (error) {
    const { code, retryable } = asAutopilotError(error);
    if (retryable) throw error;
    if (code !== "service-not-found") tellFailure(clusterArn, error, calls);
    return false;
  }
}

/** True when every service could be read. */
async function sweepServicesOf(
  clusterArn: string,
  ecs: EcsCalls,
  sighting: Sighting,
  calls: ServiceCalls,
): Promise<boolean> {
  let complete = true;
  const shortArns: string[] = [];
  for await (const names of chunkAsync(serviceNames(ecs.listServices(clusterArn), shortArns), 10)) {
    for (const service of await ecs.describeServices(clusterArn, names)) {
      complete = (await sweepService(service, ecs, sighting, calls)) && complete;
    }
  }
  const [example] = shortArns;
  if (example !== undefined) calls.log.warn(SHORT_ARNS, { clusterArn, services: shortArns.length, example });
  return complete;
}

/** True when the service could be read. */
async function sweepService(
  service: ObservedService,
  ecs: EcsCalls,
  sighting: Sighting,
  calls: ServiceCalls,
): Promise<boolean> {
  const { tally, config, reads } = calls;
  const { serviceArn } = service.ref;
  tally.seen += 1;
  sighting.see(service);
  try {
    const state = await currentState(service, await calls.states.get(serviceArn), calls.ledger);
    await remindStranded(service, state, calls);
    const settled = await knownSettled(service, state, { ...calls, ecs });
    if (settled) {
      sighting.use(service, settled.secrets);
      tally.see(state, settled.decision);
      return true;
    }
    const described = await observeDescribed(service, state, { ecs, config, thorough: true });
    const secrets = secretReferences(described.definition?.raw);
    sighting.use(service, secrets);
    const budget = state?.roll ? NO_TASKS : calls.taskReads;
    const decide = (seen: ObservedState) => decideObserved(seen, config, reads);
    const { observed, decision } = await decideWithTasks(described, decide, { ecs, config, budget });
    tally.see(state, decision);
    await noteHeld(observed, calls);
    if (decision.action === "none") await noteSettled(observed, { decision, secrets }, calls);
    if (!tally.admits(decision.action)) return true;
    tally.note(decision.action, await actOnDecision(observed, decision, { ...calls, ecs }));
    return true;
  } catch (error) {
    tellFailure(serviceArn, error, calls);
    return false;
  }
}

/** The result of an earlier sweep, when nothing has changed since: the task definition need not be read again. */
async function knownSettled(
  service: ObservedService,
  state: ServiceState | undefined,
  {
    ecs,
    reads,
    settled,
  }: Pick<ServiceCalls, "reads" | "settled"> & { readonly ecs: Pick<EcsCalls, "describeCluster"> },
): Promise<SettledService | undefined> {
  if (!settled || state?.roll) return undefined;
  const { tags: clusterTags } = await ecs.describeCluster(clusterArnOf(service.ref));
  const fleet = await reads.mark(service.ref);
  return settled.find(service.ref.serviceArn, judgedOn({ service, clusterTags, state, fleet }));
}

async function noteSettled(
  observed: ObservedState,
  found: SettledService,
  { config, reads, settled }: ServiceCalls,
): Promise<void> {
  const { service, state } = observed;
  if (!settled || state?.roll || awaitsVerification(service, state)) return;
  if (found.decision.repairs.length > 0 || needsTaskTags(service, state, config)) return;
  if (Object.keys(notesOf(observed, found.decision)).length > 0) return;
  const fleet = await reads.mark(service.ref);
  settled.note(service.ref.serviceArn, judgedOn({ ...observed, fleet }), found);
}

function tellFailure(what: string, cause: unknown, calls: Pick<ServiceCalls, "log" | "tally">): void {
  const { code, message } = asAutopilotError(cause);
  calls.tally.failed += 1;
  calls.log.error(`not swept: ${what}`, { code, why: message });
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

/** Mesh and fleet as one sweep sees them, each read once; `mark` is a hash of both for a service's place. */
interface SweepReads extends FleetReads {
  readonly mark: (place: Place) => Promise<string>;
}

function readOnce(ledger: SweepCalls["ledger"], config: Config): SweepReads {
  const of = fleetOf(ledger);
  const mesh = memoized(of.mesh);
  const fleetAt = memoized((_: string) => of.fleet());
  const fleet = () => fleetAt("");
  const markAt = memoized(async (plane: string) =>
    fleetFingerprint(plane === "" ? undefined : await mesh(plane), await fleet()),
  );
  return { mesh, fleet, mark: (place) => markAt(controlPlaneFor(config, place)?.name ?? "") };
}

function memoized<T>(read: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (key) => {
    const value = known.get(key) ?? read(key);
    known.set(key, value);
    return value;
  };
}

const PINNED = new RegExp(`arn:aws[\\w-]*:secretsmanager:[^"]*?:secret:${SECRET_NAME_PREFIX}[^"]*`, "g");

/** Every reference to one of our secrets in a task definition. */
export function secretReferences(definition: unknown): readonly string[] {
  if (definition === undefined) return [];
  const references = JSON.stringify(definition).match(PINNED) ?? [];
  // Copy the match: V8 keeps the whole text alive as long as a substring of it.
  return references.map((reference) => Buffer.from(reference).toString());
}
