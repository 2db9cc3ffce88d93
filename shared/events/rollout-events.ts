import { type FailureCode, failures } from "../base/errors.ts";
import {
  failedStatuses,
  type Rollout,
  type RolloutService,
  type RolloutServiceStatus,
  rolloutServiceStatuses,
} from "../model/rollout.ts";
import type { BusEvent } from "../ports/ports.ts";
import { failureCode } from "./fields.ts";
import { type OutgoingDetail, outgoing } from "./outgoing.ts";

type Counts = Readonly<Record<RolloutServiceStatus, number>>;

/** The waves are planned, and the first one begins. */
export function rolloutStarted(rollout: Rollout): BusEvent {
  const { why, requestedBy, serviceCount: services, waves } = rollout;
  return outgoing("Rollout Started", { ...about(rollout), why, requestedBy, services, waves: waves.length });
}

/** The request, or what an operator asked of a rollout, can't be done: nothing was changed. */
export function rolloutRefused(detail: OutgoingDetail<"Rollout Refused">): BusEvent {
  return outgoing("Rollout Refused", detail);
}

/** A wave was judged good. `index` counts from 0; `services` are those of the wave. */
export function waveCompleted(rollout: Rollout, index: number, services: readonly RolloutService[]): BusEvent {
  const tally = Object.fromEntries(
    rolloutServiceStatuses.map((status) => [status, services.filter((one) => one.status === status).length]),
  );
  return outgoing("Rollout Wave Completed", {
    ...about(rollout),
    wave: rollout.waves[index]?.name ?? String(index),
    number: index + 1,
    waves: rollout.waves.length,
    ...counted(tally, services.length),
  });
}

/** The rollout waits before its next wave. */
export function rolloutPaused(
  rollout: Rollout,
  hold: {
    readonly why: "operator" | "approval" | "freeze";
    readonly untilMs: number | undefined;
    /** For how many hours it has waited, and how many other rollouts wait. */
    readonly reminder?: { readonly hours: number; readonly others: number };
  },
): BusEvent {
  const next = rollout.waves[rollout.nextWaveIndex];
  const by = rollout.control?.by ?? "an operator";
  const details = {
    operator: `Paused by ${by}.`,
    approval: "The canary wave is done. An operator has to approve the rest.",
    freeze: "A freeze window is open.",
  } as const;
  return outgoing("Rollout Paused", {
    ...about(rollout),
    hold: hold.why,
    detail: `${details[hold.why]}${hold.reminder ? reminderText(hold.reminder) : ""}`,
    ...(next && { nextWave: next.name }),
    ...(hold.untilMs !== undefined && { until: new Date(hold.untilMs).toISOString() }),
  });
}

/** It is to be rolled back, for its reason, and has to wait for the one that has its turn. */
export function rollbackPostponed(rollout: Rollout, ahead: Pick<Rollout, "id">): BusEvent {
  const detail = `${reasonText(rollout)} It is rolled back after ${ahead.id}, which is under way.`.trim();
  return outgoing("Rollout Paused", { ...about(rollout), hold: "turn", detail });
}

/** Why the rollout is where it is, in words; empty without a reason. */
export function reasonText({ reason }: Pick<Rollout, "reason">): string {
  if (!reason) return "";
  const known = Object.entries(failures).find(([code]) => code === reason.code)?.[1];
  return `${known?.sentence ?? ""} ${reason.detail}`.trim();
}

function reminderText({ hours, others }: { readonly hours: number; readonly others: number }): string {
  const days = Math.floor(hours / 24);
  const waited = days > 0 ? (days === 1 ? "a day" : `${days} days`) : hours === 1 ? "an hour" : `${hours} hours`;
  const behind =
    others === 0 ? "" : ` ${others === 1 ? "Another rollout waits" : `${others} other rollouts wait`}, too.`;
  return ` It has waited for ${waited}.${behind}`;
}

/** The rollout has ended without rolling back. */
export function rolloutCompleted(
  rollout: Rollout,
  { counts, durationSeconds, sentence }: { counts: Counts; durationSeconds: number; sentence: string },
): BusEvent {
  const { status, serviceCount: services, reason } = rollout;
  return outgoing("Rollout Completed", {
    ...about(rollout),
    outcome: status === "completed" || status === "aborted" || status === "superseded" ? status : "failed",
    ...(reason && { code: codeOf(reason.code) }),
    detail: sentence,
    ...counted(counts, services),
    durationSeconds,
  });
}

/** Everything that the rollout had changed is back, except what `stuckServices` names. */
export function rolledBack(
  rollout: Rollout,
  end: { readonly counts: Counts; readonly stuckServices: readonly string[]; readonly durationSeconds: number },
): BusEvent {
  const { counts, stuckServices, durationSeconds } = end;
  return outgoing("Rollout Rolled Back", {
    ...about(rollout),
    code: codeOf(rollout.reason?.code ?? "operator-request"),
    detail: rollout.reason?.detail ?? "",
    rolledBack: counts["rolled-back"],
    left: counts.left,
    stuck: stuckServices.length,
    stuckServices: stuckServices.slice(0, 20),
    durationSeconds,
  });
}

function about({ id, kind }: Rollout) {
  return { rolloutId: id, kind };
}

function codeOf(text: string): FailureCode {
  return failureCode.parse(text);
}

function counted(counts: Readonly<Record<string, number>>, services: number) {
  const sum = (statuses: readonly string[]) => statuses.reduce((total, status) => total + (counts[status] ?? 0), 0);
  return {
    services,
    succeeded: sum(["succeeded"]),
    ...(sum(["unverified"]) > 0 && { unverified: sum(["unverified"]) }),
    failed: sum(failedStatuses),
    ...(sum(["refused"]) > 0 && { refused: sum(["refused"]) }),
    skipped: sum(["skipped", "superseded", "left"]),
  };
}
