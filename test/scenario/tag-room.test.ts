import { describe, expect, it } from "vitest";
import { US } from "../../lab/fleet/demo.ts";
import type { LabDriver } from "../../lab/story/lab-driver.ts";
import { cart, cartFleet, DISCOVERY, enrollAs, fleetOf, IMAGE, PORTS, web } from "./support/fleets.ts";
import { eventsOf, expectMeshed, tagsOf } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const tags = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`team-${index}`, "x"]));
const clusterArn = `arn:aws:ecs:us-east-1:${US.account}:cluster/ecs-demo`;

const NEXT_IMAGE = "us-docker.pkg.dev/soloio-img/istio/ztunnel:1.28.2-solo-distroless";

const reported = (driver: LabDriver) =>
  eventsOf(driver, cart).map(({ type, detail }) => `${type}: ${JSON.stringify(detail)}`);

const tag = (driver: LabDriver, resourceArn: string, added: Record<string, string>) =>
  driver.lab.call(US, "TagResource", {
    resourceArn,
    tags: Object.entries(added).map(([key, value]) => ({ key, value })),
  });

describe("a resource with as many tags as AWS allows", () => {
  it("keeps a service out before anything is made, and lets it in once there is room", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await driver.tag(cart, { ...tags(47), ...enrollAs("cart") });
      await driver.minutes(30);
      expect(reported(driver)).toEqual([expect.stringMatching(/^Service Refused.*no-tag-room.*ecs\.solo\.io\/ports/)]);
      expect(driver.rollsOf(cart)).toEqual([]);
      await driver.untag(cart, "team-0");
      await driver.until("cart is enrolled", 20, () => driver.ended(cart, "succeeded"));
    }));

  it("keeps a service out where it is the cluster", () =>
    onLab({ fleet: fleetOf([web("cart")], tags(50)) }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.minutes(30);
      expect(reported(driver)).toEqual([
        expect.stringMatching(/^Service Refused.*no-tag-room.*cluster ecs-demo has 50 tags/),
      ]);
    }));

  it("starts no roll of a service in the mesh, which follows other changes", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 20, () => driver.ended(cart, "succeeded"));
      await driver.untag(cart, PORTS);
      await driver.tag(cart, tags(47));
      await driver.minutes(40);
      expect(reported(driver).filter((one) => one.startsWith("Service Warned"))).toEqual([
        expect.stringMatching(/no-tag-room.*ecs\.solo\.io\/ports/),
      ]);
      const { length } = driver.rollsOf(cart);
      await driver.tag(cart, { "ecs.solo.io/service-account": "other" });
      await driver.until("cart has its other account", 30, () =>
        driver.rollsOf(cart).length > length ? driver.ended(cart, "succeeded") : Promise.resolve(false),
      );
      expect(reported(driver).filter((one) => one.startsWith("Service Roll Failed"))).toEqual([]);
    }));

  it("is reported once of a service in the mesh, which goes on, and is repaired once there is room", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 20, () => driver.ended(cart, "succeeded"));
      await driver.lab.call(US, "UntagResource", { resourceArn: clusterArn, tagKeys: [DISCOVERY] });
      await tag(driver, clusterArn, tags(50));
      await driver.minutes(90);
      const warned = reported(driver).filter((one) => one.startsWith("Service Warned"));
      expect(warned).toEqual([expect.stringContaining("no-tag-room")]);
      await driver.lab.call(US, "UntagResource", { resourceArn: clusterArn, tagKeys: ["team-7"] });
      await driver.minutes(30);
      expect(reported(driver).some((one) => one.startsWith("Drift Corrected") && one.includes("discovery"))).toBe(true);
      await expectMeshed(driver, cart);
    }));

  it("where it is the cluster: a service in the mesh rolls on, unverified until istiod can know its tasks", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 20, () => driver.ended(cart, "succeeded"));
      await driver.minutes(2);
      await driver.lab.call(US, "UntagResource", { resourceArn: clusterArn, tagKeys: [DISCOVERY] });
      await tag(driver, clusterArn, tags(50));
      await driver.tag(cart, { [IMAGE]: NEXT_IMAGE });
      await driver.until("cart is rolled", 60, () => driver.ended(cart, "unverified"));
      const revision = await driver.revisionOf(cart);
      const rolls = driver.rollsOf(cart).length;
      await driver.minutes(60);
      expect(driver.rollsOf(cart)).toHaveLength(rolls);
      await driver.lab.call(US, "UntagResource", { resourceArn: clusterArn, tagKeys: ["team-7"] });
      await driver.until("cart is verified", 60, () => driver.ended(cart, "succeeded"));
      await driver.minutes(1);
      expect(await driver.revisionOf(cart)).toBe(revision);
      await expectMeshed(driver, cart);
    }));

  it("where it is the service: a rollback goes on without what has no room", () =>
    onLab({ fleet: cartFleet }, async (driver) => {
      await driver.tag(cart, enrollAs("cart"));
      await driver.until("cart is enrolled", 20, () => driver.ended(cart, "succeeded"));
      const before = await driver.revisionOf(cart);
      await driver.request({ rolloutId: "leave", kind: "unenroll", requestedBy: "ann" });
      await driver.until("cart has left", 200, async () => !(await driver.inMesh(cart)));
      await driver.minutes(60);
      expect(Object.keys(tagsOf(driver, cart))).not.toContain(PORTS);
      await driver.tag(cart, tags(50 - Object.keys(tagsOf(driver, cart)).length));
      await driver.control({ rolloutId: "leave", action: "rollback", requestedBy: "ann" });
      await driver.until("cart is back", 60, () => driver.inMesh(cart));
      await driver.until("its roll has ended", 60, () => driver.ended(cart, "succeeded"));
      expect(await driver.revisionOf(cart)).toBe(before);
    }));
});
