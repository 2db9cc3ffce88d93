import { seededRandom } from "@ztunnel-autopilot/simulator";
import { describe, expect, it } from "vitest";
import { labState } from "../../lab/server/state.ts";
import type { JsonObject } from "../../shared/base/json.ts";
import { targets, tourStops } from "../engines/botocore/tour.ts";
import { mutated } from "../support/odd-json.ts";
import { cart, cartFleet, enrollAs } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";

const MUTATIONS = 60;

describe("requests that nobody should send", () => {
  it("are refused as AWS refuses them, and leave the lab as it can be read", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const { lab } = driver;
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart has joined", 15, () => driver.ended(cart, "succeeded"));
      const [service] = lab.ecs.allServices();
      const [roll] = lab.stepFunctions.listExecutions({ stateMachineArn: lab.rollServiceArn });
      if (!service || !roll) throw new Error("there is no service or no roll");
      const deploymentArn = service.arn.replace(":service/", ":service-deployment/");
      const stops = tourStops({
        serviceArn: service.arn,
        clusterArn: service.cluster.arn,
        serviceDeploymentArn: `${deploymentArn}/1234567890`,
        stateMachineArn: lab.rollServiceArn,
        executionArn: roll.executionArn,
      });
      const random = seededRandom(7);
      const failed = new Map<string, string>();
      const send = async (name: keyof typeof targets, operation: string, input: JsonObject) => {
        const headers = {
          "x-amz-target": `${targets[name]}.${operation}`,
          "content-type": "application/x-amz-json-1.1",
        };
        const body = JSON.stringify(input);
        const request = { method: "POST", path: "/", query: {}, headers, body };
        const { status, body: answer } = await lab.simulator.handle(request, cart);
        if (status >= 500) failed.set(`${name}.${operation}: ${answer.slice(0, 300)}`, body.slice(0, 300));
      };
      for (const [name, operation, input] of stops) {
        await send(name, operation, input);
        for (let nth = 0; nth < MUTATIONS; nth += 1) await send(name, operation, mutated(input, random));
      }
      // Executions that nobody of the product would start.
      for (const text of ["{}", "[]", "7"])
        await send("states", "StartExecution", { stateMachineArn: lab.rollServiceArn, input: text });
      expect(Object.fromEntries(failed)).toEqual({});
      await driver.minutes(30);
      await expect(labState(lab)).resolves.toBeDefined();
    }));
});
