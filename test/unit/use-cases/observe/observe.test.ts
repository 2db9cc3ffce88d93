import { describe, expect, it } from "vitest";
import { decideObserved, fleetOf, observeDescribed } from "../../../../shared/use-cases/observe/observe.ts";
import { rollWorld, web } from "../../../support/fakes.ts";
import { enroll } from "../../../support/rolls.ts";

const nobody = {
  mesh: async () => {
    throw new Error("no mesh was to be asked for");
  },
  fleet: async () => {
    throw new Error("no fleet was to be asked for");
  },
};

async function enrolledWorld() {
  const world = rollWorld();
  await enroll(world);
  const look = async () => {
    const state = await world.ledger.getService(web.serviceArn);
    return observeDescribed(world.ecs.of(web), state, { ...world, thorough: true });
  };
  return { world, look };
}

describe("a decision for a service that leaves the mesh", () => {
  it("asks neither for mesh nor fleet when its tags say so", async () => {
    const { world, look } = await enrolledWorld();
    world.ecs.change({ tags: {} });
    expect(await decideObserved(await look(), world.config, nobody)).toMatchObject({ action: "unenroll" });
  });

  it("asks neither for mesh nor fleet when a rollout takes it out", async () => {
    const { world, look } = await enrolledWorld();
    const decision = await decideObserved(await look(), world.config, nobody, { leave: true });
    expect(decision).toEqual({ action: "unenroll", reason: "fleet-unenrolled" });
  });
});

describe("a decision for a service that stays", () => {
  it("is made by what the ledger says of mesh and fleet", async () => {
    const { world, look } = await enrolledWorld();
    const decided = async () => decideObserved(await look(), world.config, fleetOf(world.ledger));
    expect(await decided()).toMatchObject({ reason: "as-desired" });
    await world.ledger.changeFleet((fleet) => ({ next: { ...fleet, image: { image: "ztunnel:2", assignedAtMs: 1 } } }));
    expect(await decided()).toMatchObject({ action: "update", drift: ["image"] });
  });
});
