import type { Config } from "../../config/config.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { Log, Measure } from "../../ports/ports.ts";
import type { SlackCalls, SlackUnavailable } from "../../slack/calls.ts";

export interface ReportCalls {
  readonly config: Pick<Config, "policy">;
  readonly ledger: Pick<
    RolloutLedger,
    "getFleet" | "getRollout" | "changeRollout" | "listRollouts" | "listRolloutServices"
  >;
  /** The stage that the messages name. */
  readonly stage: string;
  /** The operations channel. */
  readonly slack: () => Promise<SlackCalls>;
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
  readonly log: Pick<Log, "info" | "warn" | "error">;
  readonly measure: Pick<Measure, "count">;
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
