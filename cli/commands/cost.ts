import { Option } from "commander";
import * as z from "zod";
import { estimateCost } from "../cost/estimate.ts";
import { costText } from "../render/cost.ts";
import { terminalOf } from "../render/style.ts";
import { type CliCommand, newCommand } from "../runtime/command.ts";
import { exitCodes } from "../runtime/exit-codes.ts";
import { checkedValues, jsonOption, switchShape } from "../runtime/options.ts";

const count = (least: number) =>
  z.string().regex(/^\d+$/, "expected a whole number").transform(Number).pipe(z.int().min(least).max(1_000_000));

const valuesSchema = z.object({
  services: z.string("is required").pipe(count(1)),
  regions: z.string("is required").pipe(count(1)),
  identities: count(1).optional(),
  tasks: count(1).default(2),
  deployments: count(0).default(20),
  rollouts: count(0).default(1),
  json: switchShape,
});

export const costCommand: CliCommand = {
  define: () =>
    newCommand("cost", "Estimates what the autopilot costs in a month, from list prices and stated assumptions.", [
      new Option("--services <N>", "enrolled services in all"),
      new Option("--regions <R>", "accounts and regions that they are spread over"),
      new Option("--identities <N>", "workload identities in all (default: one per service)"),
      new Option("--tasks <N>", "running tasks of a service (default 2)"),
      new Option("--deployments <N>", "CI deployments of a service in a month, without the sidecar (default 20)"),
      new Option("--rollouts <N>", "rollouts over the whole fleet in a month (default 1)"),
      jsonOption,
    ]),
  run: async ({ values }, { out, environment }) => {
    const { json, identities, ...input } = checkedValues(valuesSchema, values);
    const estimate = estimateCost({ ...input, identities: identities ?? input.services });
    const text = json ? JSON.stringify(estimate, null, 2) : costText(estimate, terminalOf(out, environment));
    out.write(`${text}\n`);
    return exitCodes.ok;
  },
};
