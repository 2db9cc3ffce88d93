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
import { onLab } from "./support/on-lab.ts";
import {
  eventTypesOf,
  expectAtRest,
  expectMeshed,
  outcomesOf,
  revisionsOf,
  tagsOf,
  tasksOf,
} from "./support/witness.ts";

async function enrolled(stage: LabDriver, service: ServiceName): Promise<void> {
  await stage.until(`${service.name} is enrolled`, 15, () => stage.ended(service, "succeeded"));
}

async function out(stage: LabDriver, service: ServiceName, withinMinutes = 15): Promise<void> {
  const isOut = async () => !(await stage.inMesh(service)) && (await stage.ended(service, "succeeded"));
  await stage.until(`${service.name} is out of the mesh`, withinMinutes, isOut);
}

describe("a service loses its enroll tag", () => {
  it.each([
    ["ecs-demo/shell-task", demo("shell-task")],
    ["ecs-demo/echo-service", demo("echo-service")],
    ["shop/checkout", shop("checkout")],
    ["shop/search", shop("search")],
  ])("%s: its definition is as it was before, and the tags that we added are gone", (_name, service) =>
    onLab({ fleet: guideFleet }, async (stage) => {
      const before = await stage.definitionOf(service);
      await stage.tag(service, { [ENROLL]: "true", team: "payments" });
      await enrolled(stage, service);
      await stage.untag(service, ENROLL);
      await out(stage, service);
      await stage.minutes(2);
      expect(await stage.definitionOf(service)).toEqual(before);
      expect(tagsOf(stage, service)).toEqual({ team: "payments" });
      const { enrolled: isEnrolled, addedTagKeys, secretsInUse } = (await stage.state(service)) ?? {};
      expect({ isEnrolled, addedTagKeys, secretsInUse }).toEqual({
        isEnrolled: false,
        addedTagKeys: [],
        secretsInUse: [],
      });
      expect(eventTypesOf(stage, service)).toEqual(["Service Enrolled", "Service Unenrolled"]);
      expect(tasksOf(stage, service).every(({ healthy }) => healthy)).toBe(true);
      await expectAtRest(stage, service);
    }),
  );

  it("or the tag says false: the same", () =>
    onLab({ fleet: guideFleet }, async (stage) => {
      const echo = demo("echo-service");
      await stage.tag(echo, { [ENROLL]: "true" });
      await enrolled(stage, echo);
      await stage.tag(echo, { [ENROLL]: "false" });
      await out(stage, echo);
      await stage.minutes(30);
      expect(eventTypesOf(stage, echo)).toEqual(["Service Enrolled", "Service Unenrolled"]);
      expect(tagsOf(stage, echo)).toEqual({ [ENROLL]: "false" });
    }));

  it("while a roll takes it in: it ends out of the mesh", () =>
    onLab({ fleet: guideFleet }, async (stage) => {
      const echo = demo("echo-service");
      await stage.tag(echo, { [ENROLL]: "true" });
      await stage.until("rolling", 5, async () => (await stage.state(echo))?.roll?.taskToken !== undefined);
      await stage.untag(echo, ENROLL);
      await out(stage, echo, 30);
      await stage.minutes(2);
      expect(tagsOf(stage, echo)).toEqual({});
      expect((await stage.state(echo))?.enrolled).toBe(false);
      await expectAtRest(stage, echo);
    }));

  it("while an update rolls: the end of the update leads to the way out, without any sweep", () =>
    onLab({ fleet: guideFleet, schedules: false }, async (stage) => {
      const echo = demo("echo-service");
      await stage.tag(echo, { [ENROLL]: "true" });
      await enrolled(stage, echo);
      await stage.minutes(2);
      await stage.tag(echo, { [IMAGE]: BAD_IMAGE });
      await stage.until("rolling", 5, async () => (await stage.state(echo))?.roll?.taskToken !== undefined);
      await stage.untag(echo, ENROLL);
      await out(stage, echo);
      expect(eventTypesOf(stage, echo)).toEqual(["Service Enrolled", "Service Updated", "Service Unenrolled"]);
      await expectAtRest(stage, echo);
    }));

  it("seconds after it got it: it ends out of the mesh, with no tag of ours", () =>
    onLab({ fleet: guideFleet }, async (stage) => {
      const echo = demo("echo-service");
      await stage.tag(echo, { [ENROLL]: "true" });
      await stage.lab.clock.sleep(400);
      await stage.untag(echo, ENROLL);
      await stage.minutes(30);
      expect(await stage.containersOf(echo)).toEqual(["echo"]);
      expect(tagsOf(stage, echo)).toEqual({});
      await expectAtRest(stage, echo);
    }));

  it("and gets it back: the revision with the sidecar that there was is used again or made anew, and it is in the mesh", () =>
    onLab({ fleet: guideFleet }, async (stage) => {
      const echo = demo("echo-service");
      await stage.tag(echo, { [ENROLL]: "true" });
      await enrolled(stage, echo);
      await stage.untag(echo, ENROLL);
      await out(stage, echo);
      await stage.tag(echo, { [ENROLL]: "true" });
      await stage.until(
        "echo-service is back",
        15,
        async () => (await stage.inMesh(echo)) && stage.ended(echo, "succeeded"),
      );
      await stage.minutes(2);
      await expectMeshed(stage, echo);
      expect(outcomesOf(stage, echo)).toEqual(["succeeded", "succeeded", "succeeded"]);
    }));

  it("and a pipeline deploys without the sidecar before anybody has looked: the ledger and the tags follow", () =>
    onLab({ fleet: guideFleet }, async (stage) => {
      const echo = demo("echo-service");
      const original = await stage.definitionOf(echo);
      await stage.tag(echo, { [ENROLL]: "true" });
      await enrolled(stage, echo);
      await stage.minutes(1);
      stage.lab.faults.add({ kind: "lose-event", match: { detailType: "Tag Change on Resource" }, count: 1 });
      await stage.untag(echo, ENROLL);
      const revision = await stage.deploy(echo, original);
      await stage.minutes(5);
      expect(await stage.revisionOf(echo)).toBe(revision);
      expect(tagsOf(stage, echo)).toEqual({});
      expect(await stage.state(echo)).toMatchObject({
        enrolled: false,
        addedTagKeys: [],
        secretsInUse: [],
        lastGoodRevisionArn: revision,
      });
      expect(stage.rollsOf(echo), "nothing was to be rolled").toHaveLength(1);
    }));

  it("after its first enrollment has failed: the tags that we added go", () =>
    onLab({ fleet: guideFleet }, async (stage) => {
      const echo = demo("echo-service");
      stage.lab.faults.add({ kind: "secret-denied", match: { service: "echo-service" } });
      await stage.tag(echo, { [ENROLL]: "true" });
      await stage.until("reverted", 30, () => stage.ended(echo, "reverted"));
      await stage.untag(echo, ENROLL);
      await stage.minutes(1);
      expect(tagsOf(stage, echo)).toEqual({});
      expect((await stage.state(echo))?.addedTagKeys).toEqual([]);
      expect(await stage.containersOf(echo)).toEqual(["echo"]);
    }));

  it("while the control plane does not answer: it leaves the mesh all the same", () =>
    onLab({ fleet: guideFleet }, async (stage) => {
      const echo = demo("echo-service");
      await stage.tag(echo, { [ENROLL]: "true" });
      await enrolled(stage, echo);
      stage.lab.faults.add({ kind: "kubernetes-down" });
      await stage.untag(echo, ENROLL);
      await out(stage, echo);
    }));
});

