import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../shared/base/json.ts";
import { containersOf, registerable } from "../../shared/model/task-definition.ts";
import { cart, cartFleet, enrollAs, fleetOf, web, webDefinition } from "./support/fleets.ts";
import { containerOf, eventsOf, expectAtRest, expectMeshed, outcomesOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const warningsIn = (driver: Parameters<typeof eventsOf>[0]): readonly unknown[] =>
  eventsOf(driver, cart).flatMap(({ type, detail }) => (type === "Service Warned" ? [detail.warnings] : []));

describe("the sidecar's log", () => {
  it("follows when the application's goes to a log router, by one roll, and the router waits for nobody", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
      expect(await containerOf(driver, cart, "ztunnel")).toMatchObject({
        logConfiguration: { logDriver: "awslogs", options: { "awslogs-group": "/shop/cart" } },
      });
      await driver.minutes(2);
      const running = registerable(await driver.definitionOf(cart), []);
      const firelens: JsonObject = { logDriver: "awsfirelens", options: { Name: "http" } };
      const router = { name: "router", image: "fluent-bit:1", firelensConfiguration: { type: "fluentbit" } };
      const containers = containersOf(running).map((one) =>
        one.name === "app" ? { ...one, logConfiguration: firelens } : one,
      );
      const deployed = await driver.deploy(cart, { ...running, containerDefinitions: [...containers, router] });
      await driver.until("cart runs another revision", 15, async () => (await driver.revisionOf(cart)) !== deployed);
      await driver.until("the roll has ended", 10, () => driver.ended(cart, "succeeded"));
      await driver.minutes(60);
      await expectMeshed(driver, cart);
      expect(await containerOf(driver, cart, "ztunnel")).toMatchObject({ logConfiguration: firelens });
      expect((await containerOf(driver, cart, "router")).dependsOn ?? []).toEqual([]);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded", "succeeded"]);
      expect(eventsOf(driver, cart).at(-1)?.detail.drift).toEqual(["log-configuration"]);
      await expectAtRest(driver, cart);
    }));
});

describe("the sidecar beside an application's own proxy variables", () => {
  const own = [{ name: "NO_PROXY", value: ".internal" }];
  const proxied = { ...enrollAs("cart"), "ztunnel-autopilot/proxy-env": "true" };
  const cartWith = (environment: readonly JsonObject[]) => {
    const definition = webDefinition("cart");
    const containerDefinitions = containersOf(definition).map((one) => ({ ...one, environment }));
    return fleetOf([web("cart", { taskDefinition: { ...definition, containerDefinitions } })]);
  };

  it("completes NO_PROXY, and leaves nothing behind when the service leaves the mesh", () =>
    onLab({ fleet: cartWith(own) }, async (driver) => {
      await driver.tag(cart, proxied);
      await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
      const { environment } = await containerOf(driver, cart, "app");
      expect(environment).toContainEqual({
        name: "NO_PROXY",
        value: ".internal,169.254.170.2,169.254.169.254,localhost,127.0.0.1",
      });
      expect(warningsIn(driver)).toEqual([]);
      await driver.minutes(40);
      expect(outcomesOf(driver, cart)).toEqual(["succeeded"]);
      await driver.tag(cart, { "ztunnel-autopilot/enroll": "false" });
      await driver.until("cart has left", 15, async () => (await driver.state(cart))?.enrolled === false);
      expect(await containerOf(driver, cart, "app")).toMatchObject({ environment: own });
    }));

  it("adds nothing beside another ALL_PROXY, and warns once", () =>
    onLab({ fleet: cartWith([{ name: "ALL_PROXY", value: "http://proxy:3128" }]) }, async (driver) => {
      await driver.tag(cart, proxied);
      await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
      await driver.minutes(60);
      expect(await containerOf(driver, cart, "app")).toMatchObject({
        environment: [{ name: "ALL_PROXY", value: "http://proxy:3128" }],
      });
      expect(warningsIn(driver)).toEqual([[expect.objectContaining({ code: "proxy-env" })]]);
      await expectAtRest(driver, cart);
    }));
});
