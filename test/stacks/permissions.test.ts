import { readdirSync, readFileSync } from "node:fs";
import { VirtualClock } from "@ztunnel-autopilot/simulator";
import { beforeAll, describe, expect, it } from "vitest";
import { Lab } from "../../lab/autopilot/lab.ts";
import { demoFleet } from "../../lab/fleet/demo.ts";
import { acts } from "../../lab/story/acts.ts";
import { LabDriver } from "../../lab/story/lab-driver.ts";
import { storyConfig } from "../../lab/story/story.ts";
import { environmentVariables, functionNames } from "../../shared/base/vocabulary.ts";
import { parseConfig } from "../../shared/config/config.ts";
import type { AutopilotDeployment } from "../../stacks/definitions/deployment.ts";
import { functions } from "../../stacks/definitions/functions.ts";
import { functionStatements, kubernetesPrincipals, memberStatements } from "../../stacks/definitions/permissions.ts";
import { isTargetScope } from "../../stacks/definitions/scopes.ts";
import { deploymentOf } from "../../stacks/deployment.ts";
import { reachedCalls } from "./support/reached-calls.ts";
import wideConfig from "./support/wide.config.ts";

const root = new URL("../../", import.meta.url);
const deployment = deploymentOf(parseConfig(wideConfig), "prod");
const names = functions.map(({ name }) => name);

/** Actions that AWS requires in addition to the call's own. */
const impliedBy: Readonly<Record<string, readonly string[]>> = {
  // A revision may have tags:
  // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html
  "ecs:RegisterTaskDefinition": ["iam:PassRole", "ecs:TagResource"],
  // With tags: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
  "secretsmanager:CreateSecret": ["secretsmanager:TagResource"],
};

function definitionOf(name: string) {
  const found = functions.find((one) => one.name === name);
  if (!found) throw new Error(`${name} is not defined`);
  return found;
}

function declaredActions(name: string): string[] {
  return [...new Set(definitionOf(name).calls.flatMap(({ actions }) => actions))].sort();
}

describe("the functions' permissions", () => {
  it("are defined for every handler", () => {
    const files = readdirSync(new URL("functions", root), { recursive: true, encoding: "utf8" });
    const handlers = files.filter(
      (file) =>
        file.endsWith(".ts") && /export const handler\b/.test(readFileSync(new URL(`functions/${file}`, root), "utf8")),
    );
    expect(handlers.map((file) => file.replace(/\.ts$/, "")).sort()).toEqual([...names].sort());
    expect([...functionNames].sort()).toEqual([...names].sort());
  });

  it.each(names)("of %s are exactly the calls that its code can make", async (name) => {
    const { actions, reads, modules } = await reachedCalls(name);
    const implied = actions.flatMap((action) => impliedBy[action] ?? []);
    expect(declaredActions(name)).toEqual([...new Set([...actions, ...implied])].sort());
    const talksToKubernetes = modules.includes("functions/control-planes.ts");
    expect(definitionOf(name).kubernetes === true).toBe(talksToKubernetes);
    const starts = (scope: string) => definitionOf(name).calls.some((one) => one.scope === scope);
    expect(starts("roll-service")).toBe(reads.has("executions.startExecution"));
    expect(starts("roll-fleet")).toBe(reads.has("fleetExecutions.startExecution"));
  });

  it("have the environment variables that every function reads", () => {
    const contextSource = readFileSync(new URL("functions/context.ts", root), "utf8");
    const variables = [...contextSource.matchAll(/^ {2}([A-Z][A-Z_]+): z\./gm)].map(([, variable]) => variable);
    expect([...environmentVariables].sort()).toEqual(variables.sort());
  });
});

describe("the functions' calls in the lab's story", () => {
  const called = new Map<string, Set<string>>();

  beforeAll(async () => {
    const clock = new VirtualClock(Date.parse("2026-01-05T12:00:00Z"));
    const lab = new Lab({
      clock,
      config: storyConfig(),
      onFunctionCall: (call, functionName) => {
        const actions = called.get(functionName) ?? new Set();
        called.set(functionName, actions.add(call.replace(".", ":")));
      },
    });
    const driver = new LabDriver(lab);
    await clock.run(
      (async () => {
        await lab.prepare(demoFleet);
        await driver.minutes(3);
        for (const act of acts) await act.play(driver);
      })(),
    );
  }, 180_000);

  it("cover many functions", () => {
    expect([...called.keys()].length).toBeGreaterThan(8);
    expect(called.get("roll/apply")).toContain("ecs:UpdateService");
  });

  it.each(names)("of %s are permitted", (name) => {
    const aws = [...(called.get(name) ?? [])].filter((call) =>
      /^(ecs|eks|events|secretsmanager|ssm|states|sts):/.test(call),
    );
    expect(declaredActions(name)).toEqual(expect.arrayContaining(aws));
  });
});

