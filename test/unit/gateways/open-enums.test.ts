import { describe, expect, it } from "vitest";
import { DEAD_LETTERS } from "../../../shared/base/own-alarms.ts";
import { readAlarmChange } from "../../../shared/events/alarms.ts";
import { observedService, observedTask } from "../../../shared/gateways/aws/ecs-shapes.ts";
import { hasEndedExecution } from "../../../shared/model/execution-status.ts";
import { alarmStory } from "../../../shared/slack/alarm-message.ts";

/** A value that AWS may add to any of its lists tomorrow. */
const NEW = "SOMETHING_NEW";

const service = {
  serviceArn: "arn:aws:ecs:us-east-1:123456789012:service/shop/cart",
  status: "ACTIVE",
  deployments: [
    { id: "ecs-svc/1", status: "PRIMARY", taskDefinition: "cart:2", rolloutState: "IN_PROGRESS" },
    { id: "ecs-svc/2", status: "ACTIVE", taskDefinition: "cart:1", rolloutState: "COMPLETED" },
  ],
};

describe("a value that AWS adds to a list of its own", () => {
  it.each(["status", "rolloutState"])("a deployment's %s loses no service", (member) => {
    const [primary, earlier] = service.deployments;
    const read = observedService({ ...service, deployments: [primary, { ...earlier, [member]: NEW }] });
    expect(read?.deployments[1]).toMatchObject({ [member]: NEW });
    expect(read?.taskDefinitionArn).toBe("cart:2");
  });

  it.each([
    ["status", NEW],
    ["launchType", NEW],
    ["platformVersion", NEW],
    ["deploymentController", { type: NEW }],
    ["deploymentConfiguration", { strategy: NEW, lifecycleHooks: [{ targetType: NEW }] }],
    ["taskSets", [{ status: NEW }]],
  ])("a service's %s is read", (member, value) => {
    expect(observedService({ ...service, [member]: value })?.ref.serviceName).toBe("cart");
  });

  it("a task's statuses are read", () => {
    const task = { taskArn: "task/1", taskDefinitionArn: "cart:2", lastStatus: NEW, stopCode: NEW, healthStatus: NEW };
    const container = { name: "app", lastStatus: NEW, healthStatus: NEW };
    expect(observedTask({ ...task, containers: [container] })).toMatchObject({ ...task, containers: [container] });
  });

  it("an execution's status does not count as ended", () => {
    expect(["RUNNING", NEW].map(hasEndedExecution)).toEqual([false, false]);
    expect(["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"].every(hasEndedExecution)).toBe(true);
  });

  it("an alarm's state is reported as it is", () => {
    const change = readAlarmChange({
      source: "aws.cloudwatch",
      "detail-type": "CloudWatch Alarm State Change",
      account: "123456789012",
      region: "us-east-1",
      detail: { alarmName: "errors", state: { value: NEW }, previousState: { value: NEW } },
    });
    expect(change?.state).toBe(NEW);
    expect(change && JSON.stringify(alarmStory(change, DEAD_LETTERS))).toContain(`new to the autopilot: ${NEW}`);
  });
});
