import { beforeEach, describe, expect, it } from "vitest";
import { ecsGateway } from "../../shared/gateways/aws/ecs.ts";
import type { EcsCalls } from "../../shared/ports/ports.ts";
import { MEMBER_ACCOUNT, type Simulated, simulatedEcs } from "../support/simulated-clients.ts";
import { webDefinition } from "./support/web-definition.ts";

const place = { account: MEMBER_ACCOUNT, region: "eu-west-1" };
const prefix = `arn:aws:ecs:${place.region}:${place.account}`;

/** Behavior of ECS's gateway that its contract suites (`ecs-*-calls.test.ts`) don't test. */
describe("ECS in an account and region", () => {
  let simulated: Simulated;
  let ecs: EcsCalls;

  beforeEach(() => {
    simulated = simulatedEcs();
    ecs = ecsGateway(simulated.clients.at(place), { now: () => simulated.clock.now() });
  });

  it("is limited to that account and region", async () => {
    expect(await ecs.registerTaskDefinition(webDefinition)).toBe(`${prefix}:task-definition/web:1`);
    const elsewhere = simulated.clients.at({ ...place, region: "us-east-1" });
    const far = ecsGateway(elsewhere, { now: () => simulated.clock.now() });
    expect(await far.describeLatestTaskDefinition("web")).toBeUndefined();
  });

  it("refuses an invalid task definition with the reason", async () => {
    await expect(ecs.registerTaskDefinition({ ...webDefinition, cpu: "257" })).rejects.toMatchObject({
      code: "registration-refused",
      retryable: false,
    });
  });

  it("waits when it registers faster than AWS allows", async () => {
    const startMs = simulated.clock.now();
    for (let revision = 1; revision <= 25; revision += 1) {
      expect(await ecs.registerTaskDefinition(webDefinition)).toBe(`${prefix}:task-definition/web:${revision}`);
    }
    // A burst of 20, then one per second.
    expect(simulated.clock.now() - startMs).toBeGreaterThanOrEqual(4_000);
    expect(simulated.router.calls()["ecs.RegisterTaskDefinition"]).toBeGreaterThan(25);
  });

  it("registers no second revision after a server error", async () => {
    simulated.faults.replace([{ kind: "api-error", match: { call: "ecs.RegisterTaskDefinition" }, count: 1 }]);
    await expect(ecs.registerTaskDefinition(webDefinition)).rejects.toMatchObject({
      code: "aws-unavailable",
      retryable: true,
    });
    expect(simulated.router.calls()["ecs.RegisterTaskDefinition"]).toBe(1);
  });
});
