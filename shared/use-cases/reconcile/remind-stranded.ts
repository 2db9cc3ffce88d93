import { tasksRun } from "../../base/plural.ts";
import { primaryOf } from "../../deployment/primary.ts";
import { strandedOf } from "../../deployment/stranded.ts";
import { serviceUnhealthy } from "../../events/service-events.ts";
import type { ObservedService } from "../../model/service.ts";
import type { ServiceState } from "../../model/service-state.ts";
import { type NoticeCalls, notifyOnce } from "../observe/notify-once.ts";

const DAY_MS = 24 * 3_600_000;

/**
 * Notifies once a day of a service that its last roll could not revert and whose revision still does not run, until
 * somebody acts: nothing else would say so any more.
 */
export async function remindStranded(
  service: ObservedService,
  state: ServiceState | undefined,
  calls: NoticeCalls,
): Promise<void> {
  const stranded = strandedOf(service, state);
  if (!stranded) return;
  const day = Math.floor((calls.now() - Date.parse(stranded.since)) / DAY_MS);
  const text = `${stranded.since}: day ${day}`;
  if (day < 1 || state?.notifiedUnhealthy === text) return;
  const { ref, taskDefinitionArn } = service;
  const event = serviceUnhealthy(ref, {
    taskDefinitionArn,
    code: stranded.reason,
    sentence: `${tasksRun(primaryOf(service)?.runningCount ?? 0, service.desiredCount)}. The last roll could not be reverted.`,
    since: stranded.since,
  });
  await notifyOnce(ref, { member: "notifiedUnhealthy", text, read: { text: state?.notifiedUnhealthy } }, event, calls);
}
