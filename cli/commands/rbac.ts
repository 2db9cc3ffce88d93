import { Option } from "commander";
import * as z from "zod";
import { AutopilotError } from "../../shared/base/errors.ts";
import { kubernetesFunctions } from "../../shared/base/vocabulary.ts";
import type { Config, ControlPlaneConfig } from "../../shared/config/config.ts";
import { functionRoleName } from "../../shared/config/names.ts";
import { type CliCommand, newCommand } from "../runtime/command.ts";
import { exitCodes } from "../runtime/exit-codes.ts";
import { readConfig, stageOf } from "../runtime/operator.ts";
import { checkedValues, configOption, whereShape } from "../runtime/options.ts";
import { KUBERNETES_GROUP, rbacManifest } from "./kubernetes-rbac.ts";

const valuesSchema = z.object({ ...whereShape, controlPlane: z.string().optional() });

export const rbacCommand: CliCommand = {
  define: () =>
    newCommand(
      "rbac",
      "Prints the Kubernetes RBAC manifest that the autopilot needs, and the commands for EKS's access entries.",
      [
        new Option("--control-plane <NAME>", "only this control plane's commands"),
        configOption,
        new Option(
          "--stage <NAME>",
          "the stage to deploy, for the names of the functions' roles (default AUTOPILOT_STAGE)",
        ),
      ],
      `
The manifest is the same for every control plane:
  npm run -s autopilot -- rbac | kubectl apply -f -

The commands are comments in it. The roles that they name must exist: deploy
first.`,
    ),
  run: async ({ values }, context) => {
    const { controlPlane: name, ...where } = checkedValues(valuesSchema, values);
    const config = await readConfig(where, context);
    const planes = config.controlPlanes.filter((plane) => name === undefined || plane.name === name);
    if (planes.length === 0) {
      const known = config.controlPlanes.map((plane) => plane.name).join(", ");
      throw new AutopilotError("invalid-request", `There is no control plane called ${name}; there are: ${known}.`);
    }
    const stage = stageOf(where, context) ?? "STAGE";
    const commands = planes.flatMap((plane) => accessLines(plane, config, stage));
    context.out.write(`${commands.map((line) => `# ${line}`.trimEnd()).join("\n")}\n---\n${rbacManifest()}`);
    return exitCodes.ok;
  },
};

/** The commands that let the autopilot into a cluster, as lines; words for a cluster that is not EKS's. */
export function accessLines({ name, eks }: ControlPlaneConfig, config: Config, stage: string): readonly string[] {
  if (!eks) {
    return [`Control plane ${name} is reached by a kubeconfig: its user must be in the group ${KUBERNETES_GROUP}.`, ""];
  }
  const { cluster, region, account } = eks;
  return [
    `Control plane ${name}: run in account ${account}`,
    ...principals(account, config, stage).flatMap((arn) => [
      `aws eks create-access-entry --region ${region} --cluster-name ${cluster} \\`,
      `  --principal-arn ${arn} \\`,
      `  --kubernetes-groups ${KUBERNETES_GROUP} --type STANDARD`,
    ]),
    "",
  ];
}

/** Who calls the cluster: the functions' own roles in the home account, the member role elsewhere. */
function principals(account: string, config: Config, stage: string): readonly string[] {
  const roles =
    account === config.homeAccount
      ? kubernetesFunctions.map((functionName) => functionRoleName(config, stage, functionName))
      : [config.memberRoleName];
  const partition = config.accounts[0]?.role.split(":")[1] ?? "aws";
  return roles.map((role) => `arn:${partition}:iam::${account}:role/${role}`);
}
