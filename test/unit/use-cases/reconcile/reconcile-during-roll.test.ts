import { describe, expect, it } from "vitest";
import { reconcileService } from "../../../../shared/use-cases/reconcile/reconcile-service.ts";
import { NOW, type RollWorld, watchedWorld, web } from "../../../support/fakes.ts";
import { applied, enroll, NAME } from "../../../support/rolls.ts";

const look = (world: RollWorld) => reconcileService(web, world);

describe("a look at a service that a roll has", () => {
  it("costs no call to ECS while a roll holds the lease", async () => {
    const world = await watchedWorld();
    await world.ledger.takeLease(web.serviceArn, { executionName: NAME, leaseUntil: NOW + 1 }, NOW);
    world.ecs.services.clear();
    expect(await look(world)).toEqual({ did: "nothing", why: "roll-in-progress" });
    expect(world.executions.started).toEqual([]);
  });

  it("that a roll keeps from acting is noted, once, for the end of the roll", async () => {
    const world = await watchedWorld();
    await world.ledger.takeLease(web.serviceArn, { executionName: NAME, leaseUntil: NOW + 1 }, NOW);
    await reconcileService(web, world, { deploymentId: "ecs-svc/somebody-elses" });
    const noted = await world.ledger.getService(web.serviceArn);
    expect(noted).toMatchObject({ recheckRequested: true, roll: { executionName: NAME } });
    const ledger = { ...world.ledger, patchService: () => Promise.reject(new Error("noted already")) };
    expect(await reconcileService(web, { ...world, ledger })).toMatchObject({ why: "roll-in-progress" });
  });

  it("that the roll's own deployment calls for needs no note", async () => {
    const world = await watchedWorld();
    const { deploymentId } = (await applied(world)).watch;
    expect(await reconcileService(web, world, { deploymentId })).toMatchObject({ why: "roll-in-progress" });
    expect(await world.ledger.getService(web.serviceArn)).not.toHaveProperty("recheckRequested");
  });

  it("is the next one itself when the roll ends while it takes its note", async () => {
    const world = await watchedWorld();
    await world.ledger.takeLease(web.serviceArn, { executionName: NAME, leaseUntil: NOW + 1 }, NOW);
    const patchService: RollWorld["ledger"]["patchService"] = async (...args) => {
      await world.ledger.finishRoll(web.serviceArn, NAME, {});
      return world.ledger.patchService(...args);
    };
    const done = await reconcileService(web, { ...world, ledger: { ...world.ledger, patchService } });
    expect(done).toMatchObject({ did: "started", action: "enroll" });
    expect(await world.ledger.getService(web.serviceArn)).not.toHaveProperty("recheckRequested");
  });

  it("takes the note back", async () => {
    const world = await watchedWorld();
    await enroll(world);
    await world.ledger.patchService(web.serviceArn, { recheckRequested: true });
    expect(await look(world)).toMatchObject({ why: "as-desired" });
    expect(await world.ledger.getService(web.serviceArn)).not.toHaveProperty("recheckRequested");
  });
});
