import { describe, expect, it } from "vitest";
import { isJsonObject } from "../../shared/base/json.ts";
import { parseValueFrom } from "../../shared/data-plane/ztunnel/bootstrap-token/secret-version.ts";
import { released } from "./support/fleets.ts";
import { type FleetStage, NEW_IMAGE, OLD_IMAGE, onFleet, QUICK } from "./support/rollouts.ts";

const newEverywhere = (stage: FleetStage) => expect(stage.images()).toEqual(stage.arns.map(() => NEW_IMAGE));

describe("during a rollout", () => {
  it("a pipeline deploys a service that is just being rolled: its deployment stays, with the new sidecar in the end", () =>
    onFleet({ services: 6 }, async (stage) => {
      await stage.ask();
      await stage.wave(0, "rolling");
      await stage.minutes(0.3);
      const [arn = ""] = stage.arns;
      const service = stage.name(arn);
      await stage.deploy(service, released(await stage.definitionOf(service), "web", "shop/service-0:2"));
      await stage.is("completed");
      await stage.minutes(60);
      expect(await stage.definitionImage(arn, "web")).toBe("shop/service-0:2");
      newEverywhere(stage);
      expect(await stage.leftovers()).toEqual([]);
    }));

  it("a pipeline that does not know the sidecar deploys a service that the rollout has changed: it gets the new image back", () =>
    onFleet({ services: 6, rollout: { ...QUICK, bakeMinutes: 20 } }, async (stage) => {
      const [arn = ""] = stage.arns;
      const service = stage.name(arn);
      const definition = await stage.definitionOf(service);
      const plain = {
        ...definition,
        containerDefinitions: [{ name: "web", image: "shop/service-0:2", essential: true }],
      };
      await stage.ask();
      await stage.wave(0, "baking");
      await stage.deploy(service, plain);
      await stage.is("completed", "upgrade-one", 600);
      newEverywhere(stage);
      expect(await stage.definitionImage(arn, "web")).toBe("shop/service-0:2");
    }));

  it("what somebody has deployed since is left alone by the way back", () =>
    onFleet({ services: 6, rollout: { ...QUICK, bakeMinutes: 60 } }, async (stage) => {
      await stage.ask();
      await stage.wave(0, "baking");
      const [arn = ""] = stage.arns;
      const service = stage.name(arn);
      await stage.deploy(service, released(await stage.definitionOf(service), "web", "shop/service-0:2"));
      await stage.minutes(10);
      await stage.say("rollback");
      await stage.is("rolled-back");
      const one = (await stage.services()).find(({ serviceArn }) => serviceArn === arn);
      expect(one).toMatchObject({ status: "left", reason: "changed-since" });
      expect(stage.events("Rollout Rolled Back")).toMatchObject([{ left: 1, rolledBack: 1, stuck: 0 }]);
      await stage.minutes(60);
      // The application stays what was deployed; the sidecar is what the fleet has.
      expect(await stage.definitionImage(arn, "web")).toBe("shop/service-0:2");
      expect(stage.images()).toEqual(stage.arns.map(() => OLD_IMAGE));
    }));

  it("a service is deleted: nobody has failed, and the others go on", () =>
    onFleet({ services: 9, rollout: { ...QUICK, failureBudget: { inAll: { count: 0 } } } }, async (stage) => {
      await stage.ask();
      await stage.wave(0, "rolling");
      const [arn = ""] = stage.of("eu-west-1");
      const { cluster, name } = stage.name(arn);
      await stage.lab.call(stage.name(arn), "DeleteService", { cluster, service: name, force: true });
      await stage.is("completed");
      const kept = stage.arns.filter((one) => one !== arn);
      expect(stage.images().filter((image) => image === NEW_IMAGE)).toHaveLength(kept.length);
      await stage.minutes(40);
      expect(await stage.leftovers()).toEqual([]);
    }));

  it("others use up the quota of RegisterTaskDefinition: it takes longer, and no service fails for it", () =>
    onFleet(
      { services: 40, regions: ["us-east-1"], rollout: { ...QUICK, canaryCount: 0, concurrency: 0 } },
      async (stage) => {
        const [arn = ""] = stage.arns;
        const definition = { ...(await stage.definitionOf(stage.name(arn))), family: "noise" };
        let noisy = true;
        const noise = (async () => {
          while (noisy) {
            await stage.lab.call(stage.home, "RegisterTaskDefinition", definition);
            await stage.lab.clock.sleep(1000);
          }
        })();
        await stage.ask();
        await stage.minutes(10);
        noisy = false;
        await noise;
        await stage.is("completed", "upgrade-one", 120);
        expect(await stage.counts()).toEqual({ succeeded: 40 });
        newEverywhere(stage);
      },
    ));

  it("its execution is stopped by hand: another one goes on within minutes, and every service is accounted for", () =>
    onFleet({ services: 12, rollout: { ...QUICK, failureBudget: { inAll: { count: 0 } } } }, async (stage) => {
      await stage.ask();
      await stage.wave(1, "rolling");
      await stage.minutes(0.4);
      await stop(stage, "upgrade-one-1");
      await stage.is("completed");
      expect((await stage.rollout()).executionCount).toBe(2);
      const counts = await stage.counts();
      expect((counts.succeeded ?? 0) + (counts.skipped ?? 0)).toBe(12);
      newEverywhere(stage);
      await stage.minutes(180);
      expect(await stage.leftovers()).toEqual([]);
    }));

  it("its execution is stopped by hand, then an operator takes it back: nothing of it is left", () =>
    onFleet({ services: 12 }, async (stage) => {
      const before = stage.revisions();
      await stage.ask();
      await stage.wave(1, "rolling");
      await stage.minutes(0.4);
      await stop(stage, "upgrade-one-1");
      await stage.say("rollback");
      const back = await stage.is("rolled-back");
      expect(back.stuckOrdinals).toEqual([]);
      expect(stage.revisions()).toEqual(before);
      await stage.minutes(60);
      expect(stage.revisions()).toEqual(before);
      expect(await stage.leftovers()).toEqual([]);
    }));

  it("a held execution is stopped by hand: it still waits for the operator, and then goes on", () =>
    onFleet({ services: 6 }, async (stage) => {
      await stage.ask({ overrides: { approveAfterCanary: true } });
      await stage.is("awaiting-approval");
      await stop(stage, "upgrade-one-1");
      await stage.minutes(5);
      expect((await stage.rollout()).status).toBe("awaiting-approval");
      await stage.say("approve");
      await stage.is("completed", "upgrade-one", 30);
      expect(stage.events("Rollout Paused").length).toBeLessThanOrEqual(2);
    }));

  it("Slack is down from its beginning to its end: nothing is different but what Slack has", () =>
    onFleet({ services: 6 }, async (stage) => {
      stage.lab.faults.add({ kind: "slack-down" });
      await stage.ask();
      await stage.is("completed");
      newEverywhere(stage);
      expect(await stage.counts()).toEqual({ succeeded: 6 });
    }));

  it("a region is down for a while: it waits, and goes on", () =>
    onFleet({ services: 6, rollout: { ...QUICK, failureBudget: { inAll: { count: 0 } } } }, async (stage) => {
      const nowMs = stage.lab.clock.now();
      stage.lab.faults.add({
        kind: "region-down",
        match: { region: "us-west-2", call: "ecs.*" },
        fromMs: nowMs + 60_000,
        untilMs: nowMs + 3 * 60_000,
      });
      await stage.ask();
      await stage.is("completed");
      newEverywhere(stage);
    }));

  it("a newer change waits, and a still newer one takes its place", () =>
    onFleet({ services: 6 }, async (stage) => {
      await stage.ask();
      await stage.ask({ rolloutId: "upgrade-two", image: "example.com/ztunnel:1.28.3" });
      await stage.ask({ rolloutId: "upgrade-three", image: "example.com/ztunnel:1.28.4" });
      expect((await stage.rollout("upgrade-two")).status).toBe("superseded");
      await stage.is("completed", "upgrade-three");
      const [one, three] = [await stage.rollout("upgrade-one"), await stage.rollout("upgrade-three")];
      expect((three.startedAt ?? "") >= (one.finishedAt ?? "-")).toBe(true);
      expect(stage.images()).toEqual(stage.arns.map(() => "example.com/ztunnel:1.28.4"));
    }));
});

