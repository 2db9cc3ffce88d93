import * as z from "zod";
import { type ControlAction, controlActions } from "../../shared/events/operator.ts";
import { hasEnded } from "../../shared/use-cases/rollout/queue.ts";
import { allowedControl } from "../../shared/use-cases/rollout/validate.ts";
import { holdLines } from "../render/rollout.ts";
import { sendControl } from "../rollouts/send.ts";
import { viewJson } from "../rollouts/view.ts";
import { type CliCommand, newCommand } from "../runtime/command.ts";
import { exitCodes } from "../runtime/exit-codes.ts";
import { connectOperator } from "../runtime/operator.ts";
import {
  checkedValues,
  jsonOption,
  rolloutIdArgument,
  switchShape,
  whereOptions,
  whereShape,
} from "../runtime/options.ts";
import { rolloutReader } from "./rollout-status.ts";

const descriptions: Readonly<Record<ControlAction, string>> = {
  pause: "Holds a rollout before its next wave.",
  resume: "Continues a paused rollout.",
  approve: "Continues a rollout after its canary wave.",
  abort: "Ends a rollout; what was rolled stays.",
  rollback: "Rolls a rollout back, newest wave first; also one that has ended.",
};

const valuesSchema = z.object({ ...whereShape, json: switchShape });

/** One command per thing that an operator can do to a rollout. */
export const rolloutControlCommands: readonly CliCommand[] = controlActions.map((action) => ({
  define: () => newCommand(action, descriptions[action], [jsonOption, ...whereOptions]).addArgument(rolloutIdArgument),
  run: async ({ values, args: [rolloutId = ""] }, context) => {
    const { json, ...where } = checkedValues(valuesSchema, values);
    const operator = await connectOperator(where, context);
    const read = rolloutReader(rolloutId, operator, context);
    const { rollout: before } = await read();
    const refused = allowedControl(before, action);
    if (refused) throw refused;
    // A rollback is allowed in a freeze window too.
    const how = action === "rollback" && hasEnded(before) ? "request" : "control";
    await sendControl({ rolloutId, action, requestedBy: operator.who }, before, how, operator, context);
    const view = await read();
    const lines = [`${action} of ${rolloutId} is taken; it is ${view.rollout.status}.`, ...holdLines(view)];
    context.out.write(json ? `${JSON.stringify(viewJson(view, false), null, 2)}\n` : `${lines.join("\n")}\n`);
    return exitCodes.ok;
  },
}));
