import { describe, expect, it } from "vitest";
import { isJsonObject } from "../../shared/base/json.ts";
import { parseValueFrom } from "../../shared/data-plane/ztunnel/bootstrap-token/secret-version.ts";
import { released } from "./support/fleets.ts";
import { tagsOf } from "./support/inspect.ts";
import { type FleetDriver, NEW_IMAGE, OLD_IMAGE, onFleet, QUICK } from "./support/rollouts.ts";

const newEverywhere = (driver: FleetDriver) => expect(driver.images()).toEqual(driver.arns.map(() => NEW_IMAGE));

describe("during a rollout", () => {
  it("a pipeline deploys a service that is being rolled: its deployment stays, and gets the new sidecar", () =>
    onFleet({ services: 6 }, async (driver) => {
      await driver.requestUpgrade();
      await driver.untilWave(0, "rolling");
      await driver.minutes(0.3);
      const [arn = ""] = driver.arns;
      const service = driver.serviceOf(arn);
      await driver.deploy(service, released(await driver.definitionOf(service), "web", "shop/service-0:2"));
      await driver.untilStatus("completed");
      await driver.minutes(60);
      expect(await driver.definitionImage(arn, "web")).toBe("shop/service-0:2");
      newEverywhere(driver);
      expect(await driver.leftovers()).toEqual([]);
    }));

  it("a pipeline without the sidecar deploys a service that the rollout has updated: it gets the new image again", () =>
    onFleet({ services: 6, rollout: { ...QUICK, bakeMinutes: 20 } }, async (driver) => {
      const [arn = ""] = driver.arns;
      const service = driver.serviceOf(arn);
      const definition = await driver.definitionOf(service);
      const plain = {
        ...definition,
        containerDefinitions: [{ name: "web", image: "shop/service-0:2", essential: true }],
      };
      await driver.requestUpgrade();
      await driver.untilWave(0, "baking");
      await driver.deploy(service, plain);
      await driver.untilStatus("completed", "upgrade-one", 600);
      newEverywhere(driver);
      expect(await driver.definitionImage(arn, "web")).toBe("shop/service-0:2");
    }));

  it("a rollback ignores a service that somebody has deployed since", () =>
    onFleet({ services: 6, rollout: { ...QUICK, bakeMinutes: 60 } }, async (driver) => {
      await driver.requestUpgrade();
      await driver.untilWave(0, "baking");
      const [arn = ""] = driver.arns;
      const service = driver.serviceOf(arn);
      await driver.deploy(service, released(await driver.definitionOf(service), "web", "shop/service-0:2"));
      await driver.minutes(10);
      await driver.command("rollback");
      await driver.untilStatus("rolled-back");
      const one = (await driver.services()).find(({ serviceArn }) => serviceArn === arn);
      expect(one).toMatchObject({ status: "left", reason: "changed-since" });
      expect(driver.events("Rollout Rolled Back")).toMatchObject([{ left: 1, rolledBack: 1, stuck: 0 }]);
      await driver.minutes(60);
      // The application's image is the deployed one. The sidecar's image is the fleet's.
      expect(await driver.definitionImage(arn, "web")).toBe("shop/service-0:2");
      expect(driver.images()).toEqual(driver.arns.map(() => OLD_IMAGE));
    }));

  it("a service is deleted: it doesn't count as a failure, and the rollout goes on", () =>
    onFleet({ services: 9, rollout: { ...QUICK, failureBudget: { inAll: { count: 0 } } } }, async (driver) => {
      await driver.requestUpgrade();
      await driver.untilWave(0, "rolling");
      const [arn = ""] = driver.arnsIn("eu-west-1");
      const { cluster, name } = driver.serviceOf(arn);
      await driver.lab.call(driver.serviceOf(arn), "DeleteService", { cluster, service: name, force: true });
      await driver.untilStatus("completed");
      const kept = driver.arns.filter((one) => one !== arn);
      expect(driver.images().filter((image) => image === NEW_IMAGE)).toHaveLength(kept.length);
      await driver.minutes(40);
      expect(await driver.leftovers()).toEqual([]);
    }));

  it("others use the quota of RegisterTaskDefinition: the rollout takes longer, and no service fails", () =>
    onFleet(
      { services: 40, regions: ["us-east-1"], rollout: { ...QUICK, canaryCount: 0, concurrency: 0 } },
      async (driver) => {
        const [arn = ""] = driver.arns;
        const definition = { ...(await driver.definitionOf(driver.serviceOf(arn))), family: "noise" };
        let noisy = true;
        const noise = (async () => {
          while (noisy) {
            await driver.lab.call(driver.home, "RegisterTaskDefinition", definition);
            await driver.lab.clock.sleep(1000);
          }
        })();
        await driver.requestUpgrade();
        await driver.minutes(10);
        noisy = false;
        await noise;
        await driver.untilStatus("completed", "upgrade-one", 120);
        expect(await driver.counts()).toEqual({ succeeded: 40 });
        newEverywhere(driver);
      },
    ));

  it("its execution is stopped by hand: another one continues within minutes, and every service has a result", () =>
    onFleet({ services: 12, rollout: { ...QUICK, failureBudget: { inAll: { count: 0 } } } }, async (driver) => {
      await driver.requestUpgrade();
      await driver.untilWave(1, "rolling");
      await driver.minutes(0.4);
      await stop(driver, "upgrade-one-1");
      await driver.untilStatus("completed");
      expect((await driver.rollout()).executionCount).toBe(2);
      const counts = await driver.counts();
      expect((counts.succeeded ?? 0) + (counts.skipped ?? 0)).toBe(12);
      newEverywhere(driver);
      await driver.minutes(180);
      expect(await driver.leftovers()).toEqual([]);
    }));

  it("its execution is stopped by hand, then an operator rolls it back: every service has its previous revision", () =>
    onFleet({ services: 12 }, async (driver) => {
      const before = driver.revisions();
      await driver.requestUpgrade();
      await driver.untilWave(1, "rolling");
      await driver.minutes(0.4);
      await stop(driver, "upgrade-one-1");
      await driver.command("rollback");
      const back = await driver.untilStatus("rolled-back");
      expect(back.stuckOrdinals).toEqual([]);
      expect(driver.revisions()).toEqual(before);
      await driver.minutes(60);
      expect(driver.revisions()).toEqual(before);
      expect(await driver.leftovers()).toEqual([]);
    }));

  it("its waiting execution is stopped by hand: the rollout still waits for the operator, and then goes on", () =>
    onFleet({ services: 6 }, async (driver) => {
      await driver.requestUpgrade({ overrides: { approveAfterCanary: true } });
      await driver.untilStatus("awaiting-approval");
      await stop(driver, "upgrade-one-1");
      await driver.minutes(5);
      expect((await driver.rollout()).status).toBe("awaiting-approval");
      await driver.command("approve");
      await driver.untilStatus("completed", "upgrade-one", 30);
      expect(driver.events("Rollout Paused").length).toBeLessThanOrEqual(2);
    }));

  it("Slack is down all the time: the rollout succeeds", () =>
    onFleet({ services: 6 }, async (driver) => {
      driver.lab.faults.add({ kind: "slack-down" });
      await driver.requestUpgrade();
      await driver.untilStatus("completed");
      newEverywhere(driver);
      expect(await driver.counts()).toEqual({ succeeded: 6 });
    }));

  it("a region is down for a while: the rollout waits, and goes on", () =>
    onFleet({ services: 6, rollout: { ...QUICK, failureBudget: { inAll: { count: 0 } } } }, async (driver) => {
      const nowMs = driver.lab.clock.now();
      driver.lab.faults.add({
        kind: "region-down",
        match: { region: "us-west-2", call: "ecs.*" },
        fromMs: nowMs + 60_000,
        untilMs: nowMs + 3 * 60_000,
      });
      await driver.requestUpgrade();
      await driver.untilStatus("completed");
      newEverywhere(driver);
    }));

  it("a newer change waits, and a still newer one supersedes it", () =>
    onFleet({ services: 6 }, async (driver) => {
      await driver.requestUpgrade();
      await driver.requestUpgrade({ rolloutId: "upgrade-two", image: "example.com/ztunnel:1.28.3" });
      await driver.requestUpgrade({ rolloutId: "upgrade-three", image: "example.com/ztunnel:1.28.4" });
      expect((await driver.rollout("upgrade-two")).status).toBe("superseded");
      await driver.untilStatus("completed", "upgrade-three");
      const [one, three] = [await driver.rollout("upgrade-one"), await driver.rollout("upgrade-three")];
      expect((three.startedAt ?? "") >= (one.finishedAt ?? "-")).toBe(true);
      expect(driver.images()).toEqual(driver.arns.map(() => "example.com/ztunnel:1.28.4"));
    }));
});

