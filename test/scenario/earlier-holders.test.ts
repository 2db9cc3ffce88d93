import { describe, expect, it } from "vitest";
import { US } from "../../lab/fleet/demo.ts";
import { arnOf, type LabDriver } from "../../lab/story/lab-driver.ts";
import { accountSubject } from "../../shared/enrollment/claims.ts";
import { demo, enrollAs, fleetOf, web } from "./support/fleets.ts";
import { boundRole, eventsOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const [payments, mallory, orders] = [demo("payments"), demo("mallory"), demo("orders")];
const OWNER = `arn:aws:iam::${US.account}:role/payments-task`;
const subject = accountSubject("mesh-us", "ecs-shop", "payments");
const fleet = fleetOf([web("payments"), web("mallory"), web("orders")]);

/** The ledger as a version left it that kept no claims; somebody has removed the binding besides. */
async function enrolledBefore(driver: LabDriver): Promise<void> {
  await driver.tag(payments, enrollAs("payments"));
  await driver.until("payments is enrolled", 20, () => driver.ended(payments, "succeeded"));
  const { ledger } = driver.lab;
  await ledger.patchService(arnOf(payments), { held: null });
  await ledger.changeClaim(subject, (claim) => (claim ? { next: { ...claim, holders: {} } } : {}));
  await ledger.changeFleet(({ holdersKnownSince: _, ...next }) => ({ next }));
  driver.lab.controlPlanes.get("mesh-us")?.put({
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: "payments", namespace: "ecs-shop", annotations: {} },
  });
}

describe("a service account that a service has had since before claims were kept", () => {
  it("is not given to another service before a sweep has claimed it for the one that has it", () =>
    onLab({ fleet }, async (driver) => {
      await enrolledBefore(driver);
      await driver.tag(mallory, enrollAs("payments"));
      await driver.until("mallory is refused", 10, () =>
        Promise.resolve(eventsOf(driver, mallory).some(({ type }) => type === "Service Refused")),
      );
      const [refused] = eventsOf(driver, mallory).filter(({ type }) => type === "Service Refused");
      expect(JSON.stringify(refused?.detail)).toContain("identity-conflict");
      expect(boundRole(driver, "mesh-us", "ecs-shop", "payments")).not.toBe(
        `arn:aws:iam::${US.account}:role/mallory-task`,
      );
      await driver.minutes(40);
      expect(boundRole(driver, "mesh-us", "ecs-shop", "payments")).toBe(OWNER);
      expect((await driver.lab.ledger.getFleet()).holdersKnownSince).toBeDefined();
    }));

  it("does not keep others from their own accounts", () =>
    onLab({ fleet }, async (driver) => {
      await enrolledBefore(driver);
      await driver.tag(orders, enrollAs("orders"));
      await driver.until("orders is enrolled", 20, () => driver.ended(orders, "succeeded"));
    }));
});
