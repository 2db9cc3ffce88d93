import { AutopilotError } from "../../shared/base/errors.ts";
import { hasEnded } from "../../shared/use-cases/rollout/queue.ts";
import { progressLine, rolloutLines, rolloutReasonLines } from "../render/rollout.ts";
import { fitted, styler } from "../render/style.ts";
import type { RolloutView } from "../rollouts/view.ts";
import { viewJson } from "../rollouts/view.ts";
import { type CliContext, hasColor } from "../runtime/context.ts";
import { exitCodes } from "../runtime/exit-codes.ts";

const POLL_MS = 2_000;
/** How long AWS may be out of reach. */
const TOLERATED_MS = 2 * 60_000;

/**
 * Shows the rollout until it has ended: redrawn in place on a terminal, a line per change elsewhere, a JSON object per
 * change with `json`. Returns the exit code: 0 only for a rollout that completed. Ctrl-C ends the watching alone.
 */
export async function watchRollout(
  read: () => Promise<RolloutView>,
  context: CliContext,
  options: { readonly id: string; readonly json: boolean },
): Promise<number> {
  const interruption = context.interruption();
  const show = shower(context, options.json);
  let last: string | undefined;
  let readAt = context.now();
  for (;;) {
    const view = await read().catch((error: unknown) => {
      // A rollout takes hours, a network's hiccup a moment.
      const lasts = context.now() - readAt > TOLERATED_MS;
      if (last === undefined || lasts || !(error instanceof AutopilotError && error.retryable)) throw error;
      return undefined;
    });
    if (view) {
      readAt = context.now();
      const { etaSeconds: _, ...lasting } = viewJson(view, false);
      const now = JSON.stringify(lasting);
      show(view, now !== last);
      last = now;
      if (hasEnded(view.rollout)) return endOf(view);
    }
    await context.pause(POLL_MS, interruption);
    if (interruption.aborted) {
      context.err.write(
        `\nStopped watching; the rollout goes on. Watch it again: npm run autopilot -- rollout status ${options.id} --watch\n`,
      );
      return exitCodes.interrupted;
    }
  }
}

type Show = (view: RolloutView, changed: boolean) => void;

function shower({ out, environment }: CliContext, json: boolean): Show {
  if (json) {
    return (view, changed) => {
      if (changed) out.write(`${JSON.stringify(viewJson(view, false))}\n`);
    };
  }
  if (!out.isTTY || environment.TERM === "dumb") {
    return (view, changed) => {
      if (changed) out.write(`${progressLine(view)}\n`);
      if (changed && hasEnded(view.rollout))
        for (const line of rolloutReasonLines(view.rollout)) out.write(`${line}\n`);
    };
  }
  const style = styler(hasColor(out, environment));
  let drawn = 0;
  return (view) => {
    // A line that wraps would put the cursor wrong.
    const lines = rolloutLines(view, style, out.rows - 1)
      .flatMap((line) => line.split("\n"))
      .map((line) => fitted(line, out.columns));
    const up = drawn > 0 ? `\u001b[${drawn}A\u001b[0J` : "";
    out.write(`${up}${lines.join("\n")}\n`);
    drawn = lines.length;
  };
}

/** What a script learns from a rollout that has ended. */
function endOf({ rollout: { status } }: RolloutView): number {
  if (status === "completed") return exitCodes.ok;
  return status === "refused" ? exitCodes.refused : exitCodes.failed;
}
