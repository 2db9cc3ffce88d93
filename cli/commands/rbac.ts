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
import { CA_GROUP, KUBERNETES_GROUP, rbacManifest } from "./kubernetes-rbac.ts";

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

It lets a secret be read where readCaSecret is set. If that differs, print each
control plane's manifest with --control-plane.

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
    const lines = [...planes.flatMap((plane) => accessLines(plane, config, stage)), ...differenceLines(planes)];
    const readCaSecret = planes.every((plane) => plane.readCaSecret);
    const manifest = rbacManifest({ readCaSecret });
    context.out.write(`${lines.map((line) => `# ${line}`.trimEnd()).join("\n")}\n---\n${manifest}`);
    return exitCodes.ok;
  },
};

/** The least that every control plane grants is printed. */
function differenceLines(planes: readonly ControlPlaneConfig[]): readonly string[] {
  const granting = planes.filter(({ readCaSecret }) => readCaSecret).map(({ name }) => name);
  if (granting.length === 0 || granting.length === planes.length) return [];
  return [`The manifest lacks readCaSecret of ${granting.join(", ")}: print theirs with --control-plane.`, ""];
}

/** The commands that let the autopilot into a cluster, as lines; words for a cluster that is not EKS's. */
export function accessLines(plane: ControlPlaneConfig, config: Config, stage: string): readonly string[] {
  const { name, eks, readCaSecret } = plane;
  if (!eks) {
    const groups = readCaSecret ? `groups ${KUBERNETES_GROUP} and ${CA_GROUP}` : `group ${KUBERNETES_GROUP}`;
    return [`Control plane ${name} is reached by a kubeconfig: its user must be in the ${groups}.`, ""];
  }
  const { cluster, region, account } = eks;
  return [
    `Control plane ${name}: run in account ${account}`,
    ...principals(account, { config, stage, readCaSecret }).flatMap(({ arn, groups }) => [
      `aws eks create-access-entry --region ${region} --cluster-name ${cluster} \\`,
      `  --principal-arn ${arn} \\`,
      `  --kubernetes-groups ${groups.join(" ")} --type STANDARD`,
    ]),
    "",
  ];
}

interface Principal {
  readonly arn: string;
  readonly groups: readonly string[];
}

/**
 * Who calls the cluster: the functions' own roles in the home account, of which the watch alone reads the CA secret;
 * the member role elsewhere.
 */
function principals(
  account: string,
  { config, stage, readCaSecret }: { readonly config: Config; readonly stage: string; readonly readCaSecret: boolean },
): readonly Principal[] {
  const roles =
    account === config.homeAccount
      ? kubernetesFunctions.map((name) => ({
          role: functionRoleName(config, stage, name),
          isWatch: name === "watch-root-ca",
        }))
      : [{ role: config.memberRoleName, isWatch: true }];
  const partition = config.accounts[0]?.role.split(":")[1] ?? "aws";
  return roles.map(({ role, isWatch }) => ({
    arn: `arn:${partition}:iam::${account}:role/${role}`,
    groups: [KUBERNETES_GROUP, ...(isWatch && readCaSecret ? [CA_GROUP] : [])],
  }));
}
