import { describe, expect, it } from "vitest";
import { type FleetDriver, NEW_IMAGE, newRoot, OLD_IMAGE, onFleet } from "./support/rollouts.ts";

const NEXT_IMAGE = "example.com/ztunnel:1.28.3";
const PARAMETER = "/mesh/image";
const ztunnel = { imageParameter: PARAMETER };
const rollout = { canaryCount: 2, waves: [50, 100], bakeMinutes: 10 };

/** The parameter names the new image, and its canaries have been rolled. */
async function midway(driver: FleetDriver): Promise<string> {
  await driver.putParameter(PARAMETER, OLD_IMAGE);
  await driver.minutes(20);
  await driver.putParameter(PARAMETER, NEW_IMAGE);
  await driver.until("the upgrade bakes its canaries", 60, async () => {
    const [first] = await driver.rollouts();
    return first?.waves[0]?.state === "baking";
  });
  const [first] = await driver.rollouts();
  return first?.id ?? "";
}

/** How many services each image was rolled to, by the rollouts' records. */
const rolls = (driver: FleetDriver) => driver.arns.map((arn) => driver.rollsOf(driver.serviceOf(arn)).length);

describe("an upgrade whose image parameter changes during it", () => {
  it("is rolled back when the parameter has its old value again, and starts no further roll", () =>
    onFleet({ services: 12, ztunnel, rollout }, async (driver) => {
      const id = await midway(driver);
      await driver.putParameter(PARAMETER, OLD_IMAGE);
      await driver.untilStatus("rolled-back", id, 30);
      expect((await driver.rollout(id)).reason).toEqual({
        code: "wish-withdrawn",
        detail: `The fleet's image is ${OLD_IMAGE} now.`,
      });
      expect(await driver.counts(id)).toEqual({ "rolled-back": 2, waiting: 10 });
      await driver.minutes(120);
      expect(driver.images()).toEqual(driver.arns.map(() => OLD_IMAGE));
      expect(await driver.rollouts()).toHaveLength(1);
      expect(driver.events("Rollout Rolled Back")).toMatchObject([{ code: "wish-withdrawn", rolledBack: 2 }]);
      expect(await driver.leftovers()).toEqual([]);
    }));

  it("is rolled back in the middle of a wave: the rolls under way are the last ones", () =>
    onFleet({ services: 12, ztunnel, rollout: { ...rollout, bakeMinutes: 0, concurrency: 1 } }, async (driver) => {
      await driver.putParameter(PARAMETER, OLD_IMAGE);
      await driver.minutes(20);
      await driver.putParameter(PARAMETER, NEW_IMAGE);
      const first = async () => (await driver.rollouts())[0];
      await driver.until("the second wave rolls", 60, async () => (await first())?.waves[1]?.state === "rolling");
      const id = (await first())?.id ?? "";
      await driver.putParameter(PARAMETER, OLD_IMAGE);
      await driver.untilStatus("rolled-back", id, 60);
      const { waiting = 0 } = await driver.counts(id);
      expect(waiting).toBeGreaterThanOrEqual(9);
      await driver.minutes(60);
      expect(driver.images()).toEqual(driver.arns.map(() => OLD_IMAGE));
    }));

  it("stops when the parameter moves on, and the next one takes every service from where it is", () =>
    onFleet({ services: 12, ztunnel, rollout }, async (driver) => {
      const id = await midway(driver);
      await driver.putParameter(PARAMETER, NEXT_IMAGE);
      await driver.untilStatus("superseded", id, 30);
      expect((await driver.rollout(id)).reason).toEqual({
        code: "wish-moved-on",
        detail: `The fleet's image is ${NEXT_IMAGE} now.`,
      });
      expect(await driver.counts(id)).toEqual({ succeeded: 2, waiting: 10 });
      const [, next] = await driver.rollouts();
      await driver.untilStatus("completed", next?.id);
      await driver.minutes(60);
      expect(driver.images()).toEqual(driver.arns.map(() => NEXT_IMAGE));
      expect(await driver.rollouts()).toHaveLength(2);
      // Only the canaries of the first one had the image in between.
      expect(rolls(driver).toSorted()).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2]);
      expect(driver.events("Rollout Completed")).toMatchObject([
        { rolloutId: id, outcome: "superseded", code: "wish-moved-on" },
        { rolloutId: next?.id, outcome: "completed" },
      ]);
      expect(await driver.leftovers()).toEqual([]);
    }));

  it("stops when the parameter moves on and back: all services get what was there before, by a rollout", () =>
    onFleet({ services: 12, ztunnel, rollout }, async (driver) => {
      await midway(driver);
      await driver.putParameter(PARAMETER, NEXT_IMAGE);
      await driver.until("the next one bakes its canaries", 60, async () => {
        const [, next] = await driver.rollouts();
        return next?.waves[0]?.state === "baking";
      });
      await driver.putParameter(PARAMETER, OLD_IMAGE);
      await driver.minutes(240);
      expect((await driver.rollouts()).map(({ status }) => status)).toEqual(["superseded", "superseded", "completed"]);
      expect(driver.images()).toEqual(driver.arns.map(() => OLD_IMAGE));
      expect(await driver.leftovers()).toEqual([]);
    }));

  it("is superseded while it awaits an approval", () =>
    onFleet(
      { services: 6, ztunnel, rollout: { ...rollout, bakeMinutes: 0, approveAfterCanary: true } },
      async (driver) => {
        await driver.putParameter(PARAMETER, OLD_IMAGE);
        await driver.minutes(20);
        await driver.putParameter(PARAMETER, NEW_IMAGE);
        const at = async (index: number) => (await driver.rollouts())[index]?.status;
        await driver.until("the first awaits approval", 60, async () => (await at(0)) === "awaiting-approval");
        await driver.putParameter(PARAMETER, NEXT_IMAGE);
        await driver.until("the second awaits approval", 60, async () => (await at(1)) === "awaiting-approval");
        expect(await at(0)).toBe("superseded");
      },
    ));

  it("stays paused when an operator has paused it, and is superseded by the newer one when it is resumed", () =>
    onFleet({ services: 6, ztunnel, rollout }, async (driver) => {
      const id = await midway(driver);
      await driver.command("pause", id);
      await driver.untilStatus("paused", id, 30);
      await driver.putParameter(PARAMETER, NEXT_IMAGE);
      await driver.minutes(60);
      expect((await driver.rollout(id)).status).toBe("paused");
      await driver.command("resume", id);
      await driver.untilStatus("superseded", id, 30);
      expect(await driver.counts(id)).toEqual({ succeeded: 2, waiting: 4 });
      const [, next] = await driver.rollouts();
      await driver.untilStatus("completed", next?.id);
      expect(driver.images()).toEqual(driver.arns.map(() => NEXT_IMAGE));
    }));

  it("is rolled back although an operator has paused it, when the parameter has its old value again", () =>
    onFleet({ services: 6, ztunnel, rollout }, async (driver) => {
      const id = await midway(driver);
      await driver.command("pause", id);
      await driver.untilStatus("paused", id, 30);
      await driver.putParameter(PARAMETER, OLD_IMAGE);
      await driver.untilStatus("rolled-back", id, 30);
      expect(driver.images()).toEqual(driver.arns.map(() => OLD_IMAGE));
    }));
});

