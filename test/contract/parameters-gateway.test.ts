import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { type Faults, Ssm, VirtualClock } from "@ztunnel-autopilot/simulator";
import { beforeEach, describe, expect, it } from "vitest";
import type { AwsClients } from "../../shared/gateways/aws/aws-clients.ts";
import { parametersGateway } from "../../shared/gateways/aws/parameters.ts";
import { HOME_ACCOUNT, MEMBER_ACCOUNT, simulatedClients } from "../support/simulated-clients.ts";

const NAME = "/ztunnel-autopilot/image";

describe("a parameter of an account and region", () => {
  let clients: AwsClients;
  let faults: Faults;

  beforeEach(() => {
    const clock = new VirtualClock(Date.parse("2026-11-21T03:00:00Z"));
    const simulated = simulatedClients(clock);
    simulated.simulator.add((context) => new Ssm(context));
    ({ clients } = simulated);
    ({ faults } = simulated.simulator);
  });

  const put = (Value: string) =>
    clients.home(SSMClient).send(new PutParameterCommand({ Name: NAME, Value, Type: "String", Overwrite: true }));

  it("has its latest value, by its name or its ARN", async () => {
    await put("registry.example.com/ztunnel:1");
    await put("registry.example.com/ztunnel:2");
    const parameters = parametersGateway(clients.home);
    const arn = `arn:aws:ssm:us-east-1:${HOME_ACCOUNT}:parameter${NAME}`;
    expect(await parameters.getParameter(NAME)).toBe("registry.example.com/ztunnel:2");
    expect(await parameters.getParameter(arn)).toBe("registry.example.com/ztunnel:2");
  });

  it("is undefined if it doesn't exist", async () => {
    await put("registry.example.com/ztunnel:1");
    expect(await parametersGateway(clients.home).getParameter("/nope")).toBeUndefined();
    const elsewhere = { account: MEMBER_ACCOUNT, region: "us-east-1" };
    expect(await parametersGateway(clients.at(elsewhere)).getParameter(NAME)).toBeUndefined();
  });

  it("is an error, not undefined, when AWS denies the call or fails", async () => {
    await put("registry.example.com/ztunnel:1");
    const failing = (error: string) => {
      faults.replace([{ kind: "api-error", match: { call: "ssm.GetParameter" }, error }]);
      return parametersGateway(clients.home).getParameter(NAME);
    };
    await expect(failing("AccessDeniedException")).rejects.toMatchObject({ code: "access-denied" });
    await expect(failing("InternalServerError")).rejects.toMatchObject({ code: "aws-unavailable" });
  });
});
