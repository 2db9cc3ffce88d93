import { describe, expect, it } from "vitest";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { cart, cartFleet, enrollAs } from "./support/fleets.ts";
import { onLab } from "./support/on-lab.ts";

const SERVICE_ARN = "arn:aws:ecs:us-east-1:123456789012:service/ecs-demo/cart";

describe("an istiod that gives certificates by role", () => {
  it("lets an enrolled service join, and no further task once its service account has lost the role", () =>
    onLab({ fleet: cartFleet, checksCertificates: true }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart has joined", 15, () => driver.ended(cart, "succeeded"));
      expect(startedSince(driver, 0)).toEqual([true, true]);
      const lostMs = driver.lab.clock.now();
      driver.lab.controlPlanes.get("mesh-us")?.put({
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: { name: "cart", namespace: "ecs-shop", annotations: { "ecs.solo.io/role-arn": OTHER_ROLE } },
      });
      await driver.lab.call(cart, "UpdateService", { cluster: "ecs-demo", service: "cart", forceNewDeployment: true });
      await driver.minutes(3);
      const healthy = startedSince(driver, lostMs);
      expect(healthy.length).toBeGreaterThan(0);
      expect(healthy).not.toContain(true);
    }));
});

const OTHER_ROLE = "arn:aws:iam::123456789012:role/other";

/** Whether each task of cart that was started since then, and runs, is healthy. */
function startedSince({ lab }: LabDriver, sinceMs: number): readonly boolean[] {
  const tasks = [...(lab.ecs.findService(SERVICE_ARN)?.tasks ?? [])];
  return tasks.filter(({ createdAtMs }) => createdAtMs > sinceMs).map(({ healthy }) => healthy);
}
