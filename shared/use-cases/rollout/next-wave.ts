import { AutopilotError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { openWindow } from "../../config/freeze.ts";
import { rolloutPaused } from "../../events/rollout-events.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { BusCalls } from "../../ports/ports.ts";
import { afterStep, executionStep } from "../../rollout/execution-step.ts";
import type { Hold } from "../../rollout/next-step.ts";
import { resolvedPolicy } from "../../rollout/pace.ts";
import type { NextWave } from "../../rollout/steps.ts";

export interface NextWaveCalls {
  readonly config: Config;
  readonly ledger: Pick<RolloutLedger, "changeRollout">;
  readonly bus: BusCalls;
  readonly now: () => number;
}

/**
 * An execution has at most 25,000 events in its history. A pass adds a few dozen, and ten for each lane of its wave:
 * that is why `passes` counts lanes, too. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
export const MAX_WEIGHT = 400;
/** A hold that only an operator ends is checked again once a week. */
const LONGEST_HOLD_SECONDS = 7 * 86_400;

/**
 * What RollFleet does next. The step is recorded before it is returned, so that a step that is run again returns the
 * same; a new hold is notified. Throws `unknown-rollout`.
 */
export async function nextWave(
  input: { readonly rolloutId: string; readonly executionName: string; readonly passes: number },
  { config, ledger, bus, now }: NextWaveCalls,
): Promise<NextWave> {
  const policy = config.policy.rollout;
  const execution = { executionName: input.executionName, isFull: input.passes >= MAX_WEIGHT };
  const windowUntilMs = openWindow(policy.freezeWindows, now())?.until;
  const changed = await ledger.changeRollout(input.rolloutId, (rollout) => {
    const { approveAfterCanary, ignoreFreeze } = resolvedPolicy(rollout, policy);
    const frozenUntilMs = ignoreFreeze ? undefined : windowUntilMs;
    const step = executionStep(rollout, execution, { approveAfterCanary, frozenUntilMs });
    return { next: afterStep(rollout, step, new Date(now()).toISOString()), result: step };
  });
  if (!changed) throw new AutopilotError("unknown-rollout", input.rolloutId);
  const { stored: rollout, result: step } = changed;
  switch (step.do) {
    case "end":
    case "finish":
      return { ...nothing, do: step.do };
    case "continue":
      return { ...nothing, do: "continue", executionName: step.executionName };
    case "hold":
      await bus.putEvents([rolloutPaused(rollout, step)]);
      return { ...nothing, do: "hold", holdSeconds: holdSeconds(step, now()) };
    case "still-held":
      return { ...nothing, do: "hold", holdSeconds: holdSeconds(step, now()) };
    case "roll": {
      const { concurrency } = resolvedPolicy(rollout, policy);
      const lanes = (rollout.waves[step.wave]?.lanes ?? []).map((lane) => ({ ...lane, concurrency }));
      return { ...nothing, do: "roll", phase: step.phase, wave: step.wave, lanes };
    }
  }
}

const nothing: NextWave = { do: "end", phase: "forward", wave: 0, lanes: [], holdSeconds: 1, executionName: "" };

function holdSeconds({ untilMs }: Pick<Hold, "untilMs">, nowMs: number): number {
  const seconds = untilMs === undefined ? LONGEST_HOLD_SECONDS : Math.ceil((untilMs - nowMs) / 1000);
  return Math.min(Math.max(seconds, 1), LONGEST_HOLD_SECONDS);
}
