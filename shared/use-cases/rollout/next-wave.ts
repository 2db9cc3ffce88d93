import { AutopilotError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { openWindow } from "../../config/freeze.ts";
import { rolloutPaused } from "../../events/rollout-events.ts";
import type { Rollout, Wave } from "../../model/rollout.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { BusCalls } from "../../ports/ports.ts";
import { fleetExecutionName } from "../../rollout/execution-names.ts";
import { heldStatus, type NextStep, nextStep } from "../../rollout/next-step.ts";
import { resolvedPolicy } from "../../rollout/pace.ts";
import type { NextWave } from "../../rollout/steps.ts";

export interface NextWaveCalls {
  readonly config: Config;
  readonly ledger: Pick<RolloutLedger, "changeRollout">;
  readonly bus: BusCalls;
  readonly now: () => number;
}

/**
 * An execution has at most 25,000 events in its history. A pass adds a few dozen, and ten for each lane of its wave: that
 * is why `passes` counts lanes, too. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
export const MAX_WEIGHT = 400;
/** A hold that only an operator ends is looked at again once a week. */
const LONGEST_HOLD_SECONDS = 7 * 86_400;

/**
 * What RollFleet does next. The rollout's status and its wave's state are noted before it is done, so that a step which
 * is run again says the same.
 */
export async function nextWave(
  input: { readonly rolloutId: string; readonly executionName: string; readonly passes: number },
  calls: NextWaveCalls,
): Promise<NextWave> {
  const { config, ledger, bus, now } = calls;
  const policy = config.policy.rollout;
  const frozenUntilMs = openWindow(policy.freezeWindows, now())?.until;
  let step: NextStep = { do: "end" };
  let heldBefore = false;
  let continues = false;
  const rollout = await ledger.changeRollout(input.rolloutId, (current) => {
    const { approveAfterCanary } = resolvedPolicy(current, policy);
    step = nextStep(current, { approveAfterCanary, frozenUntilMs });
    continues = step.do !== "end" && step.do !== "finish" && input.passes >= MAX_WEIGHT;
    if (continues) return continued(current, input.executionName);
    // Without a token the step that would wait did not come: a first try of this one may have ended before it told.
    heldBefore = step.do === "hold" && current.status === heldStatus[step.why] && current.holdToken !== undefined;
    return noted(current, step, new Date(now()).toISOString());
  });
  if (!rollout) throw new AutopilotError("unknown-rollout", input.rolloutId);
  if (continues) return { ...nothing, do: "continue", executionName: rollout.executionName ?? "" };
  // Assigned in the callback: the compiler does not see that.
  const decided = step as NextStep;
  if (decided.do === "hold" && !heldBefore) await bus.putEvents([rolloutPaused(rollout, decided)]);
  return toOutput(rollout, decided, config, now());
}

const nothing: NextWave = { do: "end", phase: "forward", wave: 0, lanes: [], holdSeconds: 1, executionName: "" };

/** The execution that follows is noted before it is started: whoever looks after the queue knows which one to expect. */
function continued(rollout: Rollout, executionName: string): Rollout | undefined {
  if (rollout.executionName !== executionName && rollout.executionName !== undefined) return undefined;
  const executions = rollout.executionCount + 1;
  return { ...rollout, executionCount: executions, executionName: fleetExecutionName(rollout.id, executions) };
}

function noted(rollout: Rollout, step: NextStep, at: string): Rollout | undefined {
  switch (step.do) {
    case "end":
    case "finish":
      return undefined;
    case "hold": {
      const { holdUntilMs: _, holdToken, ...rest } = rollout;
      const same = rollout.status === heldStatus[step.why];
      return {
        ...rest,
        ...(same && holdToken !== undefined && { holdToken }),
        status: heldStatus[step.why],
        ...(step.untilMs !== undefined && { holdUntilMs: Math.ceil(step.untilMs) }),
      };
    }
    case "roll": {
      const { holdUntilMs: _, holdToken: __, ...rest } = rollout;
      const back = step.phase === "rollback";
      return {
        ...rest,
        status: back ? "rolling-back" : "running",
        waves: rollout.waves.map((wave, index) => (index === step.wave ? begun(wave, back, at) : wave)),
      };
    }
  }
}

function begun(wave: Wave, back: boolean, at: string): Wave {
  if (back) return { ...wave, state: "rolling-back" };
  return { ...wave, state: "rolling", startedAt: wave.startedAt ?? at };
}

function toOutput(rollout: Rollout, step: NextStep, config: Config, nowMs: number): NextWave {
  switch (step.do) {
    case "end":
    case "finish":
      return { ...nothing, do: step.do };
    case "hold": {
      const seconds = step.untilMs === undefined ? LONGEST_HOLD_SECONDS : Math.ceil((step.untilMs - nowMs) / 1000);
      return { ...nothing, do: "hold", holdSeconds: Math.min(Math.max(seconds, 1), LONGEST_HOLD_SECONDS) };
    }
    case "roll": {
      const { concurrency } = resolvedPolicy(rollout, config.policy.rollout);
      const lanes = (rollout.waves[step.wave]?.lanes ?? []).map((lane) => ({ ...lane, concurrency }));
      return { ...nothing, do: "roll", phase: step.phase, wave: step.wave, lanes };
    }
  }
}
