import { serviceRef } from "../../base/arn.ts";
import type { Config } from "../../config/config.ts";
import { countedDeath, deathOf } from "../../deployment/stops.ts";
import type { Incoming } from "../../events/incoming.ts";
import { serviceUnhealthy } from "../../events/service-events.ts";
import type { ServiceState, Stops } from "../../model/service-state.ts";
import type { Ledger } from "../../ports/ledger.ts";
import { type NoticeCalls, notifyOnce } from "../observe/notify-once.ts";

export interface StoppedTaskCalls extends NoticeCalls {
  readonly config: Config;
  readonly ledger: Pick<Ledger, "getService" | "countStops"> & NoticeCalls["ledger"];
}

/** Two functions that count at once: one of them reads again. */
const ATTEMPTS = 5;

/**
 * Counts a task of an enrolled service that died while no roll is under way, and notifies of a series of deaths once:
 * when `policy.failedTasksLimit` is reached. `known`: an event that came again.
 */
export async function noteStoppedTask(
  event: Extract<Incoming, { kind: "task-stopped" }>,
  calls: StoppedTaskCalls,
): Promise<"counted" | "known" | "ignored"> {
  const { serviceArn, kind: _, ...detail } = event;
  const task = { ...detail, lastStatus: "STOPPED" };
  const death = deathOf(task);
  if (!death) return "ignored";
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const state = await calls.ledger.getService(serviceArn);
    // After a revert that failed, people know, and are reminded.
    if (!state?.enrolled || state.roll || state.lastOutcome?.outcome === "revert-failed") return "ignored";
    const next = countedDeath(state, task, death, calls.now());
    // A repeated event: what a crash kept from being notified is notified now.
    if (!next) {
      await report(state, state.stops, calls);
      return "known";
    }
    if (await calls.ledger.countStops(serviceArn, state.stops, next)) {
      await report(state, next, calls);
      return "counted";
    }
  }
  return "ignored";
}

async function report(state: ServiceState, stops: Stops | undefined, calls: StoppedTaskCalls): Promise<void> {
  if (!stops || stops.count < calls.config.policy.failedTasksLimit) return;
  const text = `${stops.revisionArn} since ${stops.sinceMs}`;
  const ref = serviceRef(state.serviceArn);
  const notice = { member: "notifiedUnhealthy", text, read: { text: state.notifiedUnhealthy } } as const;
  const { code, sentence, count: stoppedTasks, revisionArn: taskDefinitionArn, sinceMs } = stops;
  const since = new Date(sinceMs).toISOString();
  const event = serviceUnhealthy(ref, { taskDefinitionArn, code, sentence, since, stoppedTasks });
  await notifyOnce(ref, notice, event, calls);
}
