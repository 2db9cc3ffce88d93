import * as z from "zod";
import { serviceRef } from "../../shared/base/arn.ts";
import { controlActions } from "../../shared/events/operator.ts";
import { endedStatuses, heldStatuses, type Rollout, type RolloutService } from "../../shared/model/rollout.ts";
import { endWithoutTurn } from "../../shared/rollout/next-step.ts";
import { hasEnded } from "../../shared/use-cases/rollout/queue.ts";
import type { Lab } from "../autopilot/lab.ts";
import { arnOf } from "../story/lab-driver.ts";
import type { Actors } from "./actors.ts";
import type { CampaignResult } from "./campaign-result.ts";

/** The violated invariants of rollouts, in words. */
export async function rolloutViolations({ lab, actors }: CampaignResult): Promise<readonly string[]> {
  const rollouts = await Array.fromAsync(lab.ledger.listRollouts());
  const broken = [...(await queue(lab, rollouts)), ...executions(lab, rollouts), ...overlappingRolls(lab, rollouts)];
  for (const rollout of rollouts) {
    const services = await Array.fromAsync(lab.ledger.listRolloutServices(rollout.id));
    broken.push(...state(rollout), ...progress(rollout, services), ...lostRollback(rollout));
    if (rollout.status === "rolled-back") broken.push(...rolledBack(lab, actors, rollout, services));
  }
  return broken;
}

/** The fleet's queue holds exactly the rollouts that have not ended or need a rollback. */
async function queue(lab: Lab, rollouts: readonly Rollout[]): Promise<readonly string[]> {
  const { currentRolloutId: running, queuedRolloutIds: waiting } = await lab.ledger.getFleet();
  const queued = [...(running === undefined ? [] : [running]), ...waiting];
  const broken = queued.filter((id, index) => queued.indexOf(id) !== index).map((id) => `${id} is queued twice`);
  for (const rollout of rollouts) {
    const { id, status } = rollout;
    const open = !hasEnded(rollout);
    if (open && !queued.includes(id)) broken.push(`the rollout ${id} is ${status} and not queued`);
    if (!open && queued.includes(id)) broken.push(`the rollout ${id} is ${status} and still queued`);
    if (open && id === running && !heldStatuses.includes(status))
      broken.push(`the rollout ${id} doesn't end: ${status}`);
    if (endWithoutTurn(rollout) !== undefined) broken.push(`the rollout ${id} is to end, and waits for a turn`);
    const isBegun = status !== "waiting" && !endedStatuses.includes(status);
    if (id !== running && isBegun && !rollout.parked)
      broken.push(`the rollout ${id} is ${status}, and it is not its turn`);
  }
  for (const id of queued.filter((one) => !rollouts.some((rollout) => rollout.id === one)))
    broken.push(`${id} is queued, and no such rollout exists`);
  if (running === undefined && waiting.length > 0) broken.push(`no rollout runs, and ${waiting.join(", ")} wait`);
  return broken;
}

function executions(lab: Lab, rollouts: readonly Rollout[]): readonly string[] {
  const running = lab.stepFunctions.listExecutions({ stateMachineArn: lab.rollFleetArn, statusFilter: "RUNNING" });
  // The execution of one that lost its turn may have ended. Its next one begins with its next turn.
  const held = rollouts.filter(({ status, parked }) => heldStatuses.includes(status) && !parked);
  const parked = rollouts.filter((rollout) => rollout.parked);
  return [
    ...running
      .filter(({ name }) => ![...held, ...parked].some(({ executionName }) => executionName === name))
      .map(({ name }) => `the execution ${name} runs, and its rollout is not on hold`),
    ...held
      .filter(({ executionName }) => !running.some(({ name }) => name === executionName))
      .map(({ id, status }) => `the rollout ${id} is ${status}, and it has no running execution`),
  ];
}

function state({ id, status, holdToken, finishedAt }: Rollout): readonly string[] {
  const broken: string[] = [];
  if (endedStatuses.includes(status)) {
    if (holdToken !== undefined) broken.push(`the rollout ${id} is ${status} and still has a task token`);
    if (finishedAt === undefined) broken.push(`the rollout ${id} is ${status} and has no finish time`);
  } else if (heldStatuses.includes(status) && holdToken === undefined) {
    broken.push(`the rollout ${id} is ${status} and can't be resumed: it has no task token`);
  }
  return broken;
}

