import * as z from "zod";
import type { Rollout } from "../../shared/model/rollout.ts";
import type { UnreadableItem } from "../../shared/ports/ledger.ts";
import { adviceFor } from "../inventory/known.ts";
import { rolloutTable } from "../render/rollout-tables.ts";
import { printable, terminalOf } from "../render/style.ts";
import { rolloutJson } from "../rollouts/view.ts";
import { type CliCommand, newCommand } from "../runtime/command.ts";
import { exitCodes } from "../runtime/exit-codes.ts";
import { connectOperator } from "../runtime/operator.ts";
import { checkedValues, jsonOption, switchShape, whereOptions, whereShape } from "../runtime/options.ts";

const valuesSchema = z.object({ ...whereShape, json: switchShape });

export const rolloutListCommand: CliCommand = {
  define: () =>
    newCommand("list", "Lists the rollouts that the ledger still has, the newest first.", [
      jsonOption,
      ...whereOptions,
    ]),
  run: async ({ values }, context) => {
    const { json, ...where } = checkedValues(valuesSchema, values);
    const { ledger } = await connectOperator(where, context);
    const rollouts: Rollout[] = [];
    const unreadable: UnreadableItem[] = [];
    for await (const rollout of ledger.listRollouts((item) => unreadable.push(item))) rollouts.push(rollout);
    rollouts.sort((a, b) => (a.requestedAt < b.requestedAt ? 1 : -1));
    const { out, err, environment } = context;
    const text = json
      ? JSON.stringify(rollouts.map(rolloutJson), null, 2)
      : rolloutTable(rollouts, terminalOf(out, environment));
    out.write(`${text}\n`);
    for (const item of unreadable) {
      err.write(`${printable(`${item.pk} can't be read: ${item.why} ${adviceFor(item)}`)}\n`);
    }
    return exitCodes.ok;
  },
};