async function stop(stage: FleetStage, name: string): Promise<void> {
  const executionArn = `${stage.lab.rollFleetArn.replace(":stateMachine:", ":execution:")}:${name}`;
  await stage.lab.call(stage.home, "StopExecution", { executionArn }, "AWSStepFunctions");
}

describe("the whole fleet", () => {
  it("leaves the mesh in waves, stays out, and comes back when that is taken back", () =>
    onFleet({ services: 9 }, async (stage) => {
      const before = stage.revisions();
      await stage.request({ rolloutId: "leave-one", kind: "unenroll", requestedBy: "ann" });
      await stage.minutes(0.2);
      await stage.is("completed", "leave-one");
      expect(stage.images()).toEqual(stage.arns.map(() => "none"));
      await stage.minutes(60);
      expect(stage.images()).toEqual(stage.arns.map(() => "none"));
      expect(await stage.leftovers()).toEqual([]);
      await stage.say("rollback", "leave-one");
      await stage.is("rolled-back", "leave-one");
      expect(stage.revisions()).toEqual(before);
      await stage.minutes(60);
      expect(stage.revisions()).toEqual(before);
      expect((await stage.lab.ledger.getFleet()).unenrolledBy).toBeUndefined();
      for (const arn of stage.arns) expect((await stage.state(stage.name(arn)))?.enrolled).toBe(true);
    }));

  it("gets the image that a parameter has, by itself; a value that is no image is refused once", () =>
    onFleet({ services: 6, ztunnel: { imageParameter: "/mesh/ztunnel-image" } }, async (stage) => {
      await stage.putParameter("/mesh/ztunnel-image", OLD_IMAGE);
      await stage.minutes(10);
      expect(await stage.rollouts()).toEqual([]);
      await stage.putParameter("/mesh/ztunnel-image", "No Image");
      await stage.minutes(20);
      expect(stage.events("Rollout Refused")).toMatchObject([{ code: "invalid-image", kind: "upgrade" }]);
      expect(stage.images()).toEqual(stage.arns.map(() => OLD_IMAGE));
      await stage.putParameter("/mesh/ztunnel-image", NEW_IMAGE);
      await stage.until("an upgrade has ended", 120, async () => (await stage.rollouts())[0]?.status === "completed");
      newEverywhere(stage);
      await stage.minutes(60);
      expect(await stage.rollouts()).toHaveLength(1);
      expect(stage.events("Rollout Refused")).toHaveLength(1);
    }));

  it("keeps every secret version that a revision to go back to pins, through sweeps during and after a rollout", () =>
    onFleet({ services: 6, rollout: { ...QUICK, bakeMinutes: 60 } }, async (stage) => {
      await stage.ask();
      await stage.is("completed", "upgrade-one", 600);
      await stage.minutes(180);
      for (const { fromRevisionArn = "", serviceArn } of await stage.services()) {
        const at = stage.name(serviceArn);
        const described = await stage.lab.call(at, "DescribeTaskDefinition", { taskDefinition: fromRevisionArn });
        const pins = [...JSON.stringify(described).matchAll(/"valueFrom":"([^"]+)"/g)].flatMap(
          ([, valueFrom = ""]) => parseValueFrom(valueFrom) ?? [],
        );
        expect(pins).toHaveLength(1);
        for (const { secretArn, versionId = "" } of pins) {
          const secret = stage.lab.secrets.state().find(({ ARN }) => ARN === secretArn);
          const stages = isJsonObject(secret?.VersionIdsToStages) ? secret.VersionIdsToStages[versionId] : undefined;
          expect(stages, serviceArn).toEqual(expect.arrayContaining([expect.any(String)]));
        }
      }
    }));
});