async function stop(driver: FleetDriver, name: string): Promise<void> {
  const executionArn = `${driver.lab.rollFleetArn.replace(":stateMachine:", ":execution:")}:${name}`;
  await driver.lab.call(driver.home, "StopExecution", { executionArn }, "AWSStepFunctions");
}

describe("the whole fleet", () => {
  it("leaves the mesh in waves, stays out, and is enrolled again by a rollback", () =>
    onFleet({ services: 9 }, async (driver) => {
      const before = driver.revisions();
      const tags = () => driver.arns.map((arn) => tagsOf(driver, driver.serviceOf(arn)));
      const tagsBefore = tags();
      await driver.request({ rolloutId: "leave-one", kind: "unenroll", requestedBy: "ann" });
      await driver.minutes(0.2);
      await driver.untilStatus("completed", "leave-one");
      expect(driver.images()).toEqual(driver.arns.map(() => "none"));
      await driver.minutes(60);
      expect(driver.images()).toEqual(driver.arns.map(() => "none"));
      expect(await driver.leftovers()).toEqual([]);
      await driver.command("rollback", "leave-one");
      await driver.untilStatus("rolled-back", "leave-one");
      expect(driver.revisions()).toEqual(before);
      expect(tags()).toEqual(tagsBefore);
      const rolls = driver.lab.rolls().length;
      await driver.minutes(60);
      expect(driver.revisions()).toEqual(before);
      expect(driver.lab.rolls(), "no roll more").toHaveLength(rolls);
      expect((await driver.lab.ledger.getFleet()).unenrolledBy).toBeUndefined();
      for (const arn of driver.arns) expect((await driver.state(driver.serviceOf(arn)))?.enrolled).toBe(true);
    }));

  it("is upgraded to the parameter's image automatically, and an invalid value is refused once", () =>
    onFleet({ services: 6, ztunnel: { imageParameter: "/mesh/ztunnel-image" } }, async (driver) => {
      await driver.putParameter("/mesh/ztunnel-image", OLD_IMAGE);
      await driver.minutes(10);
      expect(await driver.rollouts()).toEqual([]);
      await driver.putParameter("/mesh/ztunnel-image", "No Image");
      await driver.minutes(20);
      expect(driver.events("Rollout Refused")).toMatchObject([{ code: "invalid-image", kind: "upgrade" }]);
      expect(driver.images()).toEqual(driver.arns.map(() => OLD_IMAGE));
      await driver.putParameter("/mesh/ztunnel-image", NEW_IMAGE);
      await driver.until("an upgrade has ended", 120, async () => (await driver.rollouts())[0]?.status === "completed");
      newEverywhere(driver);
      await driver.minutes(60);
      expect(await driver.rollouts()).toHaveLength(1);
      expect(driver.events("Rollout Refused")).toHaveLength(1);
    }));

  it("stays on the parameter's image when the parameter is deleted and made again, and reports it once", () =>
    onFleet({ services: 6, ztunnel: { imageParameter: "/mesh/ztunnel-image" } }, async (driver) => {
      await driver.putParameter("/mesh/ztunnel-image", OLD_IMAGE);
      await driver.minutes(10);
      await driver.putParameter("/mesh/ztunnel-image", NEW_IMAGE);
      await driver.until("an upgrade has ended", 120, async () => (await driver.rollouts())[0]?.status === "completed");
      const before = driver.revisions();
      await driver.lab.call(driver.home, "DeleteParameter", { Name: "/mesh/ztunnel-image" }, "AmazonSSM");
      await driver.minutes(60);
      expect(driver.events("Rollout Refused")).toMatchObject([{ code: "image-parameter-missing", kind: "upgrade" }]);
      await driver.putParameter("/mesh/ztunnel-image", NEW_IMAGE);
      await driver.minutes(60);
      expect(driver.revisions()).toEqual(before);
      expect(await driver.rollouts()).toHaveLength(1);
      expect(driver.events("Rollout Refused")).toHaveLength(1);
    }));

  it("keeps every secret version that a pinned revision needs, through sweeps during and after a rollout", () =>
    onFleet({ services: 6, rollout: { ...QUICK, bakeMinutes: 60 } }, async (driver) => {
      await driver.requestUpgrade();
      await driver.untilStatus("completed", "upgrade-one", 600);
      await driver.minutes(180);
      for (const { fromRevisionArn = "", serviceArn } of await driver.services()) {
        const at = driver.serviceOf(serviceArn);
        const described = await driver.lab.call(at, "DescribeTaskDefinition", { taskDefinition: fromRevisionArn });
        const pins = [...JSON.stringify(described).matchAll(/"valueFrom":"([^"]+)"/g)].flatMap(
          ([, valueFrom = ""]) => parseValueFrom(valueFrom) ?? [],
        );
        expect(pins).toHaveLength(1);
        for (const { secretArn, versionId = "" } of pins) {
          const secret = driver.lab.secrets.state().find(({ ARN }) => ARN === secretArn);
          const stages = isJsonObject(secret?.VersionIdsToStages) ? secret.VersionIdsToStages[versionId] : undefined;
          expect(stages, serviceArn).toEqual(expect.arrayContaining([expect.any(String)]));
        }
      }
    }));
});

