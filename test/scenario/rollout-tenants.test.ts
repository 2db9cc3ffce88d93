import { describe, expect, it } from "vitest";
import { tagKeys } from "../../shared/base/vocabulary.ts";
import { bothRoots, type FleetDriver, NEW_IMAGE, newRoot, OLD_IMAGE, onFleet, QUICK } from "./support/rollouts.ts";

const BROKEN = "example.com/ztunnel:broken";
const [WAVE, IMAGE, ALARMS] = [tagKeys.wave, tagKeys.image, tagKeys.alarms];

async function rotated(driver: FleetDriver, root: string): Promise<string> {
  const known = new Set((await driver.rollouts()).map(({ id }) => id));
  driver.setRootCa(root);
  const found = async () => (await driver.rollouts()).find(({ id, finishedAt }) => !known.has(id) && finishedAt);
  await driver.until("the rotation has ended", 480, async () => (await found()) !== undefined);
  return (await found())?.id ?? "";
}

describe("somebody who may tag one service", () => {
  it.each([
    ["as a canary", { [IMAGE]: BROKEN, [WAVE]: "canary" }],
    ["in the fleet", { [IMAGE]: BROKEN }],
  ])("and gives it a broken image, %s, stops no rotation, nor the emergency after it", (_what, tags) =>
    onFleet({ services: 12, rollout: QUICK }, async (driver) => {
      const [first = ""] = driver.arnsIn("us-east-1");
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: BROKEN, container: "ztunnel" } });
      await driver.tag(driver.serviceOf(first), tags);
      await driver.minutes(60);
      const both = await rotated(driver, bothRoots);
      expect(await driver.rollout(both)).toMatchObject({ status: "completed" });
      expect(await driver.counts(both)).toEqual({ succeeded: 11, reverted: 1 });
      const emergency = await rotated(driver, newRoot);
      expect(await driver.rollout(emergency)).toMatchObject({ status: "completed" });
      expect(await driver.counts(emergency)).toMatchObject({ succeeded: 11 });
    }),
  );

  it("and scales it to zero as the only canary leaves the rollout its own choice", () =>
    onFleet({ services: 12, rollout: QUICK }, async (driver) => {
      const [first = ""] = driver.arnsIn("us-east-1");
      const service = driver.serviceOf(first);
      await driver.tag(service, { [WAVE]: "canary" });
      await driver.lab.call(service, "UpdateService", {
        cluster: service.cluster,
        service: service.name,
        desiredCount: 0,
      });
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: NEW_IMAGE, container: "ztunnel" } });
      await driver.requestUpgrade();
      const back = await driver.untilStatus("rolled-back");
      expect(back.reason?.detail).toMatch(/of the canaries that the rollout chose failed$/);
      expect(new Set(driver.images())).toEqual(new Set([OLD_IMAGE]));
    }));
});

describe("an alarm that a service's tag names", () => {
  it("holds that service back where it fires already, and the rollout goes on", () =>
    onFleet({ services: 12, rollout: QUICK }, async (driver) => {
      const [last = ""] = driver.arnsIn("eu-west-1");
      const before = driver.runningRevision(last);
      await driver.tag(driver.serviceOf(last), { [ALARMS]: "latency + 5xx", [WAVE]: "canary" });
      await driver.alarm("5xx", "ALARM", driver.serviceOf(last));
      // An alarm of this name elsewhere is not the service's.
      await driver.alarm("latency", "ALARM");
      await driver.requestUpgrade();
      await driver.untilStatus("completed");
      const held = (await driver.services()).find(({ serviceArn }) => serviceArn === last);
      expect(held).toMatchObject({ status: "skipped", reason: "alarm-fired" });
      expect(held?.detail).toContain("5xx in 210987654321/eu-west-1");
      expect(driver.runningRevision(last)).toBe(before);
      expect(await driver.counts()).toEqual({ succeeded: 11, skipped: 1 });
    }));

  it("holds that service back alone where CloudWatch takes no such name: the guards of others are read", () =>
    onFleet({ services: 12, rollout: QUICK }, async (driver) => {
      const [odd = "", guarded = ""] = driver.arnsIn("eu-west-1");
      const before = driver.runningRevision(odd);
      await driver.alarm("5xx", "OK", driver.serviceOf(guarded));
      await driver.tag(driver.serviceOf(guarded), { [ALARMS]: "5xx" });
      // A tag's value is as long as this; the name of an alarm has at most 255 characters.
      await driver.tag(driver.serviceOf(odd), { [ALARMS]: "x".repeat(256) });
      await driver.requestUpgrade();
      await driver.untilStatus("completed");
      expect(await driver.counts()).toEqual({ succeeded: 11, skipped: 1 });
      expect(driver.runningRevision(odd)).toBe(before);
    }));

  it("reverts that service alone where it fires after its roll", () =>
    onFleet({ services: 12, rollout: { ...QUICK, bakeMinutes: 30 } }, async (driver) => {
      const [first = ""] = driver.arnsIn("us-east-1");
      const before = driver.runningRevision(first);
      await driver.tag(driver.serviceOf(first), { [ALARMS]: "5xx", [WAVE]: "canary" });
      await driver.alarm("5xx", "OK", driver.serviceOf(first));
      await driver.requestUpgrade();
      await driver.untilWave(0, "baking");
      await driver.alarm("5xx", "ALARM", driver.serviceOf(first));
      await driver.until("it is reverted", 60, () => driver.runningRevision(first) === before);
      await driver.untilStatus("completed");
      expect(await driver.counts()).toEqual({ succeeded: 11, "rolled-back": 1 });
      expect(driver.runningRevision(first)).toBe(before);
    }));
});