describe("a cluster loses its enroll tag", () => {
  it("and its services leave the mesh, but for the one with a tag of its own", () => {
    const fleet = fleetOf(
      [web("one"), web("two", { tags: { [ENROLL]: "true" } })].map((service) => ({
        ...service,
        tags: { ...service.tags, [NAMESPACE]: "ecs-shop", [SERVICE_ACCOUNT]: service.name },
      })),
      { [ENROLL]: "true" },
    );
    return onLab({ fleet }, async (stage) => {
      const [one, two] = [demo("one"), demo("two")];
      await enrolled(stage, one);
      await enrolled(stage, two);
      const resourceArn = `arn:aws:ecs:${US.region}:${US.account}:cluster/ecs-demo`;
      await stage.lab.call(US, "UntagResource", { resourceArn, tagKeys: [ENROLL] });
      await out(stage, one);
      await stage.minutes(30);
      await expectMeshed(stage, two);
      expect(stage.rollsOf(two)).toHaveLength(1);
      await expectAtRest(stage, one);
    });
  });
});

describe("many services lose their tags at once, and no event tells it", () => {
  const names = ["a", "b", "c", "d"].map((letter) => `cart-${letter}`);
  const services = names.map((name) => web(name, { tags: { ...enrollAs(name) } }));

  it("one sweep takes at most maxUnenrollPerSweep of them out of the mesh", () =>
    onLab({ fleet: fleetOf(services), policy: { maxUnenrollPerSweep: 1 } }, async (stage) => {
      for (const name of names) await enrolled(stage, demo(name));
      stage.lab.faults.add({ kind: "lose-event", match: {} });
      for (const name of names) await stage.untag(demo(name), ENROLL, SERVICE_ACCOUNT);
      const outAfter = async (minutes: number) => {
        await stage.minutes(minutes);
        const inMesh = await Promise.all(names.map((name) => stage.inMesh(demo(name))));
        return inMesh.filter((is) => !is).length;
      };
      // The next sweep is at most 15 minutes away, then there is one every 15 minutes.
      expect(await outAfter(15)).toBe(1);
      expect(await outAfter(15)).toBe(2);
      expect(await outAfter(15)).toBe(3);
      expect(await outAfter(30)).toBe(4);
      for (const name of names) await expectAtRest(stage, demo(name));
    }));
});

describe("unenrolling makes no revisions without need", () => {
  it("enrolling and unenrolling again and again: one revision for each", () =>
    onLab({ fleet: guideFleet }, async (stage) => {
      const echo = demo("echo-service");
      for (let round = 0; round < 3; round += 1) {
        await stage.tag(echo, { [ENROLL]: "true" });
        await stage.until("in", 15, async () => (await stage.inMesh(echo)) && stage.ended(echo, "succeeded"));
        await stage.untag(echo, ENROLL);
        await out(stage, echo);
        await stage.minutes(1);
      }
      expect((await revisionsOf(stage, echo, "echo-service-definition")).length).toBeLessThanOrEqual(7);
      await expectAtRest(stage, echo);
    }));
});