/** A rollback that was accepted is done, regardless of the step that ran at that moment. */
function lostRollback(rollout: Rollout): readonly string[] {
  const { id, status, journal } = rollout;
  const asked = journal.findLast(({ did }) => controlActions.some((action) => action === did));
  if (asked?.did !== "rollback" || !hasEnded(rollout) || status === "rolled-back" || status === "failed") return [];
  return [`${asked.by} asked the rollout ${id} to roll back, which was accepted, and it is ${status}`];
}

const OPEN: readonly RolloutService["status"][] = ["rolling", "rolling-back"];

function progress(rollout: Rollout, services: readonly RolloutService[]): readonly string[] {
  const { id, status, waves } = rollout;
  const broken: string[] = [];
  for (const { ordinal, serviceArn, status: now } of services) {
    // An earlier attempt of the start had found more services.
    if (ordinal >= rollout.serviceCount) continue;
    const who = `${serviceRef(serviceArn).serviceName} (${ordinal}) of ${id}`;
    if (OPEN.includes(now) && status !== "failed") broken.push(`${who} is ${now}, and the rollout is ${status}`);
    if (status === "completed" && now === "waiting") broken.push(`${who} still waits, and the rollout is completed`);
  }
  if (status === "completed" && waves.some((wave) => wave.state !== "done"))
    broken.push(`the rollout ${id} is completed, and waves are ${waves.map((wave) => wave.state).join(", ")}`);
  return broken;
}

/** After a rollback, each service that the rollout had changed runs its previous revision or image, or is stuck. */
function rolledBack(
  lab: Lab,
  actors: Actors,
  { id, target }: Rollout,
  services: readonly RolloutService[],
): readonly string[] {
  return services.flatMap(({ serviceArn, status, reason, fromRevisionArn, toRevisionArn, finishedAt = "" }) => {
    const who = `${serviceRef(serviceArn).serviceName} of ${id}`;
    if (toRevisionArn === undefined || status === "left" || status === "stuck") return [];
    if (status !== "rolled-back") return [`${who} was changed, and is ${status} after the rollback`];
    // A later roll may have updated the service to the fleet's targets.
    const primary = lab.ecs.findService(serviceArn)?.deployments[0];
    if (!primary || primary.createdAtMs > Date.parse(finishedAt)) return [];
    const running = primary.revision.arn;
    // The owner may have deployed while the reverted service was being verified.
    const owned = actors.services.find((one) => arnOf(one) === serviceArn);
    if (running === fromRevisionArn || owned?.revisions.includes(running)) return [];
    // The autopilot had deployed it since, as in a rotation: it keeps that, and its earlier image replaces the target.
    const image = primary.revision.spec.containerDefinitions.find(({ name }) => name === "ztunnel")?.image;
    if (reason === "update" && image !== target.image) return [];
    return [`${who} counts as rolled back and runs ${running}`];
  });
}

const inputSchema = z.object({ rollout: z.object({ id: z.string(), phase: z.string() }).nullish() }).catch({});

/**
 * Rolls of two rollouts never run at the same time. The revert of a single service by its own alarm does not belong to
 * a wave: nothing waits for it, its rollout least of all, and the service's lease keeps other rolls away.
 */
function overlappingRolls(lab: Lab, rollouts: readonly Rollout[]): readonly string[] {
  const rolledBackIds = new Set(rollouts.filter(({ status }) => status === "rolled-back").map(({ id }) => id));
  const spans = lab.stepFunctions.listExecutions({ stateMachineArn: lab.rollServiceArn }).flatMap((execution) => {
    const { id: rolloutId, phase } = inputSchema.parse(JSON.parse(execution.input)).rollout ?? {};
    if (phase === "rollback" && rolloutId !== undefined && !rolledBackIds.has(rolloutId)) return [];
    const endMs = execution.stopDate?.getTime() ?? Number.POSITIVE_INFINITY;
    return rolloutId === undefined ? [] : [{ rolloutId, startMs: execution.startDate.getTime(), endMs }];
  });
  const pairs = new Set<string>();
  for (const one of spans) {
    for (const other of spans) {
      if (one.rolloutId < other.rolloutId && one.startMs < other.endMs && other.startMs < one.endMs)
        pairs.add(`${one.rolloutId} and ${other.rolloutId} rolled services at the same time`);
    }
  }
  return [...pairs];
}
