import { serviceRef } from "../../base/arn.ts";
import { asAutopilotError } from "../../base/errors.ts";
import { controlPlaneFor } from "../../config/config.ts";
import type { MeshState } from "../../model/mesh.ts";
import type { Ledger, RolloutLedger } from "../../ports/ledger.ts";
import { rotates } from "../../rollout/identity.ts";
import { cutOffGenerations } from "../../trust/cut-off.ts";
import { type CensusCalls, type Member, readMembers, visitTrusts } from "./census.ts";
import {
  type Count,
  cutOffArns,
  cutOffOf,
  needsRetiring,
  type RootRotation,
  rotationOf,
  sharesRetiring,
  type TrustingTasks,
} from "./root-rotation.ts";

export interface GateCalls extends CensusCalls {
  readonly ledger: CensusCalls["ledger"] & Pick<Ledger, "getMesh"> & Pick<RolloutLedger, "getFleet" | "getRollout">;
  readonly now: () => number;
}

/**
 * The rotation whose old certificates no task needs any more: every running ECS task of every enrolled service, of this
 * control plane and of all that share the old certificates, trusts one that remains. Undefined while a task does not,
 * while it is unknown what a task trusts, while services can't be read, and while a rollout rotates the control plane.
 * Services that left the configuration count by what the ledger remembers. Reads ECS up to the first task that needs
 * the old certificates.
 */
export async function retirableRotation(
  mesh: MeshState,
  calls: GateCalls,
  rotation: RootRotation | undefined = rotationOf(mesh, calls.now()),
): Promise<RootRotation | undefined> {
  if (!rotation || (await isRotating(mesh.controlPlane, calls.ledger))) return undefined;
  const everyone = await readMembers(calls);
  const others = await meshesBeside(mesh, rotation, everyone, calls);
  const concerns = ({ planes }: Member) =>
    planes.length === 0 || planes.some((name) => name === mesh.controlPlane || others.concerned.has(name));
  const generations = [...others.generations, ...mesh.generations];
  const end = await visitTrusts(
    {
      members: everyone.filter(concerns),
      generations,
      visit: (tasks, { planes }) => {
        const isOwn = planes.length === 0 || planes.includes(mesh.controlPlane);
        return needsRetiring(tasks, rotation, mesh, { generations, isOwn }) ? "stop" : "go-on";
      },
    },
    calls,
  );
  return end === "complete" ? rotation : undefined;
}

/**
 * The other control planes with services, also those that left the configuration: what tokens they made, and which of
 * them have had a certificate that is being retired. One whose facts are not known may have.
 */
async function meshesBeside(
  mesh: MeshState,
  rotation: RootRotation,
  members: readonly Member[],
  { ledger, log }: GateCalls,
) {
  const names = new Set(members.flatMap(({ planes }) => planes));
  names.delete(mesh.controlPlane);
  const read = await Promise.all(
    [...names].map(async (name) => {
      try {
        const other = await ledger.getMesh(name);
        return {
          name,
          isConcerned: !other || sharesRetiring(other, mesh, rotation),
          generations: other?.generations ?? [],
        };
      } catch (error) {
        const { code, message } = asAutopilotError(error);
        log.error(`mesh facts of ${name} not read`, { code, why: message });
        return { name, isConcerned: true, generations: [] };
      }
    }),
  );
  return {
    concerned: new Set(read.filter(({ isConcerned }) => isConcerned).map(({ name }) => name)),
    generations: read.flatMap((one) => one.generations),
  };
}

async function isRotating(controlPlane: string, ledger: GateCalls["ledger"]): Promise<boolean> {
  const { currentRolloutId, queuedRolloutIds } = await ledger.getFleet();
  for (const id of [...(currentRolloutId === undefined ? [] : [currentRolloutId]), ...queuedRolloutIds]) {
    if (await rotatesNow(id, controlPlane, ledger)) return true;
  }
  return false;
}

/** One that can't be read may rotate it. */
async function rotatesNow(id: string, controlPlane: string, ledger: GateCalls["ledger"]): Promise<boolean> {
  try {
    const rollout = await ledger.getRollout(id);
    return rollout !== undefined && rotates(rollout, controlPlane);
  } catch (error) {
    if (asAutopilotError(error).code === "ledger-item-unreadable") return true;
    throw error;
  }
}

/** Whom the newest bundle cuts off. */
export interface CutOff {
  /** The ARNs of the services, those too whose tasks can't start. */
  readonly services: readonly string[];
  /** Of these, the ones that no rotation reaches: they can't be read, or the control plane no longer serves them. */
  readonly unreachable: readonly string[];
  readonly tasks: number;
  /** What runs, in numbers for people. */
  readonly running: Count;
  /** False when some services could not be read. */
  readonly isComplete: boolean;
}

/** Whom the newest bundle cuts off. Services that can't be read are logged, and count by the ledger's memory. */
export async function cutOffServices(mesh: MeshState, calls: CensusCalls): Promise<CutOff> {
  if (cutOffGenerations(mesh).size === 0) {
    return { services: [], unreachable: [], tasks: 0, running: { services: 0, tasks: 0 }, isComplete: true };
  }
  const { tasks, complete: isComplete } = await trustingTasks(mesh, calls);
  const running = cutOffOf(mesh, tasks);
  const isServed = ({ serviceArn }: TrustingTasks) =>
    controlPlaneFor(calls.config, serviceRef(serviceArn))?.name === mesh.controlPlane;
  const unreachable = tasks.filter((one) => one.isRemembered || !isServed(one));
  return {
    services: cutOffArns(mesh, tasks),
    unreachable: cutOffArns(mesh, unreachable),
    tasks: running.tasks,
    running,
    isComplete,
  };
}

/** What the tasks of every enrolled service of the control plane trust. Not `complete` when some could not be read. */
export async function trustingTasks(
  mesh: MeshState,
  calls: CensusCalls,
): Promise<{ readonly tasks: readonly TrustingTasks[]; readonly complete: boolean }> {
  const tasks: TrustingTasks[] = [];
  const members = (await readMembers(calls)).filter(({ planes }) => planes.includes(mesh.controlPlane));
  const visit = (one: TrustingTasks) => {
    tasks.push(one);
    return "go-on" as const;
  };
  const end = await visitTrusts({ members, generations: mesh.generations, visit }, calls);
  return { tasks, complete: end === "complete" };
}
