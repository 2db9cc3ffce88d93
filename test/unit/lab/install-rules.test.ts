import { EventBridge, Simulator, VirtualClock } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import { installRules } from "../../../lab/autopilot/install-rules.ts";
import { eventPatterns } from "../../../stacks/definitions/event-patterns.ts";

const SERVICE = "arn:aws:ecs:eu-west-1:222222222222:service/shop/web";
const home = { account: "111111111111", region: "us-east-1" };
const away = { account: "222222222222", region: "eu-west-1" };

describe("the product's rules on the simulated EventBridge", () => {
  it("take a target region's event to the home bus and from there to the functions", async () => {
    const clock = new VirtualClock();
    const delivered: { readonly to: string; readonly event: unknown }[] = [];
    const simulator = new Simulator({ clock });
    const eventBridge = simulator.add((context) => new EventBridge(context));
    simulator.context.functions.provide({
      invoke: async () => null,
      invokeAsync: (to, event) => delivered.push({ to, event }),
    });
    const rules = eventPatterns({ homeAccount: home.account, enrollTagKey: "ztunnel-autopilot/enroll" });
    installRules(eventBridge, rules, home, [home, away]);
    eventBridge.emit({
      version: "0",
      id: "1",
      "detail-type": "ECS Deployment State Change",
      source: "aws.ecs",
      ...away,
      time: "2026-09-18T20:41:38Z",
      resources: [SERVICE],
      detail: { eventName: "SERVICE_DEPLOYMENT_COMPLETED" },
    });
    await clock.advance(10_000);
    expect(delivered.map(({ to }) => to).sort()).toEqual(["reconcile-service", "signal-deployment"]);
    expect(delivered[0]?.event).toMatchObject({ ...away, resources: [SERVICE] });
    expect(eventBridge.log().map(({ busArn }) => busArn)).toEqual([
      "arn:aws:events:eu-west-1:222222222222:event-bus/default",
      "arn:aws:events:us-east-1:111111111111:event-bus/ztunnel-autopilot",
    ]);
  });
});
