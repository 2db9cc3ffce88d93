import type { AutopilotError } from "../../base/errors.ts";
import type { RolloutControl } from "../../events/operator.ts";
import type { Rollout } from "../../model/rollout.ts";
import { tokensOf } from "./hold-rollout.ts";
import { allowedControl, repeatsControl } from "./validate.ts";

/** How many controls of a rollout are remembered. */
const MAX_JOURNAL = 100;

/** `accept`: with the tokens of the hold that the control ends. */
export type ControlDecision =
  | { readonly case: "refuse"; readonly failure: AutopilotError }
  | { readonly case: "accept"; readonly holdTokens: readonly string[] };

/**
 * Decides on an operator's control. Returns the decision, and the changed rollout if the control changes it. `at`
 * is ISO 8601; `hasTurn` says that the rollout is the one under way.
 */
export function decideControl(
  rollout: Rollout,
  control: RolloutControl,
  given: { readonly at: string; readonly hasTurn: boolean },
): { readonly next?: Rollout; readonly result: ControlDecision } {
  const { action, requestedBy: by } = control;
  const failure = allowedControl(rollout, action);
  if (failure) return { result: { case: "refuse", failure } };
  const holdTokens = action === "pause" ? [] : tokensOf(rollout);
  // Also for a repeat: an earlier attempt may have crashed before it woke the rollout, which keeps its token until
  // then.
  const result = { case: "accept", holdTokens } as const;
  if (repeatsControl(rollout, action)) return { result };
  const journal = [...rollout.journal, { at: given.at, by, did: action }].slice(-MAX_JOURNAL);
  return { next: { ...controlled(rollout, control, given), journal }, result };
}

function controlled(
  rollout: Rollout,
  { action, requestedBy: by }: RolloutControl,
  { at, hasTurn }: { readonly at: string; readonly hasTurn: boolean },
): Rollout {
  const { control: _, holdUntilMs: __, ...woken } = rollout;
  switch (action) {
    case "pause":
      return { ...rollout, control: { action, by, at } };
    case "resume":
      return rollout.status === "paused" ? { ...woken, status: "running" } : withoutControl(rollout);
    case "approve":
      return {
        ...woken,
        ...(rollout.control && { control: rollout.control }),
        status: "running",
        approved: { by, at },
      };
    case "abort":
      if (rollout.status === "waiting" && !hasTurn) return { ...woken, status: "aborted", finishedAt: at };
      return { ...woken, control: { action, by, at } };
    case "rollback":
      return {
        ...woken,
        control: { action, by, at },
        reason: { code: "operator-request", detail: `by ${by}` },
      };
  }
}

function withoutControl({ control: _, ...rollout }: Rollout): Rollout {
  return rollout;
}