describe("statements", () => {
  it("limit ECS's actions to the regions and the account in which services run", () => {
    const [update] = functionStatements(definitionOf("roll/revert"), deployment).filter(({ Action }) =>
      Action.includes("ecs:UpdateService"),
    );
    expect(update?.Resource).toEqual([
      "arn:aws:ecs:eu-west-1:111111111111:service/*",
      "arn:aws:ecs:us-west-2:111111111111:service/*",
    ]);
  });

  it("name control planes, their secrets and Slack's secret exactly", () => {
    const resources = functionStatements(definitionOf("watch-root-ca"), deployment).flatMap(({ Resource }) => Resource);
    expect(resources).toContain("arn:aws:eks:us-east-2:111111111111:cluster/ambient-home");
    expect(resources).toContain(
      "arn:aws:secretsmanager:us-east-1:111111111111:secret:mesh-elsewhere-kubeconfig-??????",
    );
    const slack = functionStatements(definitionOf("notify-slack"), deployment).at(-1);
    expect(slack?.Resource).toEqual(["arn:aws:secretsmanager:us-east-1:111111111111:secret:ops/slack-??????"]);
  });

  it("are empty without targets", () => {
    const nowhere: AutopilotDeployment = {
      ...deployment,
      targets: [],
      eksClusters: [],
      kubeconfigSecrets: [],
      alarms: [],
    };
    const left = functionStatements(definitionOf("roll/apply"), nowhere).flatMap(({ Action }) => Action);
    expect(left.filter((action) => !action.startsWith("dynamodb:"))).toEqual([]);
  });

  it("fit into a role's policy with services in every region", () => {
    const regions = Array.from({ length: 20 }, (_, index) => ({
      account: "111111111111",
      region: `ap-southeast-${index}`,
    }));
    for (const definition of functions) {
      const statements = functionStatements(definition, { ...deployment, targets: regions });
      // The statements for logs, the queue and the network need the rest of IAM's limit.
      expect(JSON.stringify(statements).length, definition.name).toBeLessThan(9_000);
      expect(JSON.stringify(statements)).not.toContain('"Resource":[]');
    }
  });

  it("limit many regions by a condition, which is added to existing ones", () => {
    const targets = Array.from({ length: 7 }, (_, index) => ({ account: "111111111111", region: `eu-north-${index}` }));
    const tagging = functionStatements(definitionOf("roll/finish"), { ...deployment, targets }).find(({ Action }) =>
      Action.includes("ecs:UntagResource"),
    );
    expect(tagging?.Resource).toEqual(["arn:aws:ecs:*:111111111111:service/*"]);
    expect(tagging?.Condition).toEqual({
      "ForAllValues:StringEquals": {
        "aws:TagKeys": ["ecs.solo.io/namespace", "ecs.solo.io/service-account", "ecs.solo.io/ports"],
      },
      Null: { "aws:TagKeys": "false" },
      StringEquals: { "aws:RequestedRegion": targets.map(({ region }) => region) },
    });
  });

  it("of a member role are those of the functions in target accounts", () => {
    const wanted = functions.flatMap(({ calls }) => calls.filter(({ scope }) => isTargetScope(scope)));
    const inMember = memberStatements("222222222222", deployment).flatMap(({ Action }) => Action);
    const expected = new Set(wanted.flatMap(({ actions }) => actions));
    expected.delete("eks:DescribeCluster"); // its control plane is in another account
    expect(new Set(inMember)).toEqual(expected);
    expect(JSON.stringify(memberStatements("222222222222", deployment))).not.toContain("111111111111");
  });

  it("belong to roles that a control plane can authorize by name", () => {
    const talking = functions.filter(({ kubernetes }) => kubernetes).map(({ name }) => name.replace("/", "-"));
    expect(kubernetesPrincipals(deployment, "111111111111")).toEqual(
      talking.map((name) => `arn:aws:iam::111111111111:role/mesh-pilot-prod-${name}`).sort(),
    );
    expect(kubernetesPrincipals(deployment, "444444444444")).toEqual([
      "arn:aws:iam::444444444444:role/platform/mesh-pilot-member",
    ]);
  });

  it("of an account that has only a control plane allow describing the cluster", () => {
    expect(memberStatements("444444444444", deployment)).toEqual([
      {
        Effect: "Allow",
        Action: ["eks:DescribeCluster"],
        Resource: ["arn:aws:eks:eu-central-1:444444444444:cluster/ambient-shared"],
      },
    ]);
  });
});
