import { SFNClient, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { beforeEach, describe, expect, it } from "vitest";
import { type ExecutionsGateway, executionsGateway } from "../../shared/gateways/aws/executions.ts";
import { failCalls } from "../support/altered-calls.ts";
import { FakeExecutions } from "../support/fakes/executions.ts";
import { HOME_ACCOUNT, simulatedExecutions } from "../support/simulated-clients.ts";
import { type CallFailure, failOperation, itThrowsFailures } from "./support/call-failures.ts";

interface Subject {
  readonly port: ExecutionsGateway;
  /** The task token of a waiting execution. */
  tokenOf(name: string): Promise<string>;
  end(name: string, status: "SUCCEEDED" | "ABORTED"): Promise<void>;
  fail(call: keyof ExecutionsGateway, failure: CallFailure): void;
}

const stateMachineArn = `arn:aws:states:us-east-1:${HOME_ACCOUNT}:stateMachine:RollService`;

function throughGateway(): Subject {
  const simulated = simulatedExecutions(stateMachineArn);
  const { home } = simulated.clients;
  const operations = {
    startExecution: "states.StartExecution",
    describeExecution: "states.DescribeExecution",
    sendTaskSuccess: "states.SendTaskSuccess",
  };
  const port = executionsGateway(home, { stateMachineArn });
  const tokenOf = async (name: string) => {
    await simulated.clock.advance(1);
    return simulated.tokenOf(name);
  };
  return {
    port,
    tokenOf,
    end: async (name, status) => {
      const executionArn = `${stateMachineArn.replace(":stateMachine:", ":execution:")}:${name}`;
      if (status === "SUCCEEDED") await port.sendTaskSuccess(await tokenOf(name), {});
      else await home(SFNClient).send(new StopExecutionCommand({ executionArn }));
      await simulated.clock.advance(1);
    },
    fail: (call, failure) => failOperation(simulated, operations[call], failure),
  };
}

function fake(): Subject {
  const port = new FakeExecutions();
  return {
    port,
    tokenOf: async (name) => {
      port.wait(`token of ${name}`, name);
      return `token of ${name}`;
    },
    end: async (name, status) => port.end(name, status),
    fail: (call, failure) => failCalls(port, call, failure),
  };
}

describe.each([
  ["of the gateway", throughGateway],
  ["of the fake", fake],
])("the executions %s", (_name, open) => {
  const roll = { name: "web-1", input: { serviceArn: "web", attemptKey: "a" } };
  let subject: Subject;
  beforeEach(() => {
    subject = open();
  });

  it("are RUNNING after their start", async () => {
    expect(await subject.port.describeExecution(roll.name)).toBeUndefined();
    expect(await subject.port.startExecution(roll)).toEqual({ started: true });
    expect(await subject.port.describeExecution(roll.name)).toBe("RUNNING");
    expect(await subject.port.describeExecution("web-2")).toBeUndefined();
  });

  it("count as started if the same execution runs already", async () => {
    await subject.port.startExecution(roll);
    expect(await subject.port.startExecution(roll)).toEqual({ started: true });
  });

  it("are not started if one with the same name and another input runs", async () => {
    await subject.port.startExecution(roll);
    const other = { ...roll, input: { ...roll.input, attemptKey: "b" } };
    expect(await subject.port.startExecution(other)).toEqual({ started: false, status: "RUNNING" });
  });

  it.each([
    ["was aborted", "ABORTED"],
    ["has succeeded", "SUCCEEDED"],
  ] as const)("are not started under the name of one that %s", async (_what, status) => {
    await subject.port.startExecution(roll);
    await subject.end(roll.name, status);
    expect(await subject.port.startExecution(roll)).toEqual({ started: false, status });
    expect(await subject.port.describeExecution(roll.name)).toBe(status);
  });

  it("accept their task token once", async () => {
    await subject.port.startExecution(roll);
    const token = await subject.tokenOf(roll.name);
    expect(await subject.port.sendTaskSuccess(token, { verdict: "succeeded" })).toBe(true);
    expect(await subject.port.sendTaskSuccess(token, { verdict: "succeeded" })).toBe(false);
  });

  it("don't accept a token after their end, or an unknown token", async () => {
    await subject.port.startExecution(roll);
    const token = await subject.tokenOf(roll.name);
    await subject.end(roll.name, "ABORTED");
    expect(await subject.port.sendTaskSuccess(token, {})).toBe(false);
    expect(await subject.port.sendTaskSuccess("token of nobody", {})).toBe(false);
  });

  itThrowsFailures<ExecutionsGateway>(
    {
      startExecution: (port) => port.startExecution(roll),
      describeExecution: (port) => port.describeExecution(roll.name),
      sendTaskSuccess: (port) => port.sendTaskSuccess("token", {}),
    },
    () => subject,
  );
});
