import { beforeEach, describe, expect, it } from "vitest";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import { ACCOUNT, ecsHarness, REGION, webDefinition, webService } from "./ecs-harness.ts";

const MINUTE = 60_000;

function first(list: unknown): JsonObject {
  const [item] = Array.isArray(list) ? list : [];
  if (!isJsonObject(item)) throw new Error("an empty list");
  return item;
}

describe("a strategy of simulated ECS's deployments", () => {
  let harness: ReturnType<typeof ecsHarness>;
  beforeEach(async () => {
    harness = ecsHarness();
    await harness.call("CreateCluster");
    await harness.call("RegisterTaskDefinition", webDefinition);
    await harness.call("CreateService", webService);
    await harness.clock.advance(2 * MINUTE);
  });
  const latestArn = async () =>
    first((await harness.call("ListServiceDeployments", { service: "web" })).serviceDeployments).serviceDeploymentArn;
  async function latest(): Promise<JsonObject> {
    const serviceDeploymentArns = [(await latestArn()) ?? ""];
    return first((await harness.call("DescribeServiceDeployments", { serviceDeploymentArns })).serviceDeployments);
  }
  async function deployments(): Promise<unknown> {
    return first((await harness.call("DescribeServices", { services: ["web"] })).services).deployments;
  }
  const deploy = (deploymentConfiguration: JsonObject) =>
    harness.call("UpdateService", { service: "web", forceNewDeployment: true, deploymentConfiguration });

  it("BLUE_GREEN runs both revisions through the bake, then stops the old one", async () => {
    await deploy({ strategy: "BLUE_GREEN", bakeTimeInMinutes: 30 });
    await harness.clock.advance(10 * MINUTE);
    expect(await latest()).toMatchObject({ status: "IN_PROGRESS", lifecycleStage: "BAKE_TIME" });
    expect(await deployments()).toMatchObject([
      { status: "PRIMARY", rolloutState: "IN_PROGRESS", runningCount: 1 },
      { status: "ACTIVE", runningCount: 1 },
    ]);
    await harness.clock.advance(25 * MINUTE);
    expect(await latest()).toMatchObject({ status: "SUCCESSFUL", lifecycleStage: "CLEAN_UP" });
    expect(await deployments()).toMatchObject([{ status: "PRIMARY", rolloutState: "COMPLETED", runningCount: 1 }]);
  });

  it.each([
    { strategy: "LINEAR", linearConfiguration: { stepPercent: 30, stepBakeTimeInMinutes: 5 }, minutes: 15 },
    { strategy: "CANARY", canaryConfiguration: { canaryPercent: 10, canaryBakeTimeInMinutes: 20 }, minutes: 20 },
  ])("$strategy shifts production traffic for $minutes minutes", async ({ minutes, ...configuration }) => {
    await deploy(configuration);
    await harness.clock.advance(minutes * MINUTE);
    expect(await latest()).toMatchObject({ status: "IN_PROGRESS", lifecycleStage: "PRODUCTION_TRAFFIC_SHIFT" });
    await harness.clock.advance(2 * MINUTE);
    expect(await latest()).toMatchObject({ status: "SUCCESSFUL" });
  });

  it("ROLLING bakes once the old tasks are gone", async () => {
    await deploy({ bakeTimeInMinutes: 10 });
    await harness.clock.advance(8 * MINUTE);
    expect(await latest()).toMatchObject({ status: "IN_PROGRESS", lifecycleStage: "BAKE_TIME" });
    expect(await deployments()).toMatchObject([{ rolloutState: "IN_PROGRESS", runningCount: 1 }]);
    await harness.clock.advance(5 * MINUTE);
    expect(await latest()).toMatchObject({ status: "SUCCESSFUL" });
  });

  describe("with a pause before its tasks are started", () => {
    const paused = (action: string): JsonObject => ({
      strategy: "BLUE_GREEN",
      lifecycleHooks: [
        {
          targetType: "PAUSE",
          lifecycleStages: ["PRE_SCALE_UP"],
          timeoutConfiguration: { timeoutInMinutes: 60, action },
        },
      ],
    });
    const hook = async () => first((await latest()).lifecycleHookDetails);

    it("waits for an action, and goes on", async () => {
      await deploy(paused("ROLLBACK"));
      await harness.clock.advance(30 * MINUTE);
      const { hookId = "", status } = await hook();
      expect(status).toBe("AWAITING_ACTION");
      expect(await latest()).toMatchObject({ status: "IN_PROGRESS", lifecycleStage: "PRE_SCALE_UP" });
      expect(await deployments()).toMatchObject([{ runningCount: 0, pendingCount: 0 }, { runningCount: 1 }]);
      const serviceDeploymentArn = (await latestArn()) ?? "";
      await harness.call("ContinueServiceDeployment", { serviceDeploymentArn, hookId });
      await harness.clock.advance(2 * MINUTE);
      expect(await latest()).toMatchObject({ status: "SUCCESSFUL" });
      await expect(harness.call("ContinueServiceDeployment", { serviceDeploymentArn, hookId })).rejects.toThrow(
        "does not await an action",
      );
    });

    it.each([
      ["ROLLBACK", "ROLLBACK_SUCCESSFUL"],
      ["CONTINUE", "SUCCESSFUL"],
    ])("that times out does what it says: %s", async (action, status) => {
      await deploy(paused(action));
      await harness.clock.advance(70 * MINUTE);
      expect(await hook()).toMatchObject({ status: "TIMED_OUT", timeoutAction: action });
      expect(await latest()).toMatchObject({ status });
      expect(await deployments()).toMatchObject([{ rolloutState: "COMPLETED", runningCount: 1 }]);
    });
  });

  it.each([
    ["SUCCEEDED", "SUCCESSFUL"],
    ["FAILED", "ROLLBACK_SUCCESSFUL"],
  ])("heeds a function that answers %s in the end", async (answer, status) => {
    const answers = ["IN_PROGRESS", answer];
    harness.context.functions.provide({
      invoke: async () => ({ hookStatus: answers.shift() ?? "", callBackDelay: 60 }),
      invokeAsync: () => undefined,
    });
    const hookTargetArn = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:check`;
    await deploy({
      strategy: "BLUE_GREEN",
      lifecycleHooks: [{ hookTargetArn, lifecycleStages: ["POST_TEST_TRAFFIC_SHIFT"] }],
    });
    await harness.clock.advance(5 * MINUTE);
    expect(await latest()).toMatchObject({
      status,
      lifecycleHookDetails: [{ status: answer, targetArn: hookTargetArn }],
    });
    expect(answers).toEqual([]);
  });

  const hookArn = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:check`;

  it.each([
    [{ hookStatus: "FAILED" }, `Lifecycle hook target ${hookArn} returned FAILED status.`],
    [{ status: "fine" }, `ECS was unable to parse the response from ${hookArn} due to: HookStatus must not be null.`],
  ])("says why a function's answer %j rolled it back", async (answer, problem) => {
    harness.context.functions.provide({ invoke: async () => answer, invokeAsync: () => undefined });
    await deploy({
      strategy: "BLUE_GREEN",
      lifecycleHooks: [{ hookTargetArn: hookArn, lifecycleStages: ["PRE_SCALE_UP"] }],
    });
    await harness.clock.advance(5 * MINUTE);
    const statusReason = `Service deployment rolled back because PRE_SCALE_UP lifecycle hook(s) failed. ${problem}`;
    expect(await latest()).toMatchObject({ status: "ROLLBACK_SUCCESSFUL", statusReason });
    expect(first((await latest()).lifecycleHookDetails)).not.toHaveProperty("problem");
    const { events } = first((await harness.call("DescribeServices", { services: ["web"] })).services);
    expect(JSON.stringify(events)).toContain(`deployment failed: ${statusReason}`);
  });

  it("has alarms that roll it back when one goes off, and only then", async () => {
    const alarms = { alarmNames: ["errors"], enable: true, rollback: true };
    const goesOff = (alarmName: string, region = REGION) =>
      harness.context.alarmChanges.publish({ account: ACCOUNT, region, alarmName, state: "ALARM" });
    await deploy({ bakeTimeInMinutes: 10, alarms });
    await harness.clock.advance(5 * MINUTE);
    goesOff("others");
    goesOff("errors", "eu-west-1");
    expect(await latest()).toMatchObject({ status: "IN_PROGRESS", alarms: { status: "MONITORING" } });
    goesOff("errors");
    await harness.clock.advance(2 * MINUTE);
    expect(await latest()).toMatchObject({
      status: "ROLLBACK_SUCCESSFUL",
      alarms: { status: "TRIGGERED", triggeredAlarmNames: ["errors"] },
    });
    expect(await deployments()).toMatchObject([{ rolloutState: "COMPLETED", runningCount: 1 }]);
    goesOff("errors");
    expect(await deployments()).toMatchObject([{ rolloutState: "COMPLETED" }]);
  });

  it.each([
    ["ROLLBACK", "ROLLBACK_SUCCESSFUL", 1],
    ["ABORT", "STOPPED", 2],
  ])("is stopped with %s", async (stopType, status, tasks) => {
    await deploy({ strategy: "CANARY" });
    await harness.clock.advance(5 * MINUTE);
    const serviceDeploymentArn = (await latestArn()) ?? "";
    await harness.call("StopServiceDeployment", { serviceDeploymentArn, stopType });
    await harness.clock.advance(20 * MINUTE);
    expect(await latest()).toMatchObject({ status });
    const { taskArns } = await harness.call("ListTasks", { serviceName: "web" });
    expect(taskArns).toHaveLength(tasks);
    await expect(harness.call("StopServiceDeployment", { serviceDeploymentArn })).rejects.toThrow("can be stopped");
  });

  it("that ECS does not know is refused", async () => {
    await expect(deploy({ strategy: "RAINBOW" })).rejects.toMatchObject({ name: "InvalidParameterException" });
  });
});
