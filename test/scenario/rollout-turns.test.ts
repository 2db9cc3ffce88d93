import { describe, expect, it } from "vitest";
import type { Rollout } from "../../shared/model/rollout.ts";
import { bothRoots, type FleetDriver, NEW_IMAGE, newRoot, OLD_IMAGE, onFleet, QUICK } from "./support/rollouts.ts";

const PARAMETER = "/mesh/image";
const ztunnel = { imageParameter: PARAMETER };
const rollout = { ...QUICK, approveAfterCanary: true };

const turn = async (driver: FleetDriver) => (await driver.lab.ledger.getFleet()).currentRolloutId;
const threads = (driver: FleetDriver) =>
  driver.lab.slack.messages().flatMap(({ text, threadTs }) => (threadTs === undefined ? [] : [text]));
const messageOf = (driver: FleetDriver, id: string) =>
  driver.lab.slack
    .messages()
    .filter(({ threadTs, blocks }) => threadTs === undefined && JSON.stringify(blocks).includes(id))
    .map(({ text, blocks }) => `${text} ${JSON.stringify(blocks)}`);

/** An upgrade by the parameter has rolled its canaries and awaits an approval; then every task is cut off. */
async function overtaken(driver: FleetDriver): Promise<{ readonly id: string; readonly emergencyId: string }> {
  await driver.putParameter(PARAMETER, OLD_IMAGE);
  await driver.minutes(20);
  await driver.putParameter(PARAMETER, NEW_IMAGE);
  const upgrade = async () => (await driver.rollouts()).findLast(({ kind }) => kind === "upgrade");
  await driver.until("the upgrade waits", 60, async () => (await upgrade())?.status === "awaiting-approval");
  const { id = "" } = (await upgrade()) ?? {};
  driver.setRootCa(newRoot);
  await driver.until("the emergency has its turn", 30, async () => (await turn(driver)) !== id);
  return { id, emergencyId: (await turn(driver)) ?? "" };
}

describe("a rollout that has changed services, has lost its turn to an emergency, and is to be rolled back", () => {
  it.each<[string, (driver: FleetDriver, id: string) => Promise<void>, Rollout["reason"]]>([
    [
      "since its wish is gone",
      (driver) => driver.putParameter(PARAMETER, OLD_IMAGE),
      { code: "wish-withdrawn", detail: `The fleet's image is ${OLD_IMAGE} now.` },
    ],
    [
      "since an operator asks for it",
      (driver, id) => driver.command("rollback", id),
      { code: "operator-request", detail: "by ann" },
    ],
  ])("%s: says once that it waits, has its turn next, and returns what has the new root since", (_why, end, reason) =>
    onFleet({ services: 12, ztunnel, rollout }, async (driver) => {
      const { id, emergencyId } = await overtaken(driver);
      await end(driver, id);
      await driver.until("it is to be rolled back", 6, async () => (await driver.rollout(id)).control !== undefined);
      await driver.minutes(2);
      expect(await turn(driver)).toBe(emergencyId);
      const waits = driver.events("Rollout Paused").filter(({ hold }) => hold === "turn");
      expect(waits).toEqual([expect.objectContaining({ rolloutId: id })]);
      expect(waits[0]?.detail).toContain(`${reason?.detail} It is rolled back after ${emergencyId}`);
      expect(threads(driver).filter((text) => text.includes("waits for its turn to be rolled back"))).toHaveLength(1);
      const [before = ""] = messageOf(driver, id);
      expect(before).toContain("is rolled back after this: Root CA rotation of mesh");
      expect(before).toContain(reason?.detail);
      expect(before).not.toContain("rollout approve");

      const { finishedAt } = await driver.untilStatus("completed", emergencyId, 60);
      expect(await turn(driver)).toBe(id);
      const { finishedAt: endedAt, reason: found } = await driver.untilStatus("rolled-back", id, 10);
      expect(Date.parse(endedAt ?? "") - Date.parse(finishedAt ?? "")).toBeLessThan(10 * 60_000);
      expect(found).toEqual(reason);
      expect(await driver.counts(id)).toEqual({ "rolled-back": 2, waiting: 10 });
      expect(driver.events("Rollout Rolled Back")).toMatchObject([{ rolledBack: 2, left: 0, stuck: 0 }]);
      expect(driver.images()).toEqual(driver.arns.map(() => OLD_IMAGE));
      await driver.minutes(60);
      expect(messageOf(driver, id)[0]).toContain("was rolled back");
      expect(driver.images()).toEqual(driver.arns.map(() => OLD_IMAGE));
      expect(driver.heldFrom(newRoot)).toBe(12);
      expect(driver.events("Rollout Paused").filter(({ hold }) => hold === "turn")).toHaveLength(1);
      expect(await driver.leftovers()).toEqual([]);
    }),
  );

  it("has its turn between two attempts of an emergency that does not end", () =>
    onFleet({ services: 6, ztunnel, rollout }, async (driver) => {
      const [stuck = ""] = driver.arnsIn("eu-west-1");
      const match = { service: driver.serviceOf(stuck).name, call: "ecs.UpdateService" };
      driver.lab.faults.add({ kind: "api-error", match, error: "AccessDeniedException" });
      const { id, emergencyId } = await overtaken(driver);
      await driver.putParameter(PARAMETER, OLD_IMAGE);
      await driver.until("the first attempt ends", 60, async () => {
        return (await driver.rollout(emergencyId)).finishedAt !== undefined;
      });
      await driver.untilStatus("rolled-back", id, 10);
      expect(driver.images()).toEqual(driver.arns.map(() => OLD_IMAGE));
      await driver.minutes(60);
      expect((await driver.rollouts()).filter(({ emergency }) => emergency).length).toBeGreaterThan(2);
      expect(driver.images()).toEqual(driver.arns.map(() => OLD_IMAGE));
    }));
});

