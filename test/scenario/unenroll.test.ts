import { describe, expect, it } from "vitest";
import { US } from "../../lab/fleet/demo.ts";
import type { LabDriver, ServiceName } from "../../lab/story/lab-driver.ts";
import {
  BAD_IMAGE,
  demo,
  ENROLL,
  enrollAs,
  fleetOf,
  guideFleet,
  IMAGE,
  NAMESPACE,
  SERVICE_ACCOUNT,
  shop,
  web,
} from "./support/fleets.ts";
import {
  eventTypesOf,
  expectAtRest,
  expectMeshed,
  outcomesOf,
  revisionsOf,
  tagsOf,
  tasksOf,
} from "./support/inspect.ts";
import { onLab } from "./support/on-lab.ts";

async function untilEnrolled(driver: LabDriver, service: ServiceName): Promise<void> {
  await driver.until(`${service.name} is enrolled`, 15, () => driver.ended(service, "succeeded"));
}

async function untilUnenrolled(driver: LabDriver, service: ServiceName, withinMinutes = 15): Promise<void> {
  const isOut = async () => !(await driver.inMesh(service)) && (await driver.ended(service, "succeeded"));
  await driver.until(`${service.name} is out of the mesh`, withinMinutes, isOut);
}

describe("a service loses its enroll tag", () => {
  it.each([
    ["ecs-demo/shell-task", demo("shell-task")],
    ["ecs-demo/echo-service", demo("echo-service")],
    ["shop/checkout", shop("checkout")],
    ["shop/search", shop("search")],
  ])("%s: it has its original definition again, without the tags that we added", (_name, service) =>
    onLab({ fleet: guideFleet }, async (driver) => {
      const before = await driver.definitionOf(service);
      await driver.tag(service, { [ENROLL]: "true", team: "payments" });
      await untilEnrolled(driver, service);
      await driver.untag(service, ENROLL);
      await untilUnenrolled(driver, service);
      await driver.minutes(2);
      expect(await driver.definitionOf(service)).toEqual(before);
      expect(tagsOf(driver, service)).toEqual({ team: "payments" });
      const { enrolled: isEnrolled, addedTagKeys, secretsInUse } = (await driver.state(service)) ?? {};
      expect({ isEnrolled, addedTagKeys, secretsInUse }).toEqual({
        isEnrolled: false,
        addedTagKeys: [],
        secretsInUse: [],
      });
      expect(eventTypesOf(driver, service)).toEqual(["Service Enrolled", "Service Unenrolled"]);
      expect(tasksOf(driver, service).every(({ healthy }) => healthy)).toBe(true);
      await expectAtRest(driver, service);
    }),
  );

  it("or the tag becomes false: the same happens", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      const echo = demo("echo-service");
      await driver.tag(echo, { [ENROLL]: "true" });
      await untilEnrolled(driver, echo);
      await driver.tag(echo, { [ENROLL]: "false" });
      await untilUnenrolled(driver, echo);
      await driver.minutes(30);
      expect(eventTypesOf(driver, echo)).toEqual(["Service Enrolled", "Service Unenrolled"]);
      expect(tagsOf(driver, echo)).toEqual({ [ENROLL]: "false" });
    }));

  it("while a roll enrolls it: it leaves the mesh in the end", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      const echo = demo("echo-service");
      await driver.tag(echo, { [ENROLL]: "true" });
      await driver.until("rolling", 5, async () => (await driver.state(echo))?.roll?.taskToken !== undefined);
      await driver.untag(echo, ENROLL);
      await untilUnenrolled(driver, echo, 30);
      await driver.minutes(2);
      expect(tagsOf(driver, echo)).toEqual({});
      expect((await driver.state(echo))?.enrolled).toBe(false);
      await expectAtRest(driver, echo);
    }));

  it("while a roll updates it: the end of that roll starts the unenrollment, without a sweep", () =>
    onLab({ fleet: guideFleet, schedules: false }, async (driver) => {
      const echo = demo("echo-service");
      await driver.tag(echo, { [ENROLL]: "true" });
      await untilEnrolled(driver, echo);
      await driver.minutes(2);
      await driver.tag(echo, { [IMAGE]: BAD_IMAGE });
      await driver.until("rolling", 5, async () => (await driver.state(echo))?.roll?.taskToken !== undefined);
      await driver.untag(echo, ENROLL);
      await untilUnenrolled(driver, echo);
      expect(eventTypesOf(driver, echo)).toEqual(["Service Enrolled", "Service Updated", "Service Unenrolled"]);
      await expectAtRest(driver, echo);
    }));

  it("right after it was tagged: it is not in the mesh in the end, and has no tag of ours", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      const echo = demo("echo-service");
      await driver.tag(echo, { [ENROLL]: "true" });
      await driver.lab.clock.sleep(400);
      await driver.untag(echo, ENROLL);
      await driver.minutes(30);
      expect(await driver.containersOf(echo)).toEqual(["echo"]);
      expect(tagsOf(driver, echo)).toEqual({});
      await expectAtRest(driver, echo);
    }));

  it("and gets it again: it is enrolled again, with the earlier revision or a new one", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      const echo = demo("echo-service");
      await driver.tag(echo, { [ENROLL]: "true" });
      await untilEnrolled(driver, echo);
      await driver.untag(echo, ENROLL);
      await untilUnenrolled(driver, echo);
      await driver.tag(echo, { [ENROLL]: "true" });
      await driver.until(
        "echo-service is enrolled again",
        15,
        async () => (await driver.inMesh(echo)) && driver.ended(echo, "succeeded"),
      );
      await driver.minutes(2);
      await expectMeshed(driver, echo);
      expect(outcomesOf(driver, echo)).toEqual(["succeeded", "succeeded", "succeeded"]);
    }));

  it("and a pipeline deploys without the sidecar before a reconcile: the ledger and the tags are corrected", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      const echo = demo("echo-service");
      const original = await driver.definitionOf(echo);
      await driver.tag(echo, { [ENROLL]: "true" });
      await untilEnrolled(driver, echo);
      await driver.minutes(1);
      driver.lab.faults.add({ kind: "lose-event", match: { detailType: "Tag Change on Resource" }, count: 1 });
      await driver.untag(echo, ENROLL);
      const revision = await driver.deploy(echo, original);
      await driver.minutes(5);
      expect(await driver.revisionOf(echo)).toBe(revision);
      expect(tagsOf(driver, echo)).toEqual({});
      expect(await driver.state(echo)).toMatchObject({
        enrolled: false,
        addedTagKeys: [],
        secretsInUse: [],
        lastGoodRevisionArn: revision,
      });
      expect(driver.rollsOf(echo), "no further roll was needed").toHaveLength(1);
    }));

  it("after its first enrollment failed: the tags that we added are removed", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      const echo = demo("echo-service");
      driver.lab.faults.add({ kind: "secret-denied", match: { service: "echo-service" } });
      await driver.tag(echo, { [ENROLL]: "true" });
      await driver.until("reverted", 30, () => driver.ended(echo, "reverted"));
      await driver.untag(echo, ENROLL);
      await driver.minutes(1);
      expect(tagsOf(driver, echo)).toEqual({});
      expect((await driver.state(echo))?.addedTagKeys).toEqual([]);
      expect(await driver.containersOf(echo)).toEqual(["echo"]);
    }));

  it("while the control plane doesn't answer: it leaves the mesh nevertheless", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      const echo = demo("echo-service");
      await driver.tag(echo, { [ENROLL]: "true" });
      await untilEnrolled(driver, echo);
      driver.lab.faults.add({ kind: "kubernetes-down" });
      await driver.untag(echo, ENROLL);
      await untilUnenrolled(driver, echo);
    }));
});

