import { describe, expect, it } from "vitest";
import { reconcileService } from "../../../../shared/use-cases/reconcile/reconcile-service.ts";
import { NAME, web } from "../../../support/arns.ts";
import { type RollTestbed, watchedTestbed } from "../../../support/testbeds/roll.ts";
import { applied, enroll } from "../../../support/testbeds/rolls.ts";
import { NOW } from "../../../support/times.ts";

const look = (testbed: RollTestbed) => reconcileService(web, testbed);

describe("reconciling a service while a roll holds its lease", () => {
  it("makes no call to ECS", async () => {
    const testbed = await watchedTestbed();
    await testbed.ledger.takeLease(web.serviceArn, { executionName: NAME, leaseUntil: NOW + 1 }, NOW);
    testbed.ecs.services.clear();
    expect(await look(testbed)).toEqual({ did: "nothing", why: "roll-in-progress" });
    expect(testbed.executions.started).toEqual([]);
  });

  it("requests one recheck for the end of the roll", async () => {
    const testbed = await watchedTestbed();
    await testbed.ledger.takeLease(web.serviceArn, { executionName: NAME, leaseUntil: NOW + 1 }, NOW);
    await reconcileService(web, testbed, { deploymentId: "ecs-svc/somebody-elses" });
    const state = await testbed.ledger.getService(web.serviceArn);
    expect(state).toMatchObject({ recheckRequested: true, roll: { executionName: NAME } });
    const ledger = { ...testbed.ledger, patchService: () => Promise.reject(new Error("recorded already")) };
    expect(await reconcileService(web, { ...testbed, ledger })).toMatchObject({ why: "roll-in-progress" });
  });

  it("requests no recheck after an event of the roll's own deployment", async () => {
    const testbed = await watchedTestbed();
    const { deploymentId } = (await applied(testbed)).watch;
    expect(await reconcileService(web, testbed, { deploymentId })).toMatchObject({ why: "roll-in-progress" });
    expect(await testbed.ledger.getService(web.serviceArn)).not.toHaveProperty("recheckRequested");
  });

  it("starts the next roll itself when the current one ends before the recheck is recorded", async () => {
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

  it("clears the request for a recheck once the roll has ended", async () => {
    const testbed = await watchedTestbed();
    await enroll(testbed);
    await testbed.ledger.patchService(web.serviceArn, { recheckRequested: true });
    expect(await look(testbed)).toMatchObject({ why: "as-desired" });
    expect(await testbed.ledger.getService(web.serviceArn)).not.toHaveProperty("recheckRequested");
  });
});
