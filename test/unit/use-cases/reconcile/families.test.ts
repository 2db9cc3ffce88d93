import { describe, expect, it } from "vitest";
import { reconcileService } from "../../../../shared/use-cases/reconcile/reconcile-service.ts";
import { settledServices } from "../../../../shared/use-cases/reconcile/settled.ts";
import { sweep } from "../../../../shared/use-cases/reconcile/sweep.ts";
import { recordCalls } from "../../../support/altered-calls.ts";
import { OBSERVED, revisionArn, serviceNamed, web } from "../../../support/arns.ts";
import { completedDeployment } from "../../../support/deployments.ts";
import { config, service } from "../../../support/services.ts";
import { type RollTestbed, watchedTestbed } from "../../../support/testbeds/roll.ts";
import { enroll } from "../../../support/testbeds/rolls.ts";

const QUARTER_MS = 15 * 60_000;

/** Another service whose current revision is of a family; it runs no task. */
function addOther(testbed: RollTestbed, name: string, taskDefinitionArn = OBSERVED): void {
  const idle = completedDeployment({ id: `ecs-svc/${name}`, taskDefinitionArn, runningCount: 0 });
  testbed.ecs.add(
    service({ ref: serviceNamed(name), taskDefinitionArn, deployments: [idle], desiredCount: 0, tags: {} }),
  );
}

/** Sweeps, one every quarter of an hour, as one warm function does. */
function sweeper(testbed: RollTestbed, changes: object = {}) {
  const settled = settledServices(testbed.now);
  return async (count = 1) => {
    for (let nth = 0; nth < count; nth += 1) {
      testbed.clock.nowMs += QUARTER_MS;
      await sweep({ ...testbed, ecs: () => testbed.ecs, secrets: () => testbed.secrets, settled, ...changes });
    }
  };
}

const warnings = ({ bus }: RollTestbed) => bus.events.flatMap(({ detail }) => detail.warnings ?? []);
const sharedWith = (names: string) => ({ code: "kept", detail: `shared-family: web is also that of ${names}.` });

describe("a service in the mesh whose family others begin to use", () => {
  it("stays, with a warning that is notified once, and again when it comes again", async () => {
    const testbed = await watchedTestbed();
    await enroll(testbed);
    const run = sweeper(testbed);
    await run(3);
    expect(warnings(testbed)).toEqual([]);
    addOther(testbed, "worker");
    await run(4);
    expect(warnings(testbed)).toEqual([sharedWith("prod/worker")]);
    expect(testbed.executions.started).toEqual([]);
    testbed.ecs.change({ taskDefinitionArn: revisionArn("worker", 1) }, serviceNamed("worker"));
    testbed.ecs.addRevision(revisionArn("worker", 1));
    await run(2);
    expect(await testbed.ledger.getService(web.serviceArn)).not.toHaveProperty("sharedFamily");
    testbed.ecs.change({ taskDefinitionArn: OBSERVED }, serviceNamed("worker"));
    await run(2);
    expect(warnings(testbed)).toEqual([sharedWith("prod/worker"), sharedWith("prod/worker")]);
  });

  it("is not warned of a service that is being deleted, nor where the policy allows it", async () => {
    const testbed = await watchedTestbed();
    await enroll(testbed);
    addOther(testbed, "worker");
    testbed.ecs.change({ status: "DRAINING" }, serviceNamed("worker"));
    await sweeper(testbed)(3);
    testbed.ecs.change({ status: "ACTIVE" }, serviceNamed("worker"));
    await sweeper(testbed, { config: config({ policy: { sharedFamilies: true } }) })(3);
    expect(warnings(testbed)).toEqual([]);
  });

  it("is warned of a revision that somebody has registered since, and not of one of ours", async () => {
    const testbed = await watchedTestbed();
    await enroll(testbed);
    const ours = testbed.ecs.definitions.get(testbed.ecs.of(web).taskDefinitionArn)?.raw;
    testbed.ecs.addRevision(revisionArn("web", 20), ours);
    const run = sweeper(testbed);
    await run(4);
    expect(warnings(testbed)).toEqual([]);
    testbed.ecs.addRevision(revisionArn("web", 21));
    await run(4);
    expect(warnings(testbed)).toEqual([{ code: "kept", detail: "shared-family: web:21 is newer." }]);
    testbed.ecs.deregister(revisionArn("web", 21));
    await run(4);
    expect(await testbed.ledger.getService(web.serviceArn)).not.toHaveProperty("sharedFamily");
  });
});

describe("a new service whose family others have", () => {
  it("is refused by the sweep that sees it first, also where the others run no task; nothing is started", async () => {
    const testbed = await watchedTestbed();
    addOther(testbed, "worker");
    await sweeper(testbed)(2);
    expect(testbed.executions.started).toEqual([]);
    expect(testbed.bus.types()).toEqual(["Service Refused"]);
    expect(await reconcileService(web, testbed)).toMatchObject({
      did: "refused",
      refusals: [{ reason: "shared-family", detail: "web is also that of prod/worker." }],
    });
  });

  it("is enrolled once it has a family of its own", async () => {
    const testbed = await watchedTestbed();
    addOther(testbed, "worker");
    const run = sweeper(testbed);
    await run();
    testbed.ecs.addRevision(revisionArn("worker", 1));
    testbed.ecs.change({ taskDefinitionArn: revisionArn("worker", 1) }, serviceNamed("worker"));
    await run();
    expect(testbed.executions.started).toHaveLength(1);
  });

  it("is enrolled where the policy allows it", async () => {
    const testbed = await watchedTestbed({ config: config({ policy: { sharedFamilies: true } }) });
    addOther(testbed, "worker");
    await sweeper(testbed)();
    expect(testbed.executions.started).toHaveLength(1);
  });
});

describe("reading families", () => {
  it("costs one call a sweep in a small place, however many services it has in the mesh", async () => {
    const testbed = await watchedTestbed();
    await enroll(testbed);
    const { port: ecs, calls } = recordCalls(testbed.ecs);
    const run = sweeper(testbed, { ecs: () => ecs });
    await run(4);
    expect(calls.filter((call) => call === "describeLatestTaskDefinition").length).toBeLessThanOrEqual(4);
  });
});
