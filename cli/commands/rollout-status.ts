import { Option } from "commander";
import * as z from "zod";
import { AutopilotError } from "../../shared/base/errors.ts";
import { rolloutIdSchema } from "../../shared/model/rollout.ts";
import { rolloutLines } from "../render/rollout.ts";
import { serviceTable } from "../render/rollout-tables.ts";
import { terminalOf } from "../render/style.ts";
import { RolloutReader, type RolloutView, viewJson } from "../rollouts/view.ts";
import { type CliCommand, newCommand } from "../runtime/command.ts";
import type { CliContext } from "../runtime/context.ts";
import { exitCodes } from "../runtime/exit-codes.ts";
import { connectOperator, type Operator } from "../runtime/operator.ts";
import {
  checkedValues,
  jsonOption,
  rolloutIdArgument,
  switchShape,
  whereOptions,
  whereShape,
} from "../runtime/options.ts";
import { watchRollout } from "./watch-rollout.ts";

const valuesSchema = z.object({ ...whereShape, watch: switchShape, services: switchShape, json: switchShape });

export const rolloutStatusCommand: CliCommand = {
  define: () =>
    newCommand(
      "status",
      "Shows a rollout: its waves, its numbers, what holds it, which services failed.",
      [
        new Option("--watch", "show it until it has ended"),
        new Option("--services", "every service with its outcome and revisions"),
        jsonOption,
        ...whereOptions,
      ],
      `
With --watch the exit code is 0 for a rollout that completed and 1 for one that
ended otherwise. --watch --json prints one JSON object a line, one per change.
Ctrl-C ends the watching alone.`,
    ).addArgument(rolloutIdArgument),
  run: async ({ values, args: [id = ""] }, context) => {
    const { watch, services, json, ...where } = checkedValues(valuesSchema, values);
    const operator = await connectOperator(where, context);
    const read = rolloutReader(id, operator, context);
    const code = watch ? await watchRollout(read, context, { id, json }) : exitCodes.ok;
    if (!watch || (services && code !== exitCodes.interrupted)) {
      writeView(await read(), { json, services, head: !watch }, context);
    }
    return code;
  },
};

/** Reads one rollout again and again. What it gives throws `unknown-rollout`. */
export function rolloutReader(
  id: string,
  { ledger, config }: Pick<Operator, "ledger" | "config">,
  { now }: CliContext,
): () => Promise<RolloutView> {
  const reader = new RolloutReader({ ledger, config, now });
  return async () => {
    const known = rolloutIdSchema.safeParse(id).success;
    const view = known ? await reader.read(id) : undefined;
    if (!view) throw new AutopilotError("unknown-rollout", id);
    return view;
  };
}

function writeView(
  view: RolloutView,
  show: { readonly json: boolean; readonly services: boolean; readonly head: boolean },
  { out, environment }: CliContext,
): void {
  if (show.json) {
    const indent = show.head ? 2 : 0;
    out.write(`${JSON.stringify(viewJson(view, show.services), null, indent)}\n`);
    return;
  }
  const terminal = terminalOf(out, environment);
  if (show.head) out.write(`${rolloutLines(view, terminal.style).join("\n")}\n`);
  if (show.services) out.write(`\n${serviceTable(view.services, terminal)}\n`);
}
