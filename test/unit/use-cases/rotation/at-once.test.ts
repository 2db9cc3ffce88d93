import { describe, expect, it } from "vitest";
import { recordAttempt } from "../../../../shared/use-cases/rollout/record-attempt.ts";
import { watchMeshFacts } from "../../../../shared/use-cases/rotation/watch.ts";
import { bundle } from "../../../support/meshes.ts";
import { rollout } from "../../../support/rollouts.ts";
import { runs, type WatchTestbed, watchTestbed } from "../../../support/testbeds/watch.ts";

const withRoots = ({ plane }: WatchTestbed, roots: string) => {
  plane.facts = { ...plane.facts, rootCaPem: bundle(roots) };
};

/** Three watches whose calls alternate, as by a schedule and an event that was delivered twice. */
async function watches(testbed: WatchTestbed): Promise<void> {
  await Promise.all([watchMeshFacts(testbed), watchMeshFacts(testbed), watchMeshFacts(testbed)]);
}

/** A watch that has read the control plane once. */
async function watched(): Promise<WatchTestbed> {
  const testbed = watchTestbed();
  await watchMeshFacts(testbed);
  return testbed;
}

describe("three watches at once notify once", () => {
  it("of another bundle", async () => {
    const testbed = await watched();
    withRoots(testbed, "c");
    await watches(testbed);
    expect(testbed.bus.types()).toEqual(["Root CA Changed"]);
    await watches(testbed);
    expect(testbed.bus.types()).toEqual(["Root CA Changed"]);
  });

  it("of a certificate that expires soon, at each of its limits", async () => {
    const testbed = await watched();
    testbed.clock.nowMs = Date.parse("2036-11-01T00:00:00Z");
    await watches(testbed);
    expect(testbed.bus.types()).toEqual(["Root CA Expiring"]);
    testbed.clock.nowMs = Date.parse("2036-11-17T00:00:00Z");
    await watches(testbed);
    expect(testbed.bus.types()).toEqual(["Root CA Expiring", "Root CA Expiring"]);
  });

  it("of several gateways", async () => {
    const testbed = await watched();
    testbed.plane.facts = { ...testbed.plane.facts, otherGateways: ["istio-system/other"] };
    await watches(testbed);
    expect(testbed.bus.types()).toEqual(["Mesh Gateway Ambiguous"]);
  });

  it("of each stage of a rotation, and of a root that can be retired", async () => {
    const testbed = await watched();
    await runs(testbed, "shop", { roots: "ab" });
    withRoots(testbed, "ab");
    await watches(testbed);
    testbed.serving.signer = "b";
    await watches(testbed);
    testbed.clock.nowMs += 86_400_000;
    await watches(testbed);
    const stages = testbed.bus.events.map(({ detailType, detail }) => ("stage" in detail ? detail.stage : detailType));
    expect(stages).toEqual(["Root CA Changed", "sign-with-new", "running-out", "Root CA Retirable"]);
  });

  it("of an emergency that goes on, and of its end", async () => {
    const testbed = await watched();
    await runs(testbed, "api", { roots: "a" });
    withRoots(testbed, "b");
    await watchMeshFacts(testbed);
    const finishedAt = new Date(testbed.now()).toISOString();
    await testbed.ledger.createRollout(rollout({ id: "rotate-1", emergency: true, status: "completed", finishedAt }));
    await recordAttempt("main", { id: "rotate-1", isFirst: true }, testbed);
    await watches(testbed);
    await runs(testbed, "api", { roots: "b" });
    await testbed.ledger.changeMesh("main", (mesh) => ({
      next: mesh && { ...mesh, releasedId: mesh.generations.at(-1)?.id },
    }));
    await watches(testbed);
    const states = testbed.bus.events.flatMap(({ detail }) => ("state" in detail ? [detail.state] : []));
    expect(states).toEqual(["goes-on", "over"]);
  });
});
