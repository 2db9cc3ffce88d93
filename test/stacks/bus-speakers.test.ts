import { Iam, Simulator, VirtualClock } from "@ztunnel-autopilot/simulator";
import { expect, it } from "vitest";
import autopilotConfig from "../../autopilot.config.ts";
import { functionRoleArn, installRoles, labDeployment } from "../../lab/autopilot/roles.ts";
import { parseConfig } from "../../shared/config/config.ts";
import { homeBusArn, roleArn } from "../../stacks/definitions/deployment.ts";
import { lambdaTrust, policy } from "../../stacks/definitions/permissions.ts";

/** Who may put an event of the source on the home bus, of roles that may put events by their own policies. */
function speakers(operatorRoles: readonly string[], source: string): readonly string[] {
  const config = parseConfig({ ...autopilotConfig, operatorRoles: operatorRoles.map(ofHome) });
  const deployment = labDeployment(config);
  const { home } = deployment;
  const iam = new Iam(new Simulator({ clock: new VirtualClock() }).context);
  installRoles(iam, config);
  const resource = homeBusArn(deployment);
  const roles = { operators: ofHome("mesh/operators"), pipeline: ofHome("ci"), member: ofMember("ci") };
  const policies = [policy([{ Effect: "Allow", Action: ["events:PutEvents"], Resource: [resource] }])];
  for (const arn of Object.values(roles)) iam.putRole({ roleArn: arn, trust: lambdaTrust(deployment), policies });
  const all = { ...roles, function: functionRoleArn(deployment, "roll/finish") };
  return Object.entries(all).flatMap(([who, arn]) => {
    const principal = iam.principalOf(iam.openSession(arn, "test", 60).accessKeyId);
    if (!principal) throw new Error(`${arn} has no session`);
    const keys = { "events:source": [source], "events:detail-type": ["Rollout Control"] };
    const refused = iam.refusal(principal, { action: "events:PutEvents", resource, keys }, home);
    return refused === undefined ? [who] : [];
  });
}

const ofHome = (name: string) => roleArn({ account: autopilotConfig.homeAccount, region: "us-east-1" }, name);
const ofMember = (name: string) => roleArn({ account: "210987654321", region: "us-east-1" }, name);

it("the roles that the configuration names speak as operators, and nobody else", () => {
  expect(speakers(["mesh/operators"], "ztunnel-autopilot.operator")).toEqual(["operators"]);
});

it("where it names none, roles of the home account do that may put events", () => {
  expect(speakers([], "ztunnel-autopilot.operator")).toEqual(["operators", "pipeline"]);
});

it("only functions speak as the autopilot, also where operators are named", () => {
  expect(speakers(["mesh/operators"], "ztunnel-autopilot")).toEqual(["function"]);
  expect(speakers([], "ztunnel-autopilot")).toEqual(["function"]);
});