describe("a single roll of a rollout", () => {
  it("is stopped by hand: the service is rolled again, and no lease is left", () =>
    onFleet({ services: 6, rollout: { ...QUICK, failureBudget: { inAll: { count: 0 } } } }, async (driver) => {
      await driver.requestUpgrade();
      await driver.untilWave(1, "rolling");
      await driver.minutes(0.4);
      const { stepFunctions, rollServiceArn } = driver.lab;
      const open = stepFunctions.listExecutions({ stateMachineArn: rollServiceArn, statusFilter: "RUNNING" });
      expect(open.length).toBeGreaterThan(0);
      for (const { executionArn } of open) {
        await driver.lab.call(driver.home, "StopExecution", { executionArn }, "AWSStepFunctions");
      }
      const done = await driver.untilStatus("completed");
      expect(done.failedOrdinals).toEqual([]);
      newEverywhere(driver);
      expect(await driver.counts()).toEqual({ succeeded: 6 });
      await driver.minutes(30);
      expect(await driver.leftovers()).toEqual([]);
    }));
});

describe("events that are lost or duplicated", () => {
  it("don't change the rollout's result", () =>
    onFleet({ services: 6 }, async (driver) => {
      await driver.requestUpgrade();
      driver.lab.faults.add({ kind: "lose-event", match: { detailType: "ECS Deployment State Change" } });
      driver.lab.faults.add({ kind: "duplicate-event" });
      await driver.untilStatus("completed");
      newEverywhere(driver);
      expect(await driver.counts()).toEqual({ succeeded: 6 });
    }));

  it("start no second rollout, and a duplicated command counts once", () =>
    onFleet({ services: 6 }, async (driver) => {
      driver.lab.faults.add({ kind: "duplicate-event" });
      await driver.requestUpgrade({ overrides: { approveAfterCanary: true } });
      await driver.untilStatus("awaiting-approval");
      await driver.command("approve");
      await driver.untilStatus("completed");
      await driver.command("rollback");
      await driver.untilStatus("rolled-back");
      expect(await driver.rollouts()).toHaveLength(1);
      expect((await driver.rollout()).journal.map(({ did }) => did)).toEqual(["approve", "rollback"]);
      expect(driver.events("Rollout Refused")).toEqual([]);
      expect(driver.images()).toEqual(driver.arns.map(() => OLD_IMAGE));
    }));
});
