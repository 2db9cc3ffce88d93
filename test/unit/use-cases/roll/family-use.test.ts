import { describe, expect, it } from "vitest";
import { familyUse } from "../../../../shared/use-cases/roll/family-use.ts";
import { planRoll } from "../../../../shared/use-cases/roll/plan-roll.ts";
import { NAME, OBSERVED, revisionArn, serviceNamed, web } from "../../../support/arns.ts";
import { completedDeployment } from "../../../support/deployments.ts";
import { config, service } from "../../../support/services.ts";
import { type RollTestbed, rollTestbed } from "../../../support/testbeds/roll.ts";
import { enroll, planned } from "../../../support/testbeds/rolls.ts";

const use = (testbed: RollTestbed) => familyUse(testbed.ecs.of(web), testbed);

/** Another service that runs a revision of the same family. */
function addWorker(testbed: RollTestbed, taskDefinitionArn = OBSERVED): void {
  const primary = completedDeployment({ id: "ecs-svc/worker", taskDefinitionArn });
  testbed.ecs.add(service({ ref: serviceNamed("worker"), taskDefinitionArn, deployments: [primary], tags: {} }));
}

describe("a task definition family", () => {
  it("is the service's own when no other service runs it, and nobody has registered a revision since", async () => {
    const testbed = rollTestbed();
    addWorker(testbed, revisionArn("worker", 1));
    expect(await use(testbed)).toEqual({ family: "web", services: [] });
  });

  it("is that of others whose tasks run it", async () => {
    const testbed = rollTestbed();
    addWorker(testbed);
    expect(await use(testbed)).toEqual({ family: "web", services: ["prod/worker"] });
  });

  it("is that of somebody who has registered a newer revision without our sidecar", async () => {
    const testbed = rollTestbed();
    testbed.ecs.addRevision(revisionArn("web", 8));
    expect(await use(testbed)).toMatchObject({ services: [], newer: revisionArn("web", 8) });
  });
});

describe("a roll of a service whose family others use", () => {
  it("is refused, and nothing is changed", async () => {
    const testbed = rollTestbed();
    addWorker(testbed);
    expect(await planRoll(web, NAME, testbed)).toMatchObject({ outcome: "refused", reason: "shared-family" });
    expect(testbed.ecs.registered).toEqual([]);
  });

  it("is planned where the policy allows it", async () => {
    const testbed = rollTestbed({ config: config({ policy: { sharedFamilies: true } }) });
    addWorker(testbed);
    expect(await planned(testbed)).toMatchObject({ change: "enroll" });
  });

  it("is planned where the service is in the mesh already", async () => {
    const testbed = rollTestbed();
    await enroll(testbed);
    addWorker(testbed);
    const state = await testbed.ledger.getService(web.serviceArn);
    expect(state?.enrolled).toBe(true);
    testbed.ecs.deploy(OBSERVED);
    testbed.ecs.complete();
    expect(await planned(testbed)).toMatchObject({ change: "update" });
  });
});
