import { Option } from "commander";
import * as z from "zod";
import { targetsOf } from "../../shared/config/config.ts";
import { operatorReadRole, resourceNames } from "../../shared/config/names.ts";
import { operatorStatements } from "../../shared/config/operator-policy.ts";
import { type CliCommand, newCommand } from "../runtime/command.ts";
import { exitCodes, UsageError } from "../runtime/exit-codes.ts";
import { readConfig, stageOf } from "../runtime/operator.ts";
import { checkedValues, configOption, whereShape } from "../runtime/options.ts";

export const policyCommand: CliCommand = {
  define: () =>
    newCommand(
      "policy",
      "Prints the IAM policy that this command needs in the home account, for an operator's role.",
      [configOption, new Option("--stage <NAME>", "the stage that it is for (default AUTOPILOT_STAGE)")],
      `
In other accounts the command takes on a role that only reads. Name the
operators' roles in the configuration's operatorRoles, then deploy the member
accounts' templates again: they create it.

  npm run -s autopilot -- policy --stage prod > operator.json
  aws iam put-role-policy --role-name ROLE --policy-name ztunnel-autopilot \\
    --policy-document file://operator.json`,
    ),
  run: async ({ values }, context) => {
    const where = checkedValues(z.object(whereShape), values);
    const config = await readConfig(where, context);
    const stage = stageOf(where, context);
    if (stage === undefined) throw new UsageError("policy needs --stage: the lab asks for no permissions.");
    const statements = operatorStatements(config, resourceNames(config, stage, context.environment));
    context.out.write(`${JSON.stringify({ Version: "2012-10-17", Statement: statements }, null, 2)}\n`);
    const elsewhere = targetsOf(config).some(({ account }) => account !== config.homeAccount);
    if (elsewhere && config.operatorRoles.length === 0) {
      context.err.write(
        `operatorRoles names nobody: status and inject can't read the other accounts (role ${operatorReadRole(config)}).\n`,
      );
    }
    return exitCodes.ok;
  },
};
