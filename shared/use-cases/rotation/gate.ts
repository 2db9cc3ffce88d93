import { clusterArnOf, type Place, type ServiceRef, serviceRef } from "../../base/arn.ts";
import { asAutopilotError } from "../../base/errors.ts";
import { type Config, controlPlaneFor } from "../../config/config.ts";
import type { MeshState } from "../../model/mesh.ts";
import type { Deployment, ObservedService } from "../../model/service.ts";
import type { ServiceState } from "../../model/service-state.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";
import type { EcsCalls, Log } from "../../ports/ports.ts";
import { rotates } from "../../rollout/identity.ts";
import { cutOffGenerations } from "../../trust/cut-off.ts";
import {
  type Count,
  cutOffArns,
  cutOffOf,
  needsRetiring,
  type RootRotation,
  rotationOf,
  type Trust,
  type TrustingTasks,
  trustOf,
} from "./root-rotation.ts";

export interface CensusCalls {
  readonly config: Config;
  readonly ecs: (place: Place) => Pick<EcsCalls, "describeServices" | "describeTaskDefinition">;
  readonly ledger: Pick<Ledger, "listServices">;
  readonly log: Pick<Log, "error">;
}

export interface GateCalls extends CensusCalls {
  readonly ledger: CensusCalls["ledger"] & Pick<RolloutLedger, "getFleet" | "getRollout">;
}

/**
 * The rotation whose old certificates no task needs any more: every running ECS task of every enrolled service of the
 * control plane trusts one that remains. Undefined while a task does not, while it is unknown what a task trusts, while
 * services can't be read, and while a rollout rotates the control plane. Reads ECS up to the first task that needs
 * them.
 */
export async function retirableRotation(mesh: MeshState, calls: GateCalls): Promise<RootRotation | undefined> {
  const rotation = rotationOf(mesh);
  if (!rotation || (await isRotating(mesh.controlPlane, calls.ledger))) return undefined;
  const end = await forEachTrust(mesh, calls, (tasks) => (needsRetiring(tasks, rotation, mesh) ? "stop" : "go-on"));
  return end === "complete" ? rotation : undefined;
}

async function isRotating(controlPlane: string, ledger: GateCalls["ledger"]): Promise<boolean> {
  const { currentRolloutId, queuedRolloutIds } = await ledger.getFleet();
  for (const id of [...(currentRolloutId === undefined ? [] : [currentRolloutId]), ...queuedRolloutIds]) {
    const rollout = await ledger.getRollout(id);
    if (rollout && rotates(rollout, controlPlane)) return true;
  }
  return false;
}

/** Whom the newest bundle cuts off. */
export interface CutOff {
  /** The ARNs of the services, those too whose tasks can't start. */
  readonly services: readonly string[];
  readonly tasks: number;
  /** What runs, in numbers for people. */
  readonly running: Count;
  /** False when some services could not be read. */
  readonly isComplete: boolean;
}

/** Whom the newest bundle cuts off. Services that can't be read are logged and not counted. */
export async function cutOffServices(mesh: MeshState, calls: CensusCalls): Promise<CutOff> {
  if (cutOffGenerations(mesh).size === 0) {
    return { services: [], tasks: 0, running: { services: 0, tasks: 0 }, isComplete: true };
  }
  const { tasks, complete: isComplete } = await trustingTasks(mesh, calls);
  const running = cutOffOf(mesh, tasks);
  return { services: cutOffArns(mesh, tasks), tasks: running.tasks, running, isComplete };
}

/** What the tasks of every enrolled service of the control plane trust. Not `complete` when some could not be read. */
export async function trustingTasks(
  mesh: MeshState,
  calls: CensusCalls,
): Promise<{ readonly tasks: readonly TrustingTasks[]; readonly complete: boolean }> {
  const tasks: TrustingTasks[] = [];
  const end = await forEachTrust(mesh, calls, (one) => {
    tasks.push(one);
    return "go-on";
  });
  return { tasks, complete: end === "complete" };
}

/**
 * Visits the deployments that have tasks, of the control plane's enrolled services, until a visit stops it. The ledger
 * has the services, ECS what runs: accounts and regions are read side by side, services in tens, revisions from the
 * cache. `incomplete` when something could not be read.
 */