describe("a rollout that has lost its turn and is to go on", () => {
  it("says that it goes on after the emergency", () =>
    onFleet({ services: 12, ztunnel, rollout }, async (driver) => {
      const { id, emergencyId } = await overtaken(driver);
      await driver.command("approve", id);
      await driver.minutes(2);
      expect(await turn(driver)).toBe(emergencyId);
      expect(messageOf(driver, id)[0]).toContain("goes on after this: Root CA rotation of mesh");
      await driver.untilStatus("completed", id, 120);
      await driver.minutes(20);
      expect(driver.images()).toEqual(driver.arns.map(() => NEW_IMAGE));
      expect(driver.heldFrom(newRoot)).toBe(12);
    }));
});

describe("a rollout that is rolled back after the autopilot has deployed its services again", () => {
  it("takes its image from them in waves, and leaves them the newer root", () =>
    onFleet({ services: 6 }, async (driver) => {
      await driver.requestUpgrade();
      await driver.untilStatus("completed");
      driver.setRootCa(bothRoots);
      const rotation = async () => (await driver.rollouts()).find(({ kind }) => kind === "rotate");
      await driver.until("the rotation is done", 120, async () => (await rotation())?.status === "completed");
      await driver.command("rollback");
      await driver.untilStatus("rolled-back");
      expect(await driver.counts()).toEqual({ "rolled-back": 6 });
      expect(driver.images()).toEqual(driver.arns.map(() => OLD_IMAGE));
      const rolls = driver.arns.map((arn) => driver.rollsOf(driver.serviceOf(arn)).length);
      await driver.minutes(60);
      expect(driver.arns.map((arn) => driver.rollsOf(driver.serviceOf(arn)).length)).toEqual(rolls);
      expect((await driver.rollouts()).map(({ status }) => status)).toEqual(["rolled-back", "completed"]);
      driver.setRootCa(newRoot);
      await driver.minutes(30);
      expect(driver.events("Root CA Changed").at(-1)).not.toMatchObject({ cutOff: { services: 6 } });
      expect(await driver.leftovers()).toEqual([]);
    }));

  it("takes its image from a service that has got its sidecar back after its owner's deployment", () =>
    onFleet({ services: 3, rollout: { ...QUICK, bakeMinutes: 60 } }, async (driver) => {
      await driver.requestUpgrade();
      await driver.untilWave(0, "baking");
      const [arn = ""] = driver.arns;
      const service = driver.serviceOf(arn);
      const plain = { containerDefinitions: [{ name: "web", image: "shop/service-0:2", essential: true }] };
      await driver.deploy(service, { ...(await driver.definitionOf(service)), ...plain });
      await driver.minutes(15);
      expect(driver.images()[0]).toBe(NEW_IMAGE);
      await driver.command("rollback");
      await driver.untilStatus("rolled-back");
      expect(await driver.definitionImage(arn, "web")).toBe("shop/service-0:2");
      expect(driver.images()).toEqual(driver.arns.map(() => OLD_IMAGE));
      expect(driver.events("Rollout Rolled Back")).toMatchObject([{ left: 0, stuck: 0 }]);
    }));
});
