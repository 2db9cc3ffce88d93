import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../shared/base/json.ts";
import { type FleetDriver, newRoot, onFleet, QUICK } from "./support/rollouts.ts";

const PLANE = "mesh";
const HOUR = 60;

const emergencyOf = async (driver: FleetDriver) => (await driver.lab.ledger.getMesh(PLANE))?.emergency;
const notices = (driver: FleetDriver) => driver.events("Root CA Emergency").map(({ state }) => state);
const inChannel = (driver: FleetDriver, text: string) =>
  driver.lab.slack.messages().filter((message) => message.text.includes(text) && message.threadTs === undefined).length;

/** Drops the old root while one service can't be rolled: its account denies the update. */
async function cutOffOne(driver: FleetDriver) {
  const [arn = ""] = driver.arnsIn("us-west-2");
  const match = { service: driver.serviceOf(arn).name, call: "ecs.UpdateService" };
  driver.lab.faults.add({ kind: "api-error", match, error: "AccessDeniedException" });
  driver.setRootCa(newRoot);
  await driver.until("a rotation has ended", 180, async () => (await driver.rollouts())[0]?.finishedAt !== undefined);
  return arn;
}

/** From before the root is dropped until days after it. */
const frozen = { freezeWindows: [{ cron: "30 12 * * 1", durationMinutes: 3720 }] };

describe("an emergency", () => {
  it.each<[string, JsonObject]>([
    ["freeze windows", frozen],
    ["approval", { approveAfterCanary: true }],
  ])("does not wait for %s", (_what, policy) =>
    onFleet({ services: 6, rollout: { ...QUICK, ...policy } }, async (driver) => {
      await driver.minutes(40);
      driver.setRootCa(newRoot);
      await driver.until("nobody is cut off", 60, async () => (await driver.rollouts())[0]?.status === "completed");
      expect((await driver.rollouts())[0]).toMatchObject({ kind: "rotate", emergency: true });
      expect(driver.events("Rollout Paused")).toEqual([]);
    }),
  );

  it("waits for the end of a freeze window where the policy says so, and is frozen for an operator, too", () =>
    onFleet({ services: 3, rollout: { ...QUICK, ...frozen, emergencyWaitsFor: ["freeze"] } }, async (driver) => {
      await driver.minutes(40);
      driver.setRootCa(newRoot);
      await driver.until("it is frozen", 30, async () => (await driver.rollouts())[0]?.status === "frozen");
      await driver.request({ rolloutId: "mine", kind: "rotate", scope: { controlPlane: PLANE }, requestedBy: "ann" });
      await driver.minutes(1);
      expect(await driver.rollout("mine")).toMatchObject({ status: "refused", reason: { code: "frozen" } });
    }));

  it("that an operator asks for in a freeze window is not refused", () =>
    onFleet({ services: 3, rollout: { ...QUICK, ...frozen } }, async (driver) => {
      await driver.minutes(40);
      await cutOffOne(driver);
      const scope = { controlPlane: PLANE };
      await driver.request({ rolloutId: "again", kind: "rotate", scope, requestedBy: "ann" });
      await driver.minutes(30);
      expect(await driver.rollout("again")).toMatchObject({ emergency: true, status: "completed" });
    }));

  it("is repeated by itself, less and less often, until no task is cut off, and says so once", () =>
    onFleet({ services: 3, rollout: QUICK }, async (driver) => {
      const arn = await cutOffOne(driver);
      await driver.minutes(4 * HOUR);
      const rotations = await driver.rollouts();
      expect(rotations.every(({ emergency, kind }) => emergency && kind === "rotate")).toBe(true);
      const pauses = rotations.flatMap(({ requestedAt }, index) => {
        const endedAt = rotations[index - 1]?.finishedAt;
        return endedAt === undefined ? [] : [(Date.parse(requestedAt) - Date.parse(endedAt)) / 60_000];
      });
      // What is due is requested within ten minutes: every five minutes tasks are counted, and rollouts are requested.
      for (const [index, least] of [5, 10, 20, 40, 60].entries()) {
        expect(pauses[index]).toBeGreaterThanOrEqual(least);
        expect(pauses[index]).toBeLessThanOrEqual(least + 10);
      }
      expect(Math.max(...pauses)).toBeLessThanOrEqual(70);
      expect(rotations.slice(1).map(({ scope }) => scope.services)).toEqual(rotations.slice(1).map(() => [arn]));
      expect(notices(driver)).toEqual(["goes-on"]);
      expect(inChannel(driver, "still CUT OFF")).toBe(1);
      driver.lab.faults.replace([]);
      await driver.until("nobody is cut off", 90, async () => (await emergencyOf(driver)) === undefined);
      const { length } = await driver.rollouts();
      expect(notices(driver)).toEqual(["goes-on", "over"]);
      await driver.minutes(2 * HOUR);
      expect(await driver.rollouts()).toHaveLength(length);
      expect(await driver.leftovers()).toEqual([]);
    }));

  it("ends when an operator stops it between two attempts, which is said once, and goes on when one asks", () =>
    onFleet({ services: 3, rollout: QUICK }, async (driver) => {
      const arn = await cutOffOne(driver);
      const before = driver.runningRevision(arn);
      const [first] = await driver.rollouts();
      await driver.command("abort", first?.id);
      await driver.minutes(3 * HOUR);
      expect(await driver.rollouts()).toHaveLength(1);
      expect(notices(driver)).toEqual(["stopped"]);
      expect(driver.events("Root CA Emergency")[0]).toMatchObject({ by: "ann", services: 1, tasks: 1 });
      expect(driver.runningRevision(arn)).toBe(before);
      driver.lab.faults.replace([]);
      const scope = { controlPlane: PLANE };
      await driver.request({ rolloutId: "again", kind: "rotate", scope, requestedBy: "ann" });
      await driver.untilStatus("completed", "again");
      expect((await driver.rollout("again")).emergency).toBe(true);
      await driver.until("nobody is cut off", 15, async () => (await emergencyOf(driver)) === undefined);
      expect(notices(driver).at(-1)).toBe("over");
    }));

  it("never reverts a service to the root that nobody trusts: it runs without the sidecar until it can join again", () =>
    onFleet({ services: 3, rollout: QUICK }, async (driver) => {
      const [arn = ""] = driver.arnsIn("us-west-2");
      const { name } = driver.serviceOf(arn);
      const before = driver.runningRevision(arn);
      driver.lab.faults.add({ kind: "secret-denied", match: { service: name } });
      const deployed: unknown[] = [];
      driver.lab.router.onCall(({ operation, input }) => {
        if (operation === "UpdateService" && input.service === name) deployed.push(input.taskDefinition);
      });
      driver.setRootCa(newRoot);
      await driver.until("its roll is reverted", 180, async () =>
        driver.events("Service Roll Failed").some(({ serviceArn }) => serviceArn === arn),
      );
      // The revision that has failed, then one without the sidecar.
      expect(deployed).toHaveLength(2);
      expect(deployed).not.toContain(before);
      const [failed] = driver.events("Service Roll Failed").filter(({ serviceArn }) => serviceArn === arn);
      expect(failed).toMatchObject({ reverted: true, revertedTo: driver.runningRevision(arn) });
      expect(driver.images()[driver.arns.indexOf(arn)]).toBe("none");
      driver.lab.faults.replace([]);
      await driver.until("nobody is cut off", 240, async () => (await emergencyOf(driver)) === undefined);
      await driver.until("it is in the mesh again", 120, async () => !driver.images().includes("none"));
    }));
});
