import { describe, expect, it } from "vitest";
import { NEW_IMAGE, OLD_IMAGE, onFleet, QUICK } from "./support/rollouts.ts";

describe("an upgrade", () => {
  it("reaches every service in waves, region by region behind the canary, and nothing is left open", () =>
    onFleet({ services: 14, rollout: { canaryCount: 2, waves: [50, 100], bakeMinutes: 5 } }, async (stage) => {
      await stage.ask();
      const done = await stage.is("completed");
      expect(done.waves.map(({ name }) => name)).toEqual([
        "canary",
        "us-east-1 50%",
        "us-east-1 100%",
        "us-west-2 50%",
        "us-west-2 100%",
        "eu-west-1 50%",
        "eu-west-1 100%",
      ]);
      expect(done).toMatchObject({ failedOrdinals: [], stuckOrdinals: [], serviceCount: 14 });
      expect(stage.images()).toEqual(stage.arns.map(() => NEW_IMAGE));
      expect(await stage.counts()).toEqual({ succeeded: 14 });
      const waves = (await stage.rollout()).waves;
      for (const [index, { startedAt = "" }] of waves.entries()) {
        const before = waves[index - 1];
        if (before) expect(startedAt >= (before.finishedAt ?? "-")).toBe(true);
      }
      expect(stage.events("Rollout Started")).toHaveLength(1);
      expect(stage.events("Rollout Wave Completed")).toHaveLength(7);
      expect(stage.events("Rollout Completed")).toMatchObject([{ outcome: "completed", succeeded: 14, failed: 0 }]);
      await stage.minutes(40);
      expect(await stage.leftovers()).toEqual([]);
      // What it brought is what everything should have by now: no sweep corrects it again.
      expect((await stage.lab.ledger.getFleet()).image?.image).toBe(NEW_IMAGE);
      for (const arn of stage.arns) expect(stage.rollsOf(stage.name(arn))).toHaveLength(1);
    }));

  it("of some services leaves the others, and they stay apart", () =>
    onFleet({}, async (stage) => {
      await stage.ask({ scope: { regions: ["eu-*"] } });
      await stage.is("completed");
      await stage.minutes(40);
      const eu = stage.of("eu-west-1");
      expect(stage.images()).toEqual(stage.arns.map((arn) => (eu.includes(arn) ? NEW_IMAGE : OLD_IMAGE)));
      expect((await stage.lab.ledger.getFleet()).image?.image).toBe(OLD_IMAGE);
    }));

  it("whose image is broken in one region: over the budget, and everything goes back, the newest wave first", () =>
    onFleet({ services: 15 }, async (stage) => {
      const before = stage.revisions();
      stage.lab.faults.add({ kind: "container-unhealthy", match: { image: NEW_IMAGE, region: "us-west-2" } });
      await stage.ask();
      const back = await stage.is("rolled-back");
      expect(back.reason).toMatchObject({ code: "budget-exceeded" });
      expect(stage.revisions()).toEqual(before);
      expect(back.waves.map(({ name, state }) => [name, state])).toEqual([
        ["canary", "rolled-back"],
        ["us-east-1 100%", "rolled-back"],
        ["us-west-2 100%", "rolled-back"],
        ["eu-west-1 100%", "waiting"],
      ]);
      const finished = back.waves.map(({ finishedAt = "" }) => finishedAt);
      expect((finished[2] ?? "") <= (finished[1] ?? "") && (finished[1] ?? "") <= (finished[0] ?? "")).toBe(true);
      const services = await stage.services();
      const east = services.filter(({ serviceArn }) => serviceArn.includes("us-east-1"));
      expect(east.map(({ status }) => status)).toEqual(east.map(() => "rolled-back"));
      const west = services.filter(({ serviceArn }) => serviceArn.includes("us-west-2"));
      expect(west.map(({ status, reason }) => `${status} ${reason}`)).toEqual(
        west.map(() => "reverted ztunnel-unhealthy"),
      );
      const eu = services.filter(({ serviceArn }) => serviceArn.includes("eu-west-1"));
      expect(eu.map(({ status }) => status)).toEqual(eu.map(() => "waiting"));
      expect(stage.events("Rollout Rolled Back")).toMatchObject([
        { code: "budget-exceeded", rolledBack: 6, stuck: 0, stuckServices: [] },
      ]);
      expect(stage.events("Rollout Completed")).toEqual([]);
      await stage.minutes(120);
      // It stays so: no look at a service brings the image again, and nobody is told again.
      expect(stage.revisions()).toEqual(before);
      expect(stage.events("Rollout Rolled Back")).toHaveLength(1);
      expect(await stage.leftovers()).toEqual([]);
    }));

  it("lists loudly what it could not take back", () =>
    onFleet({ services: 9, rollout: { ...QUICK, failureBudget: { perWave: { count: 0 } } } }, async (stage) => {
      stage.lab.faults.add({ kind: "container-unhealthy", match: { image: NEW_IMAGE, region: "us-west-2" } });
      await stage.ask();
      await stage.wave(1, "rolling");
      // Now the old image does not get healthy any more either in one service.
      const [stubborn = ""] = stage.of("us-east-1");
      stage.lab.faults.add({ kind: "container-unhealthy", match: { image: OLD_IMAGE, service: stubborn } });
      const back = await stage.is("rolled-back", "upgrade-one", 600);
      expect(back.stuckOrdinals).toHaveLength(1);
      const [told] = stage.events("Rollout Rolled Back");
      expect(told).toMatchObject({ stuck: 1, stuckServices: [stubborn] });
      const service = (await stage.services()).find(({ serviceArn }) => serviceArn === stubborn);
      expect(service).toMatchObject({ status: "stuck", fromRevisionArn: expect.any(String) });
      expect(service?.reason).not.toBe("roll-unaccounted");
      // Once its cause is gone, the service gets what everything else has: the old image.
      stage.lab.faults.replace([]);
      await stage.minutes(26 * 60);
      expect(stage.images()).toEqual(stage.arns.map(() => OLD_IMAGE));
      expect(await stage.leftovers()).toEqual([]);
    }));

  it("within its budget goes on in spite of a failure", () =>
    onFleet({ services: 12, rollout: { ...QUICK, failureBudget: { inAll: { count: 1 } } } }, async (stage) => {
      const [unlucky = ""] = stage.of("us-west-2");
      stage.lab.faults.add({ kind: "container-unhealthy", match: { image: NEW_IMAGE, service: unlucky } });
      await stage.ask();
      const done = await stage.is("completed");
      expect(done.failedOrdinals).toHaveLength(1);
      expect(await stage.counts()).toEqual({ succeeded: 11, reverted: 1 });
      expect(stage.events("Rollout Completed")).toMatchObject([{ failed: 1, succeeded: 11 }]);
    }));

  it("fails in its bake: tasks that were fine die, and everything goes back", () =>
    onFleet(
      { services: 9, rollout: { ...QUICK, bakeMinutes: 20, failureBudget: { inAll: { count: 0 } } } },
      async (stage) => {
        const before = stage.revisions();
        await stage.ask();
        await stage.wave(1, "baking");
        const [victim] = (await stage.services()).filter(({ waveIndex: wave }) => wave === 1);
        const arn = victim?.serviceArn ?? "";
        stage.lab.faults.add({ kind: "container-unhealthy", match: { service: arn, image: NEW_IMAGE } });
        for (const task of [...(stage.lab.ecs.findService(arn)?.tasks ?? [])]) {
          await stage.lab.call(stage.name(arn), "StopTask", { cluster: stage.name(arn).cluster, task: task.arn });
        }
        const back = await stage.is("rolled-back", "upgrade-one", 600);
        expect(back.reason?.code).toBe("bake-failed");
        stage.lab.faults.replace([]);
        await stage.minutes(30);
        expect(stage.revisions()).toEqual(before);
      },
    ));
});