async function forEachTrust(
  mesh: MeshState,
  calls: CensusCalls,
  visit: (tasks: TrustingTasks) => "go-on" | "stop",
): Promise<"complete" | "incomplete" | "stopped"> {
  const stop = new AbortController();
  const visitUntilStop = (tasks: TrustingTasks) => {
    if (!stop.signal.aborted && visit(tasks) === "stop") stop.abort();
  };
  const scan = { mesh, calls, signal: stop.signal, visit: visitUntilStop };
  const clusters = await enrolledByCluster(mesh.controlPlane, calls);
  const places = Map.groupBy(clusters.values(), ([first]) => `${first?.account}/${first?.region}`);
  const read = await Promise.all([...places.values()].map((ofPlace) => scanClusters(ofPlace, scan)));
  if (stop.signal.aborted) return "stopped";
  return read.every((complete) => complete) ? "complete" : "incomplete";
}

interface Scan {
  readonly mesh: MeshState;
  readonly calls: CensusCalls;
  readonly visit: (tasks: TrustingTasks) => void;
  /** Aborted once a visit has stopped the scan. */
  readonly signal: AbortSignal;
}

/** Services by their cluster's ARN: the enrolled ones, and those with a roll that may be starting or leaving tasks. */
async function enrolledByCluster(
  controlPlane: string,
  { config, ledger }: CensusCalls,
): Promise<ReadonlyMap<string, readonly ServiceRef[]>> {
  const refs: ServiceRef[] = [];
  for await (const state of ledger.listServices()) {
    const ref = serviceRef(state.serviceArn);
    if (mayHaveTasks(state) && controlPlaneFor(config, ref)?.name === controlPlane) refs.push(ref);
  }
  return Map.groupBy(refs, clusterArnOf);
}

function mayHaveTasks({ enrolled, roll, secretsInUse }: ServiceState): boolean {
  return enrolled || roll !== undefined || secretsInUse.length > 0;
}

async function scanClusters(clusters: readonly (readonly ServiceRef[])[], scan: Scan): Promise<boolean> {
  let complete = true;
  for (const refs of clusters) {
    for (let first = 0; first < refs.length && !scan.signal.aborted; first += 10) {
      complete = (await scanServices(refs.slice(first, first + 10), scan)) && complete;
    }
  }
  return complete;
}

/** Scans at most ten services of one cluster. Services that ECS does not know have no tasks. */
async function scanServices(refs: readonly ServiceRef[], { mesh, calls, visit }: Scan): Promise<boolean> {
  const [ref] = refs;
  if (!ref) return true;
  const clusterArn = clusterArnOf(ref);
  try {
    const ecs = calls.ecs(ref);
    const services = await ecs.describeServices(
      clusterArn,
      refs.map(({ serviceName }) => serviceName),
    );
    const tasks = await Promise.all(
      services.flatMap((service) =>
        service.deployments.filter(hasTasks).map(async (deployment) => ({
          serviceArn: service.ref.serviceArn,
          runningTasks: deployment.runningCount,
          trust: await trustOfDeployment(service, deployment, mesh, ecs),
        })),
      ),
    );
    for (const one of tasks) visit(one);
    return true;
  } catch (error) {
    const { code, message } = asAutopilotError(error);
    if (code === "service-not-found") return true; // the cluster is gone
    calls.log.error(`not counted: services of ${clusterArn}`, { code, why: message });
    return false;
  }
}

/** Tasks run, or the service is about to start some. */
function hasTasks({ status, runningCount, desiredCount }: Deployment): boolean {
  return runningCount > 0 || (status === "PRIMARY" && desiredCount > 0);
}

async function trustOfDeployment(
  service: ObservedService,
  { taskDefinitionArn }: Deployment,
  mesh: MeshState,
  ecs: Pick<EcsCalls, "describeTaskDefinition">,
): Promise<Trust> {
  try {
    const definition = await ecs.describeTaskDefinition(taskDefinitionArn);
    return trustOf({ service, definition }, mesh.generations);
  } catch (error) {
    if (asAutopilotError(error).code === "task-definition-not-found") return "unknown";
    throw error;
  }
}
