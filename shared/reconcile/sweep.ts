import type { ClusterRef, Place } from "../arn.ts";
import { type Config, type Target, targetsOf } from "../config.ts";
import type { Decision, ObservedService } from "../enrollment/model.ts";
import { asAutopilotError } from "../errors.ts";
import type { Ledger, RolloutLedger, ServiceState } from "../ledger.ts";
import type { EcsCalls, Log, SecretsCalls } from "../ports.ts";
import { type AbandonedCalls, withoutAbandoned } from "./abandoned.ts";
import { decideObserved, type FleetReads, fleetOf, observeDescribed } from "./observe.ts";
import { type ReconcileCalls, type Reconciled, reconcile } from "./reconcile.ts";
import { retireSecretVersions } from "./retire.ts";

export interface SweepCalls extends Omit<ReconcileCalls, "ecs"> {
  readonly ecs: (place: Place) => EcsCalls;
  readonly secrets: (place: Place) => SecretsCalls;
  readonly ledger: Pick<Ledger, "patchService" | "raiseAttempt" | "getService" | "getMesh" | "listServices"> &
    AbandonedCalls["ledger"] &
    Pick<RolloutLedger, "getFleet">;
  readonly executions: ReconcileCalls["executions"] & AbandonedCalls["executions"];
  readonly log: Log;
}

/** Numbers of one sweep. `failed` services keep what they have: an unread service is no reason to act. */
export interface SweepResult {
  readonly seen: number;
  readonly started: number;
  readonly refused: number;
  readonly failed: number;
  /** Left for the next sweep by `policy.maxUnenrollPerSweep` or `policy.maxRollsPerSweep`. */
  readonly postponed: number;
  /** Of those, the ones that were to leave the mesh. */
  readonly postponedUnenrolls: number;
  /** In the mesh, as the ledger has it; and not as their tags ask for, whether or not a roll is at work on it. */
  readonly enrolled: number;
  readonly drifted: number;
  /** How often each reason was met: a service may be refused for several. */
  readonly refusals: Readonly<Record<string, number>>;
}

/**
 * Looks at every service of every account and region of the configuration and starts what events have missed: every
 * enrolled service, and every service that has the autopilot's sidecar without being enrolled. Accounts and regions are
 * swept side by side; inside one, ECS's read quota (20 calls a second) sets the pace.
 */
export async function sweep(calls: SweepCalls): Promise<SweepResult> {
  const tally = new Tally(calls.config);
  const states = await readStates({ ...calls, tally });
  const reads = readOnce(calls.ledger);
  await Promise.all(targetsOf(calls.config).map((target) => sweepTarget(target, { ...calls, states, reads, tally })));
  return tally.result();
}

/** The same for the services of one cluster, whose tags are the defaults of all of them. */
export async function sweepCluster(cluster: ClusterRef, calls: Omit<SweepCalls, "secrets">): Promise<SweepResult> {
  const tally = new Tally(calls.config);
  const reads = readOnce(calls.ledger);
  const states = { get: (serviceArn: string) => calls.ledger.getService(serviceArn) };
  const ecs = calls.ecs(cluster);
  // An event about the cluster's tags leads here: what a cache holds of them is older.
  await ecs.describeCluster(cluster.clusterArn, { fresh: true });
  await sweepServicesOf(cluster.clusterArn, ecs, new Set(), { ...calls, states, reads, tally });
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
      states.set(state.serviceArn, await withoutAbandoned(state, calls));
    }
    return states;
  } catch (error) {
    if (asAutopilotError(error).code !== "ledger-item-unreadable") throw error;
    tellFailure("the ledger as a whole", error, calls);
    return { get: (serviceArn) => calls.ledger.getService(serviceArn) };
  }
}

interface ServiceCalls extends Omit<SweepCalls, "secrets"> {
  readonly states: States;
  readonly reads: FleetReads;
  readonly tally: Tally;
}

async function sweepTarget(target: Target, calls: ServiceCalls & Pick<SweepCalls, "secrets">): Promise<void> {
  const ecs = calls.ecs(target);
  const inUse = new Set<string>();
  let complete = true;
  try {
    for await (const clusterArn of ecs.listClusters()) {
      complete = (await sweepServicesOf(clusterArn, ecs, inUse, calls)) && complete;
    }
  } catch (error) {
    complete = false;
    tellFailure(`sweep of ${target.account}/${target.region}`, error, calls);
  }
  // A version is only retired when every service that could use it has been read.
  if (complete) {
    await retireSecretVersions(calls.secrets(target), inUse, calls.ledger.listServices()).catch((error: unknown) =>
      tellFailure(`retiring secret versions of ${target.account}/${target.region}`, error, calls),
    );
  }
}