describe("another address of istiod's gateway", () => {
  it("reaches every service before an upgrade that awaits its approval, by a rollout that names it", () =>
    onFleet({ services: 6, rollout: { ...rollout, bakeMinutes: 0, approveAfterCanary: true } }, async (driver) => {
      await driver.requestUpgrade();
      await driver.untilStatus("awaiting-approval");
      const address = "moved.elb.us-east-1.amazonaws.com";
      for (const plane of driver.lab.controlPlanes.values()) plane.setGatewayAddress(address);
      const endpoint = async () => (await driver.rollouts()).find(({ kind }) => kind === "endpoint");
      await driver.until("the address is rolled out", 30, async () => {
        return (await endpoint())?.status === "awaiting-approval";
      });
      const { id = "" } = (await endpoint()) ?? {};
      await driver.command("approve", id);
      await driver.untilStatus("completed", id);
      expect((await driver.rollout(id)).why).toContain(address);
      expect((await driver.rollout()).status).toBe("awaiting-approval");
      expect(driver.images()).toContain(OLD_IMAGE);
      expect(driver.events("Root CA Changed")).toEqual([]);
      await driver.command("approve");
      await driver.untilStatus("completed");
      expect(driver.images()).toEqual(driver.arns.map(() => NEW_IMAGE));
      expect(await driver.leftovers()).toEqual([]);
    }));
});

describe("an emergency", () => {
  it("goes before an upgrade that an operator has paused, which goes on when it is resumed later", () =>
    onFleet({ services: 6, rollout }, async (driver) => {
      await driver.requestUpgrade();
      await driver.untilWave(0, "baking");
      await driver.command("pause");
      await driver.untilStatus("paused");
      driver.setRootCa(newRoot);
      const rotation = async () => (await driver.rollouts()).find(({ kind }) => kind === "rotate");
      await driver.until("the rotation is done", 240, async () => (await rotation())?.status === "completed");
      expect((await driver.rollout()).status).toBe("paused");
      await driver.command("resume");
      await driver.untilStatus("completed");
      expect(driver.images()).toEqual(driver.arns.map(() => NEW_IMAGE));
      expect(await driver.leftovers()).toEqual([]);
    }));

  it("lets an upgrade behind it that an operator aborts end at once", () =>
    onFleet({ services: 6, ztunnel, rollout: { ...rollout, approveAfterCanary: true } }, async (driver) => {
      await driver.putParameter(PARAMETER, OLD_IMAGE);
      await driver.minutes(20);
      await driver.putParameter(PARAMETER, NEW_IMAGE);
      const upgrade = async () => (await driver.rollouts()).findLast(({ kind }) => kind === "upgrade");
      const approval = async () => (await upgrade())?.status === "awaiting-approval";
      await driver.until("the upgrade awaits its approval", 60, approval);
      const { id = "" } = (await upgrade()) ?? {};
      driver.setRootCa(newRoot);
      const turn = async () => (await driver.lab.ledger.getFleet()).currentRolloutId;
      await driver.until("the emergency has its turn", 30, async () => (await turn()) !== id);
      const emergencyId = await turn();
      await driver.command("abort", id);
      await driver.untilStatus("aborted", id, 1.5);
      expect(await turn()).toBe(emergencyId);
      expect((await driver.lab.ledger.getFleet()).queuedRolloutIds).toEqual([]);
      expect(driver.events("Rollout Completed")).toMatchObject([{ rolloutId: id, outcome: "aborted" }]);
    }));
});
