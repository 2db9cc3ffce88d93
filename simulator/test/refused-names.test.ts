import { expect, it } from "vitest";
import { Ssm } from "../aws/ssm/ssm.ts";
import { StepFunctions } from "../aws/step-functions/step-functions.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";
import { Simulator } from "../core/simulator.ts";

const here = { account: "123456789012", region: "us-east-1" };

it.each([
  ["/aws/x", "AccessDeniedException"],
  ["/AWS", "AccessDeniedException"],
  ["aws-x", "ValidationException"],
  ["ssm-x", "ValidationException"],
  ["/ssm/x", "ValidationException"],
])("refuse the parameter name %s, which is AWS's own, as %s", async (Name, error) => {
  const clock = new VirtualClock();
  const simulator = new Simulator({ clock });
  simulator.add((context) => new Ssm(context));
  const headers = { "x-amz-target": "AmazonSSM.PutParameter" };
  const body = JSON.stringify({ Name, Type: "String", Value: "1" });
  const answer = await simulator.handle({ method: "POST", path: "/", query: {}, headers, body }, here);
  expect({ status: answer.status, body: answer.body }).toEqual({ status: 400, body: expect.stringContaining(error) });
});

it("names a malformed ARN of a state machine to whom describes it", async () => {
  const clock = new VirtualClock();
  const simulator = new Simulator({ clock });
  simulator.add((context) => new StepFunctions(context));
  const headers = { "x-amz-target": "AWSStepFunctions.DescribeStateMachine" };
  const body = JSON.stringify({ stateMachineArn: "nope" });
  const answer = await simulator.handle({ method: "POST", path: "/", query: {}, headers, body }, here);
  expect(answer.body).toContain("InvalidArn");
});