/** True when every service could be read. */
async function sweepServicesOf(
  clusterArn: string,
  ecs: EcsCalls,
  inUse: Set<string>,
  calls: ServiceCalls,
): Promise<boolean> {
  let complete = true;
  for await (const names of chunks(serviceNames(ecs.listServices(clusterArn)), 10)) {
    for (const service of await ecs.describeServices(clusterArn, names)) {
      complete = (await sweepService(service, ecs, inUse, calls)) && complete;
    }
  }
  return complete;
}

/** True when the service could be read. */
async function sweepService(
  service: ObservedService,
  ecs: EcsCalls,
  inUse: Set<string>,
  calls: ServiceCalls,
): Promise<boolean> {
  calls.tally.seen += 1;
  try {
    const state = await calls.states.get(service.ref.serviceArn);
    const observed = await observeDescribed(service, state, { ecs, config: calls.config, thorough: true });
    for (const valueFrom of secretReferences(observed.definition?.raw)) inUse.add(valueFrom);
    const decision = await decideObserved(observed, calls.config, calls.reads);
    calls.tally.see(state, decision);
    if (!calls.tally.admits(decision.action)) return true;
    calls.tally.note(decision.action, await reconcile(observed, decision, { ...calls, ecs }));
    return true;
  } catch (error) {
    tellFailure(service.ref.serviceArn, error, calls);
    return false;
  }
}

function tellFailure(what: string, cause: unknown, calls: Pick<ServiceCalls, "log" | "tally">): void {
  const { code, message } = asAutopilotError(cause);
  calls.tally.failed += 1;
  calls.log.error(`not swept: ${what}`, { code, why: message });
}

class Tally {
  seen = 0;
  failed = 0;
  #started = 0;
  #refused = 0;
  #postponed = 0;
  #postponedUnenrolls = 0;
  #enrolled = 0;
  #drifted = 0;
  readonly #refusals: Record<string, number> = {};
  #rolls: number;
  #unenrolls: number;

  constructor({ policy }: Config) {
    this.#rolls = policy.maxRollsPerSweep;
    this.#unenrolls = policy.maxUnenrollPerSweep;
  }

  /** Counts how the service stands. */
  see(state: ServiceState | undefined, decision: Decision): void {
    if (state?.enrolled) this.#enrolled += 1;
    if (isRoll(decision.action)) this.#drifted += 1;
    if (decision.action !== "refuse") return;
    for (const { reason } of decision.refusals) this.#refusals[reason] = (this.#refusals[reason] ?? 0) + 1;
  }

  /** Counts it as begun, as accounts are swept side by side. False when this sweep has begun enough of this kind. */
  admits(action: Decision["action"]): boolean {
    const left = action === "unenroll" ? this.#unenrolls : this.#rolls;
    if (isRoll(action) && left <= 0) return this.#postpone(action);
    this.#begin(action, 1);
    return true;
  }

  #begin(action: Decision["action"], count: 1 | -1): void {
    if (action === "unenroll") this.#unenrolls -= count;
    else if (isRoll(action)) this.#rolls -= count;
  }

  #postpone(action: Decision["action"]): boolean {
    this.#postponed += 1;
    if (action === "unenroll") this.#postponedUnenrolls += 1;
    return false;
  }

  note(admitted: Decision["action"], done: Reconciled): void {
    if (done.did === "refused") this.#refused += 1;
    if (done.did === "started") this.#started += 1;
    else this.#begin(admitted, -1);
  }

  result(): SweepResult {
    return {
      seen: this.seen,
      started: this.#started,
      refused: this.#refused,
      failed: this.failed,
      postponed: this.#postponed,
      postponedUnenrolls: this.#postponedUnenrolls,
      enrolled: this.#enrolled,
      drifted: this.#drifted,
      refusals: this.#refusals,
    };
  }
}

function isRoll(action: Decision["action"]): boolean {
  return action === "enroll" || action === "update" || action === "unenroll";
}

async function* serviceNames(arns: AsyncIterable<string>): AsyncIterable<string> {
  for await (const arn of arns) {
    const name = arn.split("/").at(-1);
    if (name) yield name;
  }
}

async function* chunks<T>(items: AsyncIterable<T>, size: number): AsyncIterable<readonly T[]> {
  let chunk: T[] = [];
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** Mesh and fleet as one sweep sees them: each is read once. */
function readOnce(ledger: SweepCalls["ledger"]): FleetReads {
  const { mesh, fleet } = fleetOf(ledger);
  const fleetAt = memoized((_: string) => fleet());
  return { mesh: memoized(mesh), fleet: () => fleetAt("") };
}

function memoized<T>(read: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (key) => {
    const value = known.get(key) ?? read(key);
    known.set(key, value);
    return value;
  };
}

const PINNED = /arn:aws[\w-]*:secretsmanager:[^"]*?:secret:ztunnel-autopilot\/[^"]*/g;

/** Every reference to one of our secrets in a task definition. */
export function secretReferences(definition: unknown): readonly string[] {
  return definition === undefined ? [] : (JSON.stringify(definition).match(PINNED) ?? []);
}
