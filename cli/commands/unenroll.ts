import { Option } from "commander";
import { type CliCommand, newCommand } from "../runtime/command.ts";
import { Refused, UsageError } from "../runtime/exit-codes.ts";
import { connectOperator, type Operator } from "../runtime/operator.ts";
import { checkedValues, jsonOption, switchShape, whereOptions } from "../runtime/options.ts";
import { askAndShow, checkedRequest, paceOptions, requestSchema } from "./rollout-request.ts";

const WORD = "unenroll";

const valuesSchema = requestSchema.extend({ all: switchShape, yes: switchShape });

export const unenrollCommand: CliCommand = {
  define: () =>
    newCommand(
      "unenroll",
      "Takes every service out of the mesh again, in waves, as a rollout: before the autopilot itself is removed.",
      [
        new Option("--all", "required: every enrolled service of every account and region"),
        new Option("--yes", "do not ask"),
        ...paceOptions,
        jsonOption,
        ...whereOptions,
      ],
      "Some services alone: take away their enroll tag.",
    ),
  run: async ({ values }, context) => {
    const asked = checkedValues(valuesSchema, values);
    if (!asked.all) throw new UsageError("unenroll needs --all. Some services: take away their enroll tag.");
    const request = checkedRequest("unenroll", asked);
    const operator = await connectOperator(asked, context);
    if (!asked.yes) await confirm(await enrolledCount(operator), context.ask);
    return askAndShow(request, asked, operator, context);
  },
};

async function enrolledCount({ ledger }: Pick<Operator, "ledger">): Promise<number> {
  let count = 0;
  // One that can't be read may be in the mesh.
  const others = () => {
    count += 1;
  };
  for await (const { enrolled } of ledger.listServices(others)) if (enrolled) count += 1;
  return count;
}

async function confirm(services: number, ask: (question: string) => Promise<string | undefined>): Promise<void> {
  const what = `This takes all enrolled services (${services}) out of the mesh.`;
  const answer = await ask(`${what} Type ${WORD} to go on: `);
  if (answer?.trim() === WORD) return;
  const why = answer === undefined ? "Nobody is there to confirm it." : "It was not confirmed.";
  throw new Refused("not-confirmed", `${what} ${why}`, "Type the word when asked, or give --yes.");
}
