import { describe, expect, it } from "vitest";
import { arnOf, type LabDriver } from "../../lab/story/lab-driver.ts";
import { cart, cartFleet, enrollAs } from "./support/fleets.ts";
import { eventsOf, expectMeshed, outcomesOf, tasksOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

/**
 * cart is in the mesh by a revision that was deployed while it ran no task, and there is no earlier one to return to.
 * istiod has missed its tasks.
 */
async function missed(driver: LabDriver): Promise<string> {
  await driver.tag(cart, enrollAs("cart"));
  await driver.until("cart is enrolled", 10, () => driver.ended(cart, "succeeded"));
  await driver.minutes(2);
  const revisionArn = await driver.revisionOf(cart);
  const pinnedSecret = (await driver.state(cart))?.secretsInUse.at(-1) ?? null;
  await driver.lab.ledger.patchService(arnOf(cart), {
    unverified: { revisionArn, pinnedRevisionArn: revisionArn, pinnedSecret },
  });
  const plane = driver.lab.controlPlanes.get("mesh-us");
  for (const object of plane?.state() ?? []) if (object.kind === "WorkloadEntry") plane?.delete(object);
  return revisionArn;
}

const failures = (driver: LabDriver) =>
  eventsOf(driver, cart).flatMap(({ type, detail }) => (type === "Service Roll Failed" ? [detail] : []));

describe("a verification that fails where there is nothing to return to", () => {
  it("is not called reverted, and another deployment of the same brings tasks that istiod knows", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const revision = await missed(driver);
      const before = tasksOf(driver, cart).map(({ taskArn }) => taskArn);
      await driver.until("it has failed", 60, () => driver.ended(cart, "failed"));
      expect(failures(driver)).toEqual([expect.objectContaining({ code: "workload-entry-missing", unchanged: true })]);
      expect(failures(driver)[0]).not.toHaveProperty("revertedTo");
      await driver.minutes(1);
      expect(driver.messagesAbout(cart).at(-1)).toMatch(/could not be verified, and runs on as it is/);
      expect(tasksOf(driver, cart).map(({ taskArn }) => taskArn)).toEqual(before);
      await driver.until("it is verified", 120, () => driver.ended(cart, "succeeded"));
      await driver.minutes(2);
      await expectMeshed(driver, cart);
      expect(await driver.revisionOf(cart)).toBe(revision);
      expect(tasksOf(driver, cart).filter(({ taskArn }) => before.includes(taskArn))).toEqual([]);
      expect(await driver.state(cart)).not.toHaveProperty("unverified");
    }));

  it("is deployed again once: after that it is only verified, and that waits longer each time", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      const revision = await missed(driver);
      driver.lab.faults.add({ kind: "no-workload-entry", match: { service: "cart" } });
      await driver.until("it has failed", 60, () => driver.ended(cart, "failed"));
      await driver.until("it has failed again", 120, async () => (await driver.state(cart))?.consecutiveFailures === 2);
      const second = tasksOf(driver, cart).map(({ taskArn }) => taskArn);
      await driver.minutes(24 * 60);
      expect(tasksOf(driver, cart).map(({ taskArn }) => taskArn)).toEqual(second);
      expect(await driver.revisionOf(cart)).toBe(revision);
      expect(
        outcomesOf(driver, cart)
          .slice(1)
          .every((outcome) => outcome === "failed"),
      ).toBe(true);
      expect(outcomesOf(driver, cart).length).toBeLessThan(12);
    }));
});
