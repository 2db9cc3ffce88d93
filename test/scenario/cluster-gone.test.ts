import { describe, expect, it } from "vitest";
import { arnOf, type LabDriver, type ServiceName } from "../../lab/story/lab-driver.ts";
import { demo, enrollAs, web } from "./support/fleets.ts";
import { expectMeshed } from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

const first: ServiceName = { ...demo("cart"), cluster: "first" };
const second: ServiceName = { ...demo("till"), cluster: "second" };
const clusters = [first, second].map(({ account, region, cluster: name }) => ({ account, region, name, tags: {} }));
const fleet = {
  clusters,
  services: [web("cart", { cluster: "first" }), web("till", { cluster: "second" })],
};

async function deleteCluster(driver: LabDriver, service: ServiceName): Promise<void> {
  const { cluster, name } = service;
  await driver.lab.call(service, "DeleteService", { cluster, service: name, force: true });
  await driver.minutes(2);
  await driver.lab.call(service, "DeleteCluster", { cluster });
}

const failedSweeps = (driver: LabDriver) => driver.lab.logs.filter(({ line }) => line.includes("not swept"));

describe("a cluster is deleted", () => {
  it("while a sweep goes through its region: the other clusters' services are swept", () =>
    onLab({ fleet }, async (driver) => {
      const match = { call: "ecs.ListServices" };
      const gone = { error: "ClusterNotFoundException", message: "Cluster not found." };
      driver.lab.faults.add({ kind: "lose-event", match: { detailType: "Tag Change on Resource" } });
      driver.lab.faults.add({ kind: "api-error", match, ...gone, count: 1 });
      await driver.tag(second, enrollAs("till"));
      await driver.until("swept", 16, () => driver.lab.faults.list()[1]?.struck === 1);
      await driver.until("till is enrolled", 5, () => driver.ended(second, "succeeded"));
      await driver.minutes(1);
      await expectMeshed(driver, second);
      expect(failedSweeps(driver), "a cluster that is gone is not a failure").toEqual([]);
    }));

  it("with an enrolled service: the others go on for days, and no sweep fails", () =>
    onLab({ fleet }, async (driver) => {
      for (const service of [first, second]) await driver.tag(service, enrollAs(service.name));
      for (const service of [first, second])
        await driver.until("enrolled", 10, () => driver.ended(service, "succeeded"));
      await deleteCluster(driver, first);
      await driver.minutes(90);
      expect(failedSweeps(driver)).toEqual([]);
      expect(driver.lab.lambda.deadLetters).toEqual([]);
      await expectMeshed(driver, second);
      expect(driver.lab.ecs.findService(arnOf(first))).toBeUndefined();
    }));

  it("while a roll waits for its service's deployment: the roll ends", () =>
    onLab({ fleet }, async (driver) => {
      await driver.tag(first, enrollAs("cart"));
      await driver.until("rolling", 5, async () => (await driver.state(first))?.roll?.taskToken !== undefined);
      await deleteCluster(driver, first);
      await driver.minutes(90);
      expect((await driver.state(first))?.roll).toBeUndefined();
      expect(driver.rollsOf(first).filter(({ status }) => status === "RUNNING")).toEqual([]);
      expect(failedSweeps(driver)).toEqual([]);
    }));
});
