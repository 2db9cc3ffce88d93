import { describe, expect, it } from "vitest";
import { isJsonObject } from "../../shared/base/json.ts";
import { objectsAt, textAt } from "../../shared/base/json-fields.ts";
import { cart, cartFleet, enrollAs } from "./support/fleets.ts";
import { eventsOf, outcomesOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const CLOUDWATCH = "GraniteServiceVersion20100801";

describe("a roll whose deployment", () => {
  it("a person stops is reverted, and says so", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const first = await driver.revisionOf(cart);
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("the roll waits", 10, async () => (await driver.state(cart))?.roll?.taskToken !== undefined);
      const { cluster, name: service } = cart;
      const listed = await driver.lab.call(cart, "ListServiceDeployments", { cluster, service });
      const [latest] = isJsonObject(listed) ? objectsAt(listed, "serviceDeployments") : [];
      const serviceDeploymentArn = textAt(latest ?? {}, "serviceDeploymentArn") ?? "";
      await driver.lab.call(cart, "StopServiceDeployment", { serviceDeploymentArn, stopType: "ROLLBACK" });
      await driver.until("cart is reverted", 30, () => driver.ended(cart, "reverted"));
      expect(await driver.revisionOf(cart)).toBe(first);
      expect(outcomesOf(driver, cart)).toEqual(["reverted"]);
      expect(eventsOf(driver, cart).at(-1)?.detail).toMatchObject({ code: "deployment-stopped", reverted: true });
    }));

  it("an alarm ends is reverted, with the alarm's name", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const { cluster, name: service } = cart;
      const alarms = { enable: true, rollback: true, alarmNames: ["cart-errors"] };
      await driver.lab.call(cart, "UpdateService", { cluster, service, deploymentConfiguration: { alarms } });
      const alarm = { AlarmName: "cart-errors", EvaluationPeriods: 1, Threshold: 1 };
      const metric = { ...alarm, ComparisonOperator: "GreaterThanThreshold" };
      await driver.lab.call(cart, "PutMetricAlarm", metric, CLOUDWATCH);
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("the roll waits", 10, async () => (await driver.state(cart))?.roll?.taskToken !== undefined);
      const state = { AlarmName: "cart-errors", StateValue: "ALARM", StateReason: "5 of 5 datapoints" };
      await driver.lab.call(cart, "SetAlarmState", state, CLOUDWATCH);
      await driver.until("cart is reverted", 60, () => driver.ended(cart, "reverted"));
      const { code, sentence } = eventsOf(driver, cart).at(-1)?.detail ?? {};
      expect(code).toBe("deployment-alarm");
      expect(sentence).toContain("In ALARM: cart-errors.");
    }));

  it("finds no capacity is reverted, with ECS's own words", () =>
    onLab({ fleet: cartFleet, policy: { deploymentDeadlineMinutes: 10 } }, async (driver) => {
      driver.lab.faults.add({ kind: "no-capacity", match: { service: "cart" } });
      await driver.tag(cart, enrollAs("cart"));
      const isReverting = async () => (await driver.state(cart))?.roll?.revertRevisionArn !== undefined;
      await driver.until("the roll reverts cart", 60, isReverting);
      driver.lab.faults.replace([]);
      await driver.until("cart is reverted", 60, () => driver.ended(cart, "reverted"));
      const { code, sentence } = eventsOf(driver, cart).at(-1)?.detail ?? {};
      expect(code).toBe("tasks-not-placed");
      expect(sentence).toContain("Capacity is unavailable at this time.");
    }));
});
