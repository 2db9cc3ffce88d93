import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { beforeEach, describe, expect, it } from "vitest";
import { parametersGateway } from "../../shared/gateways/aws/parameters.ts";
import type { ParameterCalls } from "../../shared/ports/ports.ts";
import { failCalls } from "../support/altered-calls.ts";
import { FakeParameters } from "../support/fakes/parameters.ts";
import { HOME_ACCOUNT, MEMBER_ACCOUNT, simulatedParameters } from "../support/simulated-clients.ts";
import { type CallFailure, failOperation, itThrowsFailures } from "./support/call-failures.ts";

interface Subject {
  readonly port: ParameterCalls;
  /** The parameters of another account. */
  readonly elsewhere: ParameterCalls;
  put(name: string, value: string): Promise<void>;
  fail(call: keyof ParameterCalls, failure: CallFailure): void;
}

function throughGateway(): Subject {
  const simulated = simulatedParameters();
  const { home, at } = simulated.clients;
  return {
    port: parametersGateway(home),
    elsewhere: parametersGateway(at({ account: MEMBER_ACCOUNT, region: "us-east-1" })),
    put: async (Name, Value) => {
      await home(SSMClient).send(new PutParameterCommand({ Name, Value, Type: "String", Overwrite: true }));
    },
    fail: (call, failure) =>
      failOperation(simulated, `ssm.${call === "getParameter" ? "Get" : "Put"}Parameter`, failure),
  };
}

function fake(): Subject {
  const port = new FakeParameters();
  return {
    port,
    elsewhere: new FakeParameters(),
    put: async (name, value) => void port.values.set(name, value),
    fail: (call, failure) => failCalls(port, call, failure),
  };
}

describe.each([
  ["of the gateway", throughGateway],
  ["of the fake", fake],
])("the parameters %s", (_name, open) => {
  let subject: Subject;
  beforeEach(() => {
    subject = open();
  });

  it("have their latest value, by name or ARN", async () => {
    await subject.put("/autopilot/image", "ztunnel:1");
    await subject.put("/autopilot/image", "ztunnel:2");
    await subject.put("/autopilot/other", "ztunnel:3");
    expect(await subject.port.getParameter("/autopilot/image")).toBe("ztunnel:2");
    const arn = `arn:aws:ssm:us-east-1:${HOME_ACCOUNT}:parameter/autopilot/image`;
    expect(await subject.port.getParameter(arn)).toBe("ztunnel:2");
  });

  it("are written, and written again", async () => {
    for (const value of ["1", "2"]) await subject.port.putParameter("/autopilot/mark", value);
    expect(await subject.port.getParameter("/autopilot/mark")).toBe("2");
  });

  it("are undefined if they don't exist", async () => {
    await subject.put("/autopilot/image", "ztunnel:1");
    expect(await subject.port.getParameter("/autopilot")).toBeUndefined();
  });

  it("are those of one account and region", async () => {
    await subject.put("/autopilot/image", "ztunnel:1");
    expect(await subject.elsewhere.getParameter("/autopilot/image")).toBeUndefined();
  });

  itThrowsFailures<ParameterCalls>(
    {
      getParameter: (port) => port.getParameter("/autopilot/image"),
      putParameter: (port) => port.putParameter("/autopilot/image", "ztunnel:1"),
    },
    () => subject,
  );
});
