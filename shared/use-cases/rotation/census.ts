/** What the tasks of services in the mesh trust. */

import { clusterArnOf, type Place, parseServiceArn, type ServiceRef } from "../../base/arn.ts";
import { asAutopilotError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { mayHaveTasks, missingPartOf, planesOf } from "../../enrollment/membership.ts";
import type { MeshGeneration } from "../../model/mesh.ts";
import type { Deployment, ObservedService } from "../../model/service.ts";
import { type ServiceState, serviceStateSchema } from "../../model/service-state.ts";
import { type Ledger, serviceArnOf, type UnreadableItem } from "../../ports/ledger.ts";
import type { EcsCalls, Log } from "../../ports/ports.ts";
import { rememberedTrusts, type Trust, type TrustingTasks, trustOf } from "./root-rotation.ts";

export interface CensusCalls {
  readonly config: Config;
  readonly ecs: (place: Place) => Pick<EcsCalls, "describeServices" | "describeTaskDefinition">;
  readonly ledger: Pick<Ledger, "listServices">;
  readonly log: Pick<Log, "error">;
}

/** A service that has tasks in the mesh, or may have. */
export interface Member {
  readonly ref: ServiceRef;
  readonly state: ServiceState;
  /** The control planes that it may belong to. Empty: unknown. */
  readonly planes: readonly string[];
}

/**
 * Every service that the ledger knows to be in a mesh, also one that left the configuration. One whose item can't be
 * read may be in it: what it runs decides, where ECS has it.
 */
export async function readMembers({ config, ledger, log }: CensusCalls): Promise<readonly Member[]> {
  const members: Member[] = [];
  const add = (state: ServiceState) => {
    const ref = parseServiceArn(state.serviceArn);
    if (ref && mayHaveTasks(state)) members.push({ ref, state, planes: planesOf(state, config) });
  };
  const unreadable: string[] = [];
  const note = (item: UnreadableItem) => {
    unreadable.push(serviceArnOf(item) ?? "");
    log.error(`counted by what it runs alone: ${item.pk}`, { code: "ledger-item-unreadable", why: item.why });
  };
  for await (const state of ledger.listServices(note)) add(state);
  for (const serviceArn of unreadable) add(serviceStateSchema.parse({ shape: 1, serviceArn, enrolled: true }));
  return members;
}

export interface Census {
  readonly members: readonly Member[];
  /** Whose tokens the tasks may have, the most probable last. */
  readonly generations: readonly MeshGeneration[];
  readonly visit: (tasks: TrustingTasks, member: Member) => "go-on" | "stop";
}

/**
 * Visits the deployments that have tasks, until a visit stops it. The ledger has the services, ECS what runs: accounts
 * and regions are read side by side, services in tens, revisions from the cache. Of a service that can't be read, the
 * ledger's memory is visited. `incomplete` when something could not be read that should have been.
 */
export async function visitTrusts(
  { members, generations, visit }: Census,
  calls: CensusCalls,
): Promise<"complete" | "incomplete" | "stopped"> {
  const stop = new AbortController();
  const scan: Scan = {
    generations,
    calls,
    signal: stop.signal,
    visit: (tasks, member) => {
      if (!stop.signal.aborted && visit(tasks, member) === "stop") stop.abort();
    },
  };
  const [readable = [], unreadable = []] = [true, false].map((isRead) =>
    members.filter(({ state }) => isRead === mayBeRead(state, calls.config)),
  );
  for (const member of unreadable) visitMemory(member, scan);
  const clusters = Map.groupBy(readable, ({ ref }) => clusterArnOf(ref));
  const places = Map.groupBy(clusters.values(), ([first]) => `${first?.ref.account}/${first?.ref.region}`);
  const read = await Promise.all([...places.values()].map((ofPlace) => scanClusters(ofPlace, scan)));
  if (stop.signal.aborted) return "stopped";
  return read.every((complete) => complete) ? "complete" : "incomplete";
}

/** The functions may not read accounts and regions that the configuration does not name. */
function mayBeRead(state: ServiceState, config: Config): boolean {
  const missing = missingPartOf(state, config);
  return missing === undefined || missing === "control-plane";
}

interface Scan {
  readonly generations: readonly MeshGeneration[];
  readonly calls: CensusCalls;
  readonly visit: (tasks: TrustingTasks, member: Member) => void;
  /** Aborted once a visit has stopped the scan. */
  readonly signal: AbortSignal;
}

async function scanClusters(clusters: readonly (readonly Member[])[], scan: Scan): Promise<boolean> {
  let complete = true;
  for (const members of clusters) {
    for (let first = 0; first < members.length && !scan.signal.aborted; first += 10) {
      complete = (await scanServices(members.slice(first, first + 10), scan)) && complete;
    }
  }
  return complete;
}

/** Scans at most ten services of one cluster. Services that the cluster does not know have no tasks. */
async function scanServices(members: readonly Member[], scan: Scan): Promise<boolean> {
  const { generations, calls, visit } = scan;
  const [first] = members;
  if (!first) return true;
  const clusterArn = clusterArnOf(first.ref);
  const byName = new Map(members.map((member) => [member.ref.serviceName, member]));
  try {
    const ecs = calls.ecs(first.ref);
    const services = await ecs.describeServices(clusterArn, [...byName.keys()]);
    const tasks = await Promise.all(
      services.flatMap((service) =>
        service.deployments.filter(hasTasks).map(async (deployment) => ({
          serviceArn: service.ref.serviceArn,
          runningTasks: deployment.runningCount,
          trust: await trustOfDeployment(service, deployment, generations, ecs),
        })),
      ),
    );
    for (const one of tasks) visit(one, byName.get(one.serviceArn.split("/").at(-1) ?? "") ?? first);
    return true;
  } catch (error) {
    const { code, message } = asAutopilotError(error);
    for (const member of members) visitMemory(member, scan);
    // ECS deletes no cluster that has services: nobody has asked the autopilot to let them go, though.
    if (code === "service-not-found") return true;
    calls.log.error(`not counted: services of ${clusterArn}`, { code, why: message });
    return false;
  }
}

function visitMemory(member: Member, { generations, visit }: Scan): void {
  const { serviceArn } = member.ref;
  for (const trust of rememberedTrusts(member.state, generations)) {
    visit({ serviceArn, runningTasks: 0, trust, isRemembered: true }, member);
  }
}

/** Tasks run, or the service is about to start some. */
function hasTasks({ status, runningCount, desiredCount }: Deployment): boolean {
  return runningCount > 0 || (status === "PRIMARY" && desiredCount > 0);
}

async function trustOfDeployment(
  service: ObservedService,
  { taskDefinitionArn }: Deployment,
  generations: readonly MeshGeneration[],
  ecs: Pick<EcsCalls, "describeTaskDefinition">,
): Promise<Trust> {
  try {
    const definition = await ecs.describeTaskDefinition(taskDefinitionArn);
    return trustOf({ service, definition }, generations);
  } catch (error) {
    if (asAutopilotError(error).code === "task-definition-not-found") return "unknown";
    throw error;
  }
}
