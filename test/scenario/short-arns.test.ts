import { expect, it } from "vitest";
import type { ServiceName } from "../../lab/story/lab-driver.ts";
import { demo, ENROLL, fleetOf, released, web, webDefinition } from "./support/fleets.ts";
import { expectMeshed, outcomesOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const old: ServiceName = demo("old");
const cart: ServiceName = demo("cart");

it("a service with a short ARN in an enrolled cluster is left out by name, and disturbs nobody", () =>
  onLab(
    {
      // Every service of the cluster is to be enrolled.
      fleet: fleetOf([web("old"), web("cart")], { [ENROLL]: "true" }),
      shortArns: ({ name }) => name === old.name,
    },
    async (driver) => {
      await driver.until("cart is enrolled", 20, () => driver.ended(cart, "succeeded"));
      await driver.deploy(old, released(webDefinition("old"), "app", "shop/old:2"));
      driver.lab.faults.add({ kind: "task-stops", match: { service: "old" }, count: 2 });
      await driver.lab.call(old, "UpdateService", { cluster: "ecs-demo", service: "old", forceNewDeployment: true });
      await driver.minutes(40);
      await expectMeshed(driver, cart);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
      expect(await driver.containersOf(old)).toEqual(["app"]);
      expect(driver.lab.lambda.deadLetters).toEqual([]);
      const lines = driver.lab.logs.flatMap(({ functionName, line }) =>
        functionName === "sweep-services" ? [line] : [],
      );
      const left = lines.filter((line) => line.includes("not swept"));
      expect(left.length, "one line a sweep").toBe(lines.filter((line) => line.includes('"swept"')).length);
      expect(left[0]).toContain('"level":"WARN"');
      expect(left[0]).toContain("arn:aws:ecs:us-east-1:123456789012:service/old");
    },
  ));
