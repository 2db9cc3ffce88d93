import { describe, expect, it } from "vitest";
import { NEW_IMAGE, OLD_IMAGE, onFleet, QUICK } from "./support/rollouts.ts";

describe("an upgrade", () => {
  it("reaches every service in waves, first the canary, then region by region, and leaves nothing open", () =>
    onFleet({ services: 14, rollout: { canaryCount: 2, waves: [50, 100], bakeMinutes: 5 } }, async (driver) => {
      await driver.requestUpgrade();
      const done = await driver.untilStatus("completed");
      expect(done.waves.map(({ name }) => name)).toEqual([
        "canary",
        "us-east-1 50%",
        "us-east-1 100%",
        "us-west-2 50%",
        "us-west-2 100%",
        "eu-west-1 50%",
        "eu-west-1 100%",
      ]);
      expect(done).toMatchObject({ failedOrdinals: [], stuckOrdinals: [], serviceCount: 14 });
      expect(driver.images()).toEqual(driver.arns.map(() => NEW_IMAGE));
      expect(await driver.counts()).toEqual({ succeeded: 14 });
      const waves = (await driver.rollout()).waves;
      for (const [index, { startedAt = "" }] of waves.entries()) {
        const before = waves[index - 1];
        if (before) expect(startedAt >= (before.finishedAt ?? "-")).toBe(true);
      }
      expect(driver.events("Rollout Started")).toHaveLength(1);
      expect(driver.events("Rollout Wave Completed")).toHaveLength(7);
      expect(driver.events("Rollout Completed")).toMatchObject([{ outcome: "completed", succeeded: 14, failed: 0 }]);
      await driver.minutes(40);
      expect(await driver.leftovers()).toEqual([]);
      // The new image is the fleet's desired image now, so that no sweep rolls the services again.
      expect((await driver.lab.ledger.getFleet()).image?.image).toBe(NEW_IMAGE);
      for (const arn of driver.arns) expect(driver.rollsOf(driver.serviceOf(arn))).toHaveLength(1);
    }));

  it("with a scope updates those services alone, and they keep the new image", () =>
    onFleet({}, async (driver) => {
      await driver.requestUpgrade({ scope: { regions: ["eu-*"] } });
      await driver.untilStatus("completed");
      await driver.minutes(40);
      const eu = driver.arnsIn("eu-west-1");
      expect(driver.images()).toEqual(driver.arns.map((arn) => (eu.includes(arn) ? NEW_IMAGE : OLD_IMAGE)));
      expect((await driver.lab.ledger.getFleet()).image?.image).toBe(OLD_IMAGE);
    }));

  it("whose image is broken in one region exceeds its budget and is rolled back, newest wave first", () =>
    onFleet({ services: 15 }, async (driver) => {
      const before = driver.revisions();
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: NEW_IMAGE, region: "us-west-2" } });
      await driver.requestUpgrade();
      const back = await driver.untilStatus("rolled-back");
      expect(back.reason).toMatchObject({ code: "budget-exceeded" });
      expect(driver.revisions()).toEqual(before);
      expect(back.waves.map(({ name, state }) => [name, state])).toEqual([
        ["canary", "rolled-back"],
        ["us-east-1 100%", "rolled-back"],
        ["us-west-2 100%", "rolled-back"],
        ["eu-west-1 100%", "waiting"],
      ]);
      const finished = back.waves.map(({ finishedAt = "" }) => finishedAt);
      expect((finished[2] ?? "") <= (finished[1] ?? "") && (finished[1] ?? "") <= (finished[0] ?? "")).toBe(true);
      const services = await driver.services();
      const east = services.filter(({ serviceArn }) => serviceArn.includes("us-east-1"));
      expect(east.map(({ status }) => status)).toEqual(east.map(() => "rolled-back"));
      const west = services.filter(({ serviceArn }) => serviceArn.includes("us-west-2"));
      expect(west.map(({ status, reason }) => `${status} ${reason}`)).toEqual(
        west.map(() => "reverted ztunnel-unhealthy"),
      );
      const eu = services.filter(({ serviceArn }) => serviceArn.includes("eu-west-1"));
      expect(eu.map(({ status }) => status)).toEqual(eu.map(() => "waiting"));
      expect(driver.events("Rollout Rolled Back")).toMatchObject([
        { code: "budget-exceeded", rolledBack: 6, stuck: 0, stuckServices: [] },
      ]);
      expect(driver.events("Rollout Completed")).toEqual([]);
      await driver.minutes(120);
      // It stays so: no reconcile applies the image again, and there is no second notification.
      expect(driver.revisions()).toEqual(before);
      expect(driver.events("Rollout Rolled Back")).toHaveLength(1);
      expect(await driver.leftovers()).toEqual([]);
    }));

  it("reports the services that could not be rolled back", () =>
    onFleet({ services: 9, rollout: { ...QUICK, failureBudget: { perWave: { count: 0 } } } }, async (driver) => {
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: NEW_IMAGE, region: "us-west-2" } });
      await driver.requestUpgrade();
      await driver.untilWave(1, "rolling");
      // The old image doesn't become healthy any more in one service.
      const [stuckArn = ""] = driver.arnsIn("us-east-1");
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: OLD_IMAGE, service: stuckArn } });
      const back = await driver.untilStatus("rolled-back", "upgrade-one", 600);
      expect(back.stuckOrdinals).toHaveLength(1);
      const [event] = driver.events("Rollout Rolled Back");
      expect(event).toMatchObject({ stuck: 1, stuckServices: [stuckArn] });
      const service = (await driver.services()).find(({ serviceArn }) => serviceArn === stuckArn);
      expect(service).toMatchObject({ status: "stuck", fromRevisionArn: expect.any(String) });
      expect(service?.reason).not.toBe("roll-unaccounted");
      // Once the cause is gone, the service gets the fleet's image: the old one.
      driver.lab.faults.replace([]);
      await driver.minutes(26 * 60);
      expect(driver.images()).toEqual(driver.arns.map(() => OLD_IMAGE));
      expect(await driver.leftovers()).toEqual([]);
    }));

  it("goes on after a failure within its budget", () =>
    onFleet({ services: 12, rollout: { ...QUICK, failureBudget: { inAll: { count: 1 } } } }, async (driver) => {
      const [failingArn = ""] = driver.arnsIn("us-west-2");
      driver.lab.faults.add({ kind: "container-unhealthy", match: { image: NEW_IMAGE, service: failingArn } });
      await driver.requestUpgrade();
      const done = await driver.untilStatus("completed");
      expect(done.failedOrdinals).toHaveLength(1);
      expect(await driver.counts()).toEqual({ succeeded: 11, reverted: 1 });
      expect(driver.events("Rollout Completed")).toMatchObject([{ failed: 1, succeeded: 11 }]);
    }));

  it("whose tasks fail during the bake is rolled back", () =>
    onFleet(
      { services: 9, rollout: { ...QUICK, bakeMinutes: 20, failureBudget: { inAll: { count: 0 } } } },
      async (driver) => {
        const before = driver.revisions();
        await driver.requestUpgrade();
        await driver.untilWave(1, "baking");
        const [victim] = (await driver.services()).filter(({ waveIndex: wave }) => wave === 1);
        const arn = victim?.serviceArn ?? "";
        driver.lab.faults.add({ kind: "container-unhealthy", match: { service: arn, image: NEW_IMAGE } });
        for (const task of [...(driver.lab.ecs.findService(arn)?.tasks ?? [])]) {
          await driver.lab.call(driver.serviceOf(arn), "StopTask", {
            cluster: driver.serviceOf(arn).cluster,
            task: task.arn,
          });
        }
        const back = await driver.untilStatus("rolled-back", "upgrade-one", 600);
        expect(back.reason?.code).toBe("bake-failed");
        driver.lab.faults.replace([]);
        await driver.minutes(30);
        expect(driver.revisions()).toEqual(before);
      },
    ));
});
