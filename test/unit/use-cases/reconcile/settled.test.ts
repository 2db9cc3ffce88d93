import { describe, expect, it } from "vitest";
import { labelOf } from "../../../../shared/data-plane/ztunnel/bootstrap-token/secret-version.ts";
import { settledServices } from "../../../../shared/use-cases/reconcile/settled.ts";
import { sweep } from "../../../../shared/use-cases/reconcile/sweep.ts";
import { secretArn as arnOf, web } from "../../../support/arns.ts";
import { rootPem } from "../../../support/services.ts";
import { type RollTestbed, rollTestbed } from "../../../support/testbeds/roll.ts";
import { enroll } from "../../../support/testbeds/rolls.ts";

const HOUR_MS = 3_600_000;

/** Sweeps a testbed repeatedly with one memory. Each run returns how many task definitions it read. */
async function sweeper(changes: Parameters<typeof rollTestbed>[0] = {}) {
  const testbed: RollTestbed = rollTestbed(changes);
  await testbed.ledger.putMeshFacts(testbed.plane.facts);
  const settled = settledServices(testbed.now);
  let reads = 0;
  const read = testbed.ecs.describeTaskDefinition.bind(testbed.ecs);
  testbed.ecs.describeTaskDefinition = (arn) => {
    reads += 1;
    return read(arn);
  };
  const run = async () => {
    reads = 0;
    const result = await sweep({ ...testbed, ecs: () => testbed.ecs, secrets: () => testbed.secrets, settled });
    return { reads, ...result };
  };
  return { testbed, run };
}

async function swept(changes?: Parameters<typeof rollTestbed>[0]) {
  const { testbed, run } = await sweeper(changes);
  await enroll(testbed);
  // The first one records what its tasks carry.
  await run();
  expect(await run()).toMatchObject({ reads: 1, enrolled: 1, started: 0, failed: 0 });
  return { testbed, run };
}

describe("sweeps that remember", () => {
  it("read the task definition of a service at rest once, and count it as before", async () => {
    const { run } = await swept();
    const again = await run();
    expect(again).toMatchObject({ reads: 0, seen: 1, enrolled: 1, drifted: 0, started: 0, failed: 0 });
    expect(await run()).toEqual(again);
  });

  it("do not mind when mesh and fleet were read or written", async () => {
    const { testbed, run } = await swept();
    const readAt = new Date(testbed.now() + HOUR_MS).toISOString();
    await testbed.ledger.putMeshFacts({ ...testbed.plane.facts, readAt });
    await testbed.ledger.changeFleet((fleet) => ({ next: { ...fleet } }));
    expect(await run()).toMatchObject({ reads: 0, enrolled: 1 });
  });

  it("read it once of a service that nobody tagged, too", async () => {
    const { run } = await sweeper({ service: { tags: {} } });
    expect(await run()).toMatchObject({ reads: 1, enrolled: 0 });
    expect(await run()).toMatchObject({ reads: 0, enrolled: 0 });
  });

  it("keep the label of the secret version that it pins", async () => {
    const { testbed, run } = await swept();
    const [secret] = [...testbed.secrets.secrets.values()];
    const [running = ""] = [...(secret?.versions.keys() ?? [])];
    const secretArn = arnOf(secret?.name ?? "");
    const versionId = "later".padEnd(32, "0");
    const labels = ["AWSCURRENT", labelOf(versionId)];
    await testbed.secrets.putSecretValue({ secretArn, value: "v", versionId, labels });
    await testbed.ledger.patchService(web.serviceArn, { secretsInUse: [] });
    await run();
    expect(await run()).toMatchObject({ reads: 0 });
    expect(testbed.secrets.labels(secretArn)[running]).toContain(labelOf(running));
  });

  const changes: readonly [string, (testbed: RollTestbed) => unknown, object][] = [
    ["a tag", ({ ecs }) => ecs.change({ tags: {} }), { drifted: 1, started: 1 }],
    [
      "its tags",
      ({ ecs }) => ecs.change({ tags: { ...ecs.of(web).tags, "ztunnel-autopilot/enroll": "perhaps" } }),
      { refused: 0, started: 0, enrolled: 1 },
    ],
    [
      "the mesh",
      ({ ledger, plane }) => ledger.putMeshFacts({ ...plane.facts, rootCaPem: rootPem("b") }),
      { started: 0, failed: 0 },
    ],
    [
      "the fleet",
      ({ ledger }) => ledger.changeFleet((fleet) => ({ next: { ...fleet, settings: "other" } })),
      { failed: 0 },
    ],
    [
      "the service's state in the ledger",
      ({ ledger }) => ledger.patchService(web.serviceArn, { notifiedWarnings: "x" }),
      { failed: 0 },
    ],
    [
      "the time by six hours",
      ({ clock }) => Object.assign(clock, { nowMs: clock.nowMs + 6 * HOUR_MS }),
      { enrolled: 1, started: 0 },
    ],
  ];

  it.each(changes)("read a settled service again after a change of %s", async (_, change, expected) => {
    const { testbed, run } = await swept();
    expect(await run()).toMatchObject({ reads: 0 });
    await change(testbed);
    expect(await run()).toMatchObject({ reads: 1, ...expected });
  });

  it("read a settled service again when it runs another revision", async () => {
    const { testbed, run } = await swept();
    const raw = testbed.ecs.definitions.get(testbed.ecs.of(web).taskDefinitionArn)?.raw ?? {};
    const plain = { ...raw, containerDefinitions: [{ name: "web", image: "shop/web:2", essential: true }] };
    const taskDefinitionArn = await testbed.ecs.registerTaskDefinition(plain);
    testbed.ecs.change({ taskDefinitionArn });
    expect(await run()).toMatchObject({ reads: 1, drifted: 1, started: 1 });
  });

  it("update the ledger before they take a service for settled", async () => {
    const { testbed, run } = await swept();
    await testbed.ledger.patchService(web.serviceArn, { notifiedRefusals: "bad-tag: x" });
    expect(await run()).toMatchObject({ reads: 1 });
    await testbed.ledger.patchService(web.serviceArn, { notifiedRefusals: "bad-tag: x" });
    expect(await run()).toMatchObject({ reads: 1 });
    expect((await testbed.ledger.getService(web.serviceArn))?.notifiedRefusals).toBeUndefined();
    await run();
    expect(await run()).toMatchObject({ reads: 0 });
  });

  it("read again a service that could not be read", async () => {
    const { testbed, run } = await swept();
    const good = testbed.ecs.of(web);
    testbed.ecs.change({ taskDefinitionArn: `${good.taskDefinitionArn}9` });
    expect(await run()).toMatchObject({ reads: 1, failed: 1 });
    expect(await run()).toMatchObject({ reads: 1, failed: 1 });
  });
});
