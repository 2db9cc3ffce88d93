import { describe, expect, it } from "vitest";
import { busGateway } from "../../../shared/gateways/aws/bus.ts";
import { executionsGateway } from "../../../shared/gateways/aws/executions.ts";
import type { BusEvent } from "../../../shared/ports/ports.ts";
import { type WireAnswer, type WireCall, wire } from "../../support/wire.ts";

type Answer = (call: WireCall, index: number) => WireAnswer;

describe("the bus", () => {
  const event: BusEvent = { detailType: "Service Enrolled", detail: { version: 1 }, resources: ["arn:service"] };
  function gateway(answer: Answer) {
    const aws = wire(answer);
    return { aws, bus: busGateway(aws.clients.home, { busName: "ztunnel-autopilot" }) };
  }
  const accepted: Answer = () => ({ body: { FailedEntryCount: 0, Entries: [] } });

  it("puts events with the autopilot as their source", async () => {
    const { aws, bus } = gateway(accepted);
    await bus.putEvents([event]);
    expect(aws.calls[0]?.input).toEqual({
      Entries: [
        {
          EventBusName: "ztunnel-autopilot",
          Source: "ztunnel-autopilot",
          DetailType: "Service Enrolled",
          Detail: '{"version":1}',
          Resources: ["arn:service"],
        },
      ],
    });
  });

  it("puts ten events at a time, and makes no call without events", async () => {
    const { aws, bus } = gateway(accepted);
    await bus.putEvents(Array.from({ length: 21 }, () => event));
    expect(aws.calls.map(({ input }) => (Array.isArray(input.Entries) ? input.Entries.length : 0))).toEqual([
      10, 10, 1,
    ]);
    await bus.putEvents([]);
    expect(aws.calls).toHaveLength(3);
  });

  it.each([
    ["ThrottlingException", "throttled"],
    ["InternalFailure", "aws-unavailable"],
  ])("fails when AWS refuses an entry with %s", async (ErrorCode, code) => {
    const { bus } = gateway(() => ({
      body: { FailedEntryCount: 1, Entries: [{ EventId: "1" }, { ErrorCode, ErrorMessage: "no" }] },
    }));
    await expect(bus.putEvents([event, event])).rejects.toMatchObject({ code, retryable: true });
  });
});

describe("the executions of a state machine", () => {
  const stateMachineArn = "arn:aws:states:us-east-1:111111111111:stateMachine:RollService";
  function gateway(answer: Answer) {
    const aws = wire(answer);
    return { aws, executions: executionsGateway(aws.clients.home, { stateMachineArn }) };
  }
  const start = { name: "roll-1", input: { serviceArn: "arn" } };

  it("start by name with their input", async () => {
    const { aws, executions } = gateway(() => ({ body: { executionArn: "arn:execution", startDate: 1784000000 } }));
    expect(await executions.startExecution(start)).toEqual({ started: true });
    expect(aws.calls[0]?.input).toEqual({ stateMachineArn, name: "roll-1", input: '{"serviceArn":"arn"}' });
  });

  it("don't start twice with one name, and the status of the existing execution is returned", async () => {
    const { aws, executions } = gateway(({ operation }) =>
      operation === "StartExecution"
        ? { error: "ExecutionAlreadyExists" }
        : { body: { executionArn: "a", stateMachineArn, status: "FAILED", startDate: 1784000000 } },
    );
    expect(await executions.startExecution(start)).toEqual({ started: false, status: "FAILED" });
    expect(aws.calls[1]?.input).toEqual({
      executionArn: "arn:aws:states:us-east-1:111111111111:execution:RollService:roll-1",
    });
  });

  it("have no status if they don't exist", async () => {
    const { executions } = gateway(() => ({ error: "ExecutionDoesNotExist" }));
    expect(await executions.describeExecution("roll-1")).toBeUndefined();
  });

  it("receive a task's result by its token", async () => {
    const { aws, executions } = gateway(() => ({ body: {} }));
    expect(await executions.sendTaskSuccess("token-1", { verdict: "succeeded" })).toBe(true);
    expect(aws.calls[0]?.input).toEqual({ taskToken: "token-1", output: '{"verdict":"succeeded"}' });
  });

  it.each(["TaskDoesNotExist", "TaskTimedOut"])("don't wait for a token any more after %s", async (error) => {
    const { executions } = gateway(() => ({ error }));
    expect(await executions.sendTaskSuccess("token-1", {})).toBe(false);
  });

  it("have no token in an error's text", async () => {
    const { executions } = gateway(() => ({ error: "InvalidOutput" }));
    const error: unknown = await executions.sendTaskSuccess("token-1", {}).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "aws-rejected" });
    expect(String(error)).not.toContain("token-1");
  });
});
