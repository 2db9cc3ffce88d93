import { Iam, Simulator, VirtualClock } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import { functionRoleArn, installRoles, labDeployment } from "../../lab/autopilot/roles.ts";
import { parseConfig } from "../../shared/config/config.ts";
import { operatorStatements } from "../../shared/config/operator-policy.ts";
import { roleArn } from "../../stacks/definitions/deployment.ts";
import wideConfig from "./support/wide.config.ts";

const MEMBER = "222222222222";

function installed(stage: string) {
  const config = parseConfig(wideConfig, stage);
  const deployment = labDeployment(config);
  const iam = new Iam(new Simulator({ clock: new VirtualClock() }).context);
  installRoles(iam, config);
  const secret = (account: string, prefix: string) =>
    `arn:aws:secretsmanager:eu-west-1:${account}:secret:${prefix}mesh/web/app-AbCdEf`;
  /** Whether the role may write a secret with the prefix. */
  const mayWrite = (role: string, account: string, prefix: string) => {
    const principal = iam.principalOf(iam.openSession(role, "test", 60).accessKeyId);
    if (!principal) throw new Error(`${role} has no session`);
    const need = { action: "secretsmanager:PutSecretValue", resource: secret(account, prefix) };
    return iam.refusal(principal, need, { account, region: "eu-west-1" }) === undefined;
  };
  return { config, deployment, mayWrite };
}

describe("the roles of a stage", () => {
  it.each([
    ["prod", "ztunnel-autopilot/", "ztunnel-autopilot-dev/"],
    ["dev", "ztunnel-autopilot-dev/", "ztunnel-autopilot/"],
    ["dev", "ztunnel-autopilot-dev/", "ztunnel-autopilot-dev-2/"],
  ])("%s write its own secrets and no other stage's", (stage, own, others) => {
    const { config, deployment, mayWrite } = installed(stage);
    const { account } = deployment.home;
    const apply = functionRoleArn(deployment, "roll/apply");
    const member = roleArn({ account: MEMBER, region: "eu-west-1" }, config.memberRoleName);
    for (const [role, at] of [
      [apply, account],
      [member, MEMBER],
    ] as const) {
      expect(mayWrite(role, at, own), role).toBe(true);
      expect(mayWrite(role, at, others), role).toBe(false);
    }
  });

  it("read for an operator its own secrets alone, by its own role in other accounts", () => {
    const { config } = installed("dev");
    const statements = JSON.stringify(operatorStatements(config, { tableName: "t", busName: "b" }));
    expect(statements).toContain(":secret:ztunnel-autopilot-dev/*");
    expect(statements).not.toContain(":secret:ztunnel-autopilot/*");
    expect(statements).toContain("role/platform/dev-mesh-pilot-member-read");
  });
});
