import { describe, expect, it } from "vitest";
import type { Lab } from "../../lab/autopilot/lab.ts";
import { functionRoleArn, labDeployment } from "../../lab/autopilot/roles.ts";
import { functions } from "../../stacks/definitions/functions.ts";
import { functionStatements, lambdaTrust, policy } from "../../stacks/definitions/permissions.ts";
import { demo, ENROLL, guideFleet } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";

/** Takes an action from a function's role, as somebody does who edits the deployed policy. */
function withdraw({ iam, config }: Lab, functionName: string, action: string): void {
  const deployment = labDeployment(config);
  const definition = functions.find(({ name }) => name === functionName);
  if (!definition) throw new Error(`there is no ${functionName}`);
  const left = functionStatements(definition, deployment)
    .map((statement) => ({ ...statement, Action: statement.Action.filter((one) => one !== action) }))
    .filter(({ Action }) => Action.length > 0);
  const roleArn = functionRoleArn(deployment, functionName);
  iam.putRole({ roleArn, trust: lambdaTrust(deployment), policies: [policy(left)] });
}

describe("a role that lacks a permission", () => {
  it("to update services ends the roll, and the message names the action and the resource", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      const echo = demo("echo-service");
      withdraw(driver.lab, "roll/apply", "ecs:UpdateService");
      await driver.tag(echo, { [ENROLL]: "true" });
      await driver.until("the roll has failed", 10, () => driver.ended(echo, "failed"));
      await driver.minutes(2);
      const texts = driver.lab.slack.messages().map(({ text }) => text);
      expect(texts.join("\n")).toContain("ecs:UpdateService");
      expect(driver.lab.logs.map(({ line }) => line).join("\n")).toMatch(
        /assumed-role\/ztunnel-autopilot-roll-apply\/ztunnel-autopilot-roll-apply is not authorized to perform: ecs:UpdateService on resource: arn:aws:ecs:us-east-1:123456789012:service\/\S+echo-service because no identity-based policy allows/,
      );
    }));

  it("on the ledger's table fails the function, whose log names the table", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      const { lab } = driver;
      withdraw(lab, "sweep-services", "dynamodb:Scan");
      await lab.lambda.invokeAsync("sweep-services", {});
      await driver.minutes(1);
      expect(lab.lambda.failures.map(({ functionName }) => functionName)).toContain("sweep-services");
      const lines = lab.logs.filter(({ functionName }) => functionName === "sweep-services").map(({ line }) => line);
      expect(lines.join("\n")).toMatch(/dynamodb:Scan on resource: \S+table\/ztunnel-autopilot-ledger/);
    }));
});
