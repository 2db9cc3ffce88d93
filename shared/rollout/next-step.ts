import { endedStatuses, type Rollout, type Wave } from "../model/rollout.ts";
import { isRollingBack, isSuperseded } from "./stopping.ts";

/** What a rollout does next. */
export type NextStep =
  | { readonly do: "roll"; readonly phase: "forward" | "rollback"; readonly wave: number }
  | Hold
  | { readonly do: "finish"; readonly as: "completed" | "rolled-back" | "aborted" | "superseded" }
  | { readonly do: "end" };

/** A rollout waits before its next wave: until `untilMs`, or until an operator acts. */
export interface Hold {
  readonly do: "hold";
  readonly why: "operator" | "approval" | "freeze";
  readonly untilMs: number | undefined;
}

/** What the next step depends on, besides the rollout itself. */
export interface Conditions {
  readonly approveAfterCanary: boolean;
  /** When the freeze window that holds it now ends, epoch milliseconds. */
  readonly frozenUntilMs: number | undefined;
}

/**
 * The next step at a wave's boundary. A rollback comes before everything else: neither a pause nor a freeze window
 * holds it. An abort leaves what is done, and so does a wish that has moved on.
 */
export function nextStep(rollout: Rollout, { approveAfterCanary, frozenUntilMs }: Conditions): NextStep {
  const { status, control, waves, nextWaveIndex: wave, approved } = rollout;
  if (isRollingBack(rollout)) {
    const newest = waves.findLastIndex(wasTouched);
    return newest < 0 ? { do: "finish", as: "rolled-back" } : { do: "roll", phase: "rollback", wave: newest };
  }
  if (endedStatuses.includes(status)) return { do: "end" };
  if (control?.action === "abort") return { do: "finish", as: "aborted" };
  if (isSuperseded(rollout)) return { do: "finish", as: "superseded" };
  if (wave >= waves.length) return { do: "finish", as: "completed" };
  if (control?.action === "pause") return { do: "hold", why: "operator", untilMs: undefined };
  // Where no service can be a canary, the approval is asked for before the first wave.
  if (approveAfterCanary && !approved && wave === (waves[0]?.canary ? 1 : 0)) {
    return { do: "hold", why: "approval", untilMs: undefined };
  }
  if (frozenUntilMs !== undefined) return { do: "hold", why: "freeze", untilMs: frozenUntilMs };
  return { do: "roll", phase: "forward", wave };
}

/**
 * How a rollout that has lost its turn ends without another one: nothing is left to do for it. Undefined where it has
 * to wait for its turn.
 */
export function endWithoutTurn(rollout: Rollout): "rolled-back" | "aborted" | "superseded" | undefined {
  if (!rollout.parked) return undefined;
  const step = nextStep(rollout, { approveAfterCanary: false, frozenUntilMs: undefined });
  return step.do === "finish" && step.as !== "completed" ? step.as : undefined;
}

/** A service of the wave may have been changed and not rolled back since. */
function wasTouched({ state }: Wave): boolean {
  return state !== "waiting" && state !== "rolled-back";
}
