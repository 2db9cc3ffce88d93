import type { Config } from "../../config/config.ts";
import type { Rollout } from "../../model/rollout.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { Log, Measure } from "../../ports/ports.ts";
import type { Posted, SlackCalls, SlackUnavailable } from "../../slack/calls.ts";

export interface ReportCalls {
  readonly config: Pick<Config, "policy">;
  readonly ledger: Pick<
    RolloutLedger,
    "getFleet" | "getRollout" | "changeRollout" | "listRollouts" | "listRolloutServices"
  >;
  /** The operations channel. */
  readonly slack: () => Promise<SlackCalls>;
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
  readonly log: Pick<Log, "info" | "warn">;
  readonly measure: Pick<Measure, "count">;
}

/** Where the rollout's message is. Undefined when there is none, or none that a thread or an update can refer to. */
export function postedOf({ slack }: Pick<Rollout, "slack">): Posted | undefined {
  if (slack?.channel === undefined || slack.ts === undefined) return undefined;
  return { channel: slack.channel, ts: slack.ts };
}

/** Logs and counts that Slack did not take a message. */
export function recordUnavailable(
  { code, message }: SlackUnavailable,
  rolloutId: string,
  { log, measure }: Pick<ReportCalls, "log" | "measure">,
): void {
  log.warn(message, { code, rolloutId });
  measure.count("Failures", { code });
}