describe("a cluster loses its enroll tag", () => {
  it("and its services leave the mesh, except the one with its own tag", () => {
    const fleet = fleetOf(
      [web("one"), web("two", { tags: { [ENROLL]: "true" } })].map((service) => ({
        ...service,
        tags: { ...service.tags, [NAMESPACE]: "ecs-shop", [SERVICE_ACCOUNT]: service.name },
      })),
      { [ENROLL]: "true" },
    );
    return onLab({ fleet }, async (driver) => {
      const [one, two] = [demo("one"), demo("two")];
      await untilEnrolled(driver, one);
      await untilEnrolled(driver, two);
      const resourceArn = `arn:aws:ecs:${US.region}:${US.account}:cluster/ecs-demo`;
      await driver.lab.call(US, "UntagResource", { resourceArn, tagKeys: [ENROLL] });
      await untilUnenrolled(driver, one);
      await driver.minutes(30);
      await expectMeshed(driver, two);
      expect(driver.rollsOf(two)).toHaveLength(1);
      await expectAtRest(driver, one);
    });
  });
});

describe("many services lose their tags at once, without events", () => {
  const names = ["a", "b", "c", "d"].map((letter) => `cart-${letter}`);
  const services = names.map((name) => web(name, { tags: { ...enrollAs(name) } }));

  it("one sweep unenrolls at most maxUnenrollPerSweep of them", () =>
    onLab({ fleet: fleetOf(services), policy: { maxUnenrollPerSweep: 1 } }, async (driver) => {
      for (const name of names) await untilEnrolled(driver, demo(name));
      driver.lab.faults.add({ kind: "lose-event", match: {} });
      for (const name of names) await driver.untag(demo(name), ENROLL, SERVICE_ACCOUNT);
      const outAfter = async (minutes: number) => {
        await driver.minutes(minutes);
        const inMesh = await Promise.all(names.map((name) => driver.inMesh(demo(name))));
        return inMesh.filter((is) => !is).length;
      };
      // The sweep runs every 15 minutes.
      expect(await outAfter(15)).toBe(1);
      expect(await outAfter(15)).toBe(2);
      expect(await outAfter(15)).toBe(3);
      expect(await outAfter(30)).toBe(4);
      for (const name of names) await expectAtRest(driver, demo(name));
    }));
});

describe("unenrolling registers no needless revisions", () => {
  it("three enrollments and unenrollments register one revision each", () =>
    onLab({ fleet: guideFleet }, async (driver) => {
      const echo = demo("echo-service");
      for (let round = 0; round < 3; round += 1) {
        await driver.tag(echo, { [ENROLL]: "true" });
        await driver.until(
          "echo-service is enrolled",
          15,
          async () => (await driver.inMesh(echo)) && driver.ended(echo, "succeeded"),
        );
        await driver.untag(echo, ENROLL);
        await untilUnenrolled(driver, echo);
        await driver.minutes(1);
      }
      expect((await revisionsOf(driver, echo, "echo-service-definition")).length).toBeLessThanOrEqual(7);
      await expectAtRest(driver, echo);
    }));
});