describe("a single roll of a rollout", () => {
  it("is stopped by hand: it is tried again, and no lease is left", () =>
    onFleet({ services: 6, rollout: { ...QUICK, failureBudget: { inAll: { count: 0 } } } }, async (stage) => {
      await stage.ask();
      await stage.wave(1, "rolling");
      await stage.minutes(0.4);
      const { stepFunctions, rollServiceArn } = stage.lab;
      const open = stepFunctions.listExecutions({ stateMachineArn: rollServiceArn, statusFilter: "RUNNING" });
      expect(open.length).toBeGreaterThan(0);
      for (const { executionArn } of open) {
        await stage.lab.call(stage.home, "StopExecution", { executionArn }, "AWSStepFunctions");
      }
      const done = await stage.is("completed");
      expect(done.failedOrdinals).toEqual([]);
      newEverywhere(stage);
      expect(await stage.counts()).toEqual({ succeeded: 6 });
      await stage.minutes(30);
      expect(await stage.leftovers()).toEqual([]);
    }));
});

describe("events that are lost, late or come twice", () => {
  it("change nothing about how a rollout ends", () =>
    onFleet({ services: 6 }, async (stage) => {
      await stage.ask();
      stage.lab.faults.add({ kind: "lose-event", match: { detailType: "ECS Deployment State Change" } });
      stage.lab.faults.add({ kind: "duplicate-event" });
      await stage.is("completed");
      newEverywhere(stage);
      expect(await stage.counts()).toEqual({ succeeded: 6 });
    }));

  it("start no second rollout, and a command that comes twice is one command", () =>
    onFleet({ services: 6 }, async (stage) => {
      stage.lab.faults.add({ kind: "duplicate-event" });
      await stage.ask({ overrides: { approveAfterCanary: true } });
      await stage.is("awaiting-approval");
      await stage.say("approve");
      await stage.is("completed");
      await stage.say("rollback");
      await stage.is("rolled-back");
      expect(await stage.rollouts()).toHaveLength(1);
      expect((await stage.rollout()).journal.map(({ did }) => did)).toEqual(["approve", "rollback"]);
      expect(stage.events("Rollout Refused")).toEqual([]);
      expect(stage.images()).toEqual(stage.arns.map(() => OLD_IMAGE));
    }));
});
