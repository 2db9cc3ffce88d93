import { nextRootCaPem, rootCaPem, VirtualClock } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import { enrolledFleet, enrolledFleetConfig } from "../../lab/autopilot/enrolled-fleet.ts";
import { Lab } from "../../lab/autopilot/lab.ts";
import type { Json } from "../../shared/base/json.ts";
import { START_MS } from "./support/on-lab.ts";

const SERVICES = 12;

interface EnrolledFleet {
  readonly lab: Lab;
  readonly arns: readonly string[];
}

function onFleet<T>(test: (fleet: EnrolledFleet) => Promise<T>): Promise<T> {
  const clock = new VirtualClock(START_MS);
  const lab = new Lab({ clock, config: enrolledFleetConfig(["us-east-1", "eu-west-1"]), schedules: false });
  const run = async () => {
    await lab.prepare();
    return test({ lab, arns: await enrolledFleet(lab, { services: SERVICES, servicesPerIdentity: 4 }) });
  };
  return clock.run(run());
}

const reconcile = ({ lab }: EnrolledFleet, arn: string): Promise<Json> => {
  const [, , , region = "", account = ""] = arn.split(":");
  return lab.lambda.invoke("reconcile-service", {
    source: "aws.ecs",
    "detail-type": "ECS Deployment State Change",
    account,
    region,
    resources: [arn],
    detail: { eventType: "INFO", eventName: "SERVICE_DEPLOYMENT_COMPLETED", deploymentId: "ecs-svc/1", reason: "done" },
  });
};

describe("an enrolled fleet", () => {
  it("is as desired, service by service, without a roll or a message", async () => {
    await onFleet(async (fleet) => {
      const { lab, arns } = fleet;
      expect(new Set(arns).size).toBe(SERVICES);
      const before = await Promise.all(arns.map((arn) => lab.ledger.getService(arn)));
      for (const arn of arns) expect(await reconcile(fleet, arn)).toEqual({ did: "nothing", why: "as-desired" });
      // What only a reconcile finds out about the service and its tasks.
      const found = { createdAtMs: expect.any(Number), taskTags: expect.stringMatching(/^[0-9a-f]{16}$/) };
      const after = await Promise.all(arns.map((arn) => lab.ledger.getService(arn)));
      expect(after).toEqual(before.map((state) => ({ ...state, ...found })));
      expect(lab.rolls()).toEqual([]);
      expect(lab.slack.messages()).toEqual([]);
      expect(lab.lambda.deadLetters).toEqual([]);
    });
  });

  it("is spread over the accounts and regions, with four services per workload identity", async () => {
    await onFleet(async ({ lab, arns }) => {
      const places = arns.map((arn) => arn.split(":").slice(3, 5).join("/"));
      expect(places).toEqual([
        ...Array<string>(4).fill("us-east-1/123456789012"),
        ...Array<string>(4).fill("eu-west-1/210987654321"),
        ...Array<string>(4).fill("us-east-1/123456789012"),
      ]);
      expect(lab.secrets.state().filter(({ Name }) => String(Name).startsWith("ztunnel-autopilot/"))).toHaveLength(3);
    });
  });

  it("waits for a rollout, and starts no roll, when the root CA is rotated", async () => {
    await onFleet(async (fleet) => {
      const { lab, arns } = fleet;
      for (const plane of lab.controlPlanes.values()) plane.setRootCa(`${rootCaPem}${nextRootCaPem}`);
      await lab.lambda.invoke("watch-root-ca", {});
      for (const arn of arns) expect(await reconcile(fleet, arn)).toEqual({ did: "nothing", why: "awaits-rollout" });
    });
  });
});
