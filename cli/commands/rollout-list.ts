import type { Rollout } from "../../shared/model/rollout.ts";
import { type Command, jsonOption, whereOptions } from "../command.ts";
import { hasColor } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { connectOperator } from "../operator.ts";
import { rolloutTable } from "../render/rollout-tables.ts";
import { styler } from "../render/style.ts";
import { rolloutJson } from "../rollouts/view.ts";

export const rolloutList: Command = {
  name: "rollout list",
  about: "Lists the rollouts that the ledger still has, the newest first.",
  positionals: [],
  options: { ...jsonOption, ...whereOptions },
  run: async ({ values }, context) => {
    const { ledger } = await connectOperator(values, context);
    const rollouts: Rollout[] = [];
    for await (const rollout of ledger.listRollouts()) rollouts.push(rollout);
    rollouts.sort((a, b) => (a.requestedAt < b.requestedAt ? 1 : -1));
    const { out, environment } = context;
    const text = values.json
      ? JSON.stringify(rollouts.map(rolloutJson), null, 2)
      : rolloutTable(rollouts, styler(hasColor(out, environment)));
    out.write(`${text}\n`);
    return exitCodes.ok;
  },
};
