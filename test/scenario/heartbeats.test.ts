import { describe, expect, it } from "vitest";
import { forwardingRoleArn, installRoles, labDeployment } from "../../lab/autopilot/roles.ts";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { homeBusArn, resourceName, roleArn } from "../../stacks/definitions/deployment.ts";
import { forwardedHeartbeat, heartbeatRoleName, heartbeatsOf } from "../../stacks/definitions/heartbeat.ts";
import { lambdaTrust } from "../../stacks/definitions/permissions.ts";
import { guideFleet } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";

const AT = { account: "210987654321", region: "eu-west-1" };
/** The account's regions: IAM has none of its own. */
const BOTH = ["eu-central-1", "eu-west-1"];
const ofAccount = (name: string) => roleArn(AT, name);

/** The states of the silence alarms, by the ends of their names. */
const states = ({ lab }: LabDriver) =>
  Object.fromEntries(
    lab.cloudWatch
      .state()
      .map(({ AlarmName, StateValue }) => [
        String(AlarmName).replace("ztunnel-autopilot-events-not-forwarded-", ""),
        StateValue,
      ]),
  );

function ruleGone({ lab }: LabDriver): () => void {
  const deployment = labDeployment(lab.config);
  const { name, pattern } = forwardedHeartbeat(heartbeatsOf(deployment));
  const full = resourceName(deployment, name);
  expect(lab.eventBridge.removeRule(AT, full)).toBe(true);
  const roleArn = forwardingRoleArn(deployment, AT.account);
  const targets = [homeBusArn(deployment)];
  return () => lab.eventBridge.putRule(AT, { name: full, pattern: { ...pattern }, targets, roleArn });
}

/** Takes a role its policies; undone by the roles of the stacks. */
function roleDenied({ iam, config }: LabDriver["lab"], arn: string): () => void {
  iam.putRole({ roleArn: arn, trust: lambdaTrust(labDeployment(config)), policies: [] });
  return () => installRoles(iam, config);
}

const messages = ({ lab }: LabDriver) => lab.slack.threads().map(({ text }) => text.split("\n")[0]);

describe("the heartbeats of every region", () => {
  it("arrive, wake no function, and keep their alarms quiet for hours", () =>
    onLab({ fleet: guideFleet, heartbeats: true }, async (driver) => {
      await driver.minutes(180);
      const found = states(driver);
      expect(Object.keys(found).length).toBeGreaterThanOrEqual(2);
      expect(new Set(Object.values(found))).toEqual(new Set(["OK"]));
      expect(messages(driver)).toEqual([]);
      expect(driver.lab.lambda.deadLetters).toEqual([]);
    }));

  it("have their alarms evaluated again after CloudWatch has failed", () =>
    onLab({ fleet: guideFleet, heartbeats: true }, async (driver) => {
      driver.lab.faults.add({ kind: "api-error", match: { call: "cloudwatch.*" } });
      await driver.minutes(60);
      driver.lab.faults.replace([]);
      await driver.minutes(30);
      expect(new Set(Object.values(states(driver)))).toEqual(new Set(["OK"]));
    }));

  it.each<[string, readonly string[], (driver: LabDriver) => () => void]>([
    ["a region whose forwarding rule is gone", [AT.region], ruleGone],
    [
      "an account whose rules may no longer forward",
      BOTH,
      ({ lab }) => roleDenied(lab, forwardingRoleArn(labDeployment(lab.config), AT.account)),
    ],
    [
      "an account whose schedules may no longer send",
      BOTH,
      ({ lab }) => roleDenied(lab, ofAccount(heartbeatRoleName(labDeployment(lab.config)))),
    ],
  ])("of %s stay away: the alarms of %j go off, are reported, and end when it is mended", (_what, regions, breakIt) =>
    onLab({ fleet: guideFleet, heartbeats: true }, async (driver) => {
      await driver.minutes(30);
      const mend = breakIt(driver);
      await driver.minutes(25);
      const own = regions.map((region) => `${AT.account}-${region}`);
      const found = Object.entries(states(driver)).flatMap(([name, state]) => (state === "ALARM" ? [name] : []));
      expect(found.sort()).toEqual(own);
      expect([...messages(driver)].sort()).toEqual(own.map((name) => expect.stringContaining(name)));
      await driver.minutes(60);
      expect(messages(driver)).toHaveLength(own.length);
      mend();
      await driver.minutes(20);
      expect(new Set(Object.values(states(driver)))).toEqual(new Set(["OK"]));
    }),
  );
});
