import type { Rollout, Wave } from "../model/rollout.ts";
import { fleetExecutionName } from "./execution-names.ts";
import { type Conditions, type Hold, type NextStep, nextStep } from "./next-step.ts";

/** The status that a held rollout has. */
const heldStatus = { operator: "paused", approval: "awaiting-approval", freeze: "frozen" } as const;

/** The execution that carries a rollout, and how far it is. */
export interface Execution {
  readonly executionName: string;
  /** Its history nears the limit of an execution: another execution has to continue the rollout. */
  readonly isFull: boolean;
}

/**
 * What an execution does next. `still-held`: it holds for the reason for which it held before. `continue`: the
 * execution of this number goes on in its place.
 */
export type ExecutionStep =
  | Exclude<NextStep, Hold>
  | (Omit<Hold, "do"> & { readonly do: "hold" | "still-held" })
  | { readonly do: "continue"; readonly executionName: string; readonly executionCount: number };

/** The next step of an execution at a wave's boundary. A full one still ends a rollout that has nothing more to do. */
export function executionStep(rollout: Rollout, execution: Execution, conditions: Conditions): ExecutionStep {
  const step = nextStep(rollout, conditions);
  if (rollout.parked) return { do: "end" };
  if (step.do === "end" || step.do === "finish") return step;
  if (execution.isFull) return { do: "continue", ...successorOf(rollout, execution) };
  if (step.do === "roll") return step;
  // Without a token the wait was never reached: an earlier attempt may have crashed before it emitted its event.
  const isHeld = rollout.status === heldStatus[step.why] && rollout.holdToken !== undefined;
  return { ...step, do: isHeld ? "still-held" : "hold" };
}

/** The execution after this one: the next number, unless an earlier attempt has chosen it already. */
function successorOf(rollout: Rollout, { executionName: current }: Execution) {
  const { id, executionName, executionCount } = rollout;
  if (executionName !== undefined && executionName !== current) return { executionName, executionCount };
  return { executionName: fleetExecutionName(id, executionCount + 1), executionCount: executionCount + 1 };
}

/**
 * The rollout once the step is recorded, at the given time (ISO 8601). It is recorded before it is taken, so that an
 * execution that crashes in between decides the same again, and the queue knows which execution to expect.
 */
export function afterStep(rollout: Rollout, step: ExecutionStep, at: string): Rollout | undefined {
  switch (step.do) {
    case "end":
    case "finish":
      return undefined;
    case "continue": {
      const { executionName, executionCount } = step;
      return executionCount === rollout.executionCount ? undefined : { ...rollout, executionName, executionCount };
    }
    case "hold":
      return held(withoutHold(rollout), step, at);
    case "still-held":
      return held(rollout, step, at);
    case "roll":
      return {
        ...withoutHold(rollout),
        status: step.phase === "rollback" ? "rolling-back" : "running",
        waves: rollout.waves.map((wave, index) => (index === step.wave ? begun(wave, step.phase, at) : wave)),
      };
  }
}

function withoutHold({
  holdUntilMs: _,
  holdToken: __,
  otherHoldTokens: ___,
  heldSince: ____,
  remindedAt: _____,
  ...rollout
}: Rollout): Rollout {
  return rollout;
}

function held({ holdUntilMs: _, ...rollout }: Rollout, { why, untilMs }: Omit<Hold, "do">, at: string): Rollout {
  return {
    ...rollout,
    status: heldStatus[why],
    heldSince: rollout.heldSince ?? at,
    ...(untilMs !== undefined && { holdUntilMs: Math.ceil(untilMs) }),
  };
}

function begun(wave: Wave, phase: "forward" | "rollback", at: string): Wave {
  if (phase === "rollback") return { ...wave, state: "rolling-back" };
  return { ...wave, state: "rolling", startedAt: wave.startedAt ?? at };
}
