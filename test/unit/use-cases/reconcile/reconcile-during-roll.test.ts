import { describe, expect, it } from "vitest";
import { reconcileService } from "../../../../shared/use-cases/reconcile/reconcile-service.ts";
import { NAME, web } from "../../../support/arns.ts";
import { type RollTestbed, watchedTestbed } from "../../../support/testbeds/roll.ts";
import { applied, enroll } from "../../../support/testbeds/rolls.ts";
import { NOW } from "../../../support/times.ts";

const look = (testbed: RollTestbed) => reconcileService(web, testbed);

describe("a look at a service that a roll has", () => {
  it("costs no call to ECS while a roll holds the lease", async () => {
    const testbed = await watchedTestbed();
    await testbed.ledger.takeLease(web.serviceArn, { executionName: NAME, leaseUntil: NOW + 1 }, NOW);
    testbed.ecs.services.clear();
    expect(await look(testbed)).toEqual({ did: "nothing", why: "roll-in-progress" });
    expect(testbed.executions.started).toEqual([]);
  });

  it("that a roll keeps from acting is noted, once, for the end of the roll", async () => {
    const testbed = await watchedTestbed();
    await testbed.ledger.takeLease(web.serviceArn, { executionName: NAME, leaseUntil: NOW + 1 }, NOW);
    await reconcileService(web, testbed, { deploymentId: "ecs-svc/somebody-elses" });
    const noted = await testbed.ledger.getService(web.serviceArn);
    expect(noted).toMatchObject({ recheckRequested: true, roll: { executionName: NAME } });
    const ledger = { ...testbed.ledger, patchService: () => Promise.reject(new Error("noted already")) };
    expect(await reconcileService(web, { ...testbed, ledger })).toMatchObject({ why: "roll-in-progress" });
  });

  it("that the roll's own deployment calls for needs no note", async () => {
    const testbed = await watchedTestbed();
    const { deploymentId } = (await applied(testbed)).watch;
    expect(await reconcileService(web, testbed, { deploymentId })).toMatchObject({ why: "roll-in-progress" });
    expect(await testbed.ledger.getService(web.serviceArn)).not.toHaveProperty("recheckRequested");
  });

  it("is the next one itself when the roll ends while it takes its note", async () => {
    const testbed = await watchedTestbed();
    await testbed.ledger.takeLease(web.serviceArn, { executionName: NAME, leaseUntil: NOW + 1 }, NOW);
    const patchService: RollTestbed["ledger"]["patchService"] = async (...args) => {
      await testbed.ledger.finishRoll(web.serviceArn, NAME, {});
      return testbed.ledger.patchService(...args);
    };
    const done = await reconcileService(web, { ...testbed, ledger: { ...testbed.ledger, patchService } });
    expect(done).toMatchObject({ did: "started", action: "enroll" });
    expect(await testbed.ledger.getService(web.serviceArn)).not.toHaveProperty("recheckRequested");
  });

  it("takes the note back", async () => {
    const testbed = await watchedTestbed();
    await enroll(testbed);
    await testbed.ledger.patchService(web.serviceArn, { recheckRequested: true });
    expect(await look(testbed)).toMatchObject({ why: "as-desired" });
    expect(await testbed.ledger.getService(web.serviceArn)).not.toHaveProperty("recheckRequested");
  });
});
