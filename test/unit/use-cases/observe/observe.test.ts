import { describe, expect, it } from "vitest";
import { decideObserved, fleetOf, observeDescribed } from "../../../../shared/use-cases/observe/observe.ts";
import { web } from "../../../support/arns.ts";
import { rollTestbed } from "../../../support/testbeds/roll.ts";
import { enroll } from "../../../support/testbeds/rolls.ts";

const nobody = {
  mesh: async () => {
    throw new Error("no mesh was to be asked for");
  },
  fleet: async () => {
    throw new Error("no fleet was to be asked for");
  },
};

async function enrolledTestbed() {
  const testbed = rollTestbed();
  await enroll(testbed);
  const look = async () => {
    const state = await testbed.ledger.getService(web.serviceArn);
    return observeDescribed(testbed.ecs.of(web), state, { ...testbed, thorough: true });
  };
  return { testbed, look };
}

describe("a decision for a service that leaves the mesh", () => {
  it("asks neither for mesh nor fleet when its tags say so", async () => {
    const { testbed, look } = await enrolledTestbed();
    testbed.ecs.change({ tags: { [testbed.config.enrollTagKey]: "false" } });
    expect(await decideObserved(await look(), testbed.config, nobody)).toMatchObject({ action: "unenroll" });
  });

  it("asks the fleet alone, for the key of the tag that it has no more", async () => {
    const { testbed, look } = await enrolledTestbed();
    testbed.ecs.change({ tags: {} });
    const reads = { ...nobody, fleet: () => testbed.ledger.getFleet() };
    const decided = async () => decideObserved(await look(), testbed.config, reads);
    expect(await decided()).toMatchObject({ action: "unenroll", reason: "tag-removed" });
    await testbed.ledger.changeFleet((fleet) => ({ next: { ...fleet, enrollTagKey: "earlier/enroll" } }));
    expect(await decided()).toMatchObject({ action: "none", reason: "tag-key-changed" });
  });

  it("asks neither for mesh nor fleet when a rollout takes it out", async () => {
    const { testbed, look } = await enrolledTestbed();
    const decision = await decideObserved(await look(), testbed.config, nobody, { leave: true });
    expect(decision).toEqual({ action: "unenroll", reason: "fleet-unenrolled" });
  });
});

describe("a decision for a service that stays", () => {
  it("is made by what the ledger says of mesh and fleet", async () => {
    const { testbed, look } = await enrolledTestbed();
    const decided = async () => decideObserved(await look(), testbed.config, fleetOf(testbed.ledger));
    expect(await decided()).toMatchObject({ reason: "as-desired" });
    await testbed.ledger.changeFleet((fleet) => ({
      next: { ...fleet, image: { image: "ztunnel:2", assignedAtMs: 1 } },
    }));
    expect(await decided()).toMatchObject({ action: "update", drift: ["image"] });
  });
});
