import { describe, expect, it } from "vitest";
import { type LedgerItems, memoryLedger } from "../../../../lab/ledger/ledger-memory.ts";
import { clusterArnOf, parseClusterArn, serviceRef } from "../../../../shared/base/arn.ts";
import { AutopilotError } from "../../../../shared/base/errors.ts";
import { labelOf } from "../../../../shared/data-plane/ztunnel/bootstrap-token/secret-version.ts";
import { settingsHash } from "../../../../shared/enrollment/settings-hash.ts";
import { secretReferences, sweep, sweepCluster } from "../../../../shared/use-cases/reconcile/sweep.ts";
import { ACCOUNT, OTHER_ACCOUNT, serviceNamed } from "../../../support/arns.ts";
import { FakeEcs, FakeSecrets, NOW, type RollWorld, valueFromOf, watchedWorld, web } from "../../../support/fakes.ts";
import { withCalls } from "../../../support/replaced-calls.ts";
import { enroll, NAME } from "../../../support/rolls.ts";
import {
  config,
  configOfTwoAccounts,
  enrolled,
  request,
  rootPem,
  service,
  taskDefinition,
} from "../../../support/services.ts";

/** Services of the same cluster that run the same definition as the first. */
function addServices(world: RollWorld, count: number, tags = world.ecs.of(web).tags): void {
  const { taskDefinitionArn } = world.ecs.of(web);
  const raw = world.ecs.definitions.get(taskDefinitionArn)?.raw;
  for (let index = 0; index < count; index += 1) {
    world.ecs.add(service({ ref: serviceNamed(`web-${index}`), taskDefinitionArn, tags }), raw);
  }
}

/** Every roll that was started takes its service's lease, as its first step does. */
async function takeLeases({ executions, ledger, now }: RollWorld): Promise<void> {
  for (const { name, input } of executions.started) {
    await ledger.takeLease(String(input.serviceArn), { executionName: name, leaseUntil: now() + 60_000 }, now());
  }
}

const run = (world: RollWorld, changes: object = {}) =>
  sweep({ ...world, ecs: () => world.ecs, secrets: () => world.secrets, ...changes });

describe("a sweep", () => {
  it("leaves a service to the roll that has it, and notes for its end what there is to do", async () => {
    const world = await watchedWorld();
    const hold = () => world.ledger.takeLease(web.serviceArn, { executionName: NAME, leaseUntil: NOW + 1 }, NOW);
    await hold();
    await run(world);
    expect(world.executions.started).toEqual([]);
    expect(await world.ledger.getService(web.serviceArn)).toMatchObject({ recheckRequested: true });
    await world.ledger.finishRoll(web.serviceArn, NAME, { recheckRequested: null });
    await enroll(world);
    await hold();
    await run(world);
    expect(await world.ledger.getService(web.serviceArn)).not.toHaveProperty("recheckRequested");
  });

  it("starts what the events have missed, and looks at services of more than one page", async () => {
    const world = await watchedWorld();
    addServices(world, 24);
    expect(await run(world)).toEqual({
      ...{ seen: 25, started: 25, refused: 0, failed: 0, postponed: 0, postponedUnenrolls: 0, secretsGone: 0 },
      ...{ enrolled: 0, drifted: 25, refusals: {} },
    });
    expect(new Set(world.executions.started.map(({ input }) => input.serviceArn)).size).toBe(25);
  });

  it("finds a service that has the autopilot's sidecar and is not enrolled, also one that the ledger forgot", async () => {
    const world = await watchedWorld();
    await enroll(world);
    world.ecs.change({ tags: {} });
    expect(await run(world, { ledger: { ...memoryLedger(), getMesh: world.ledger.getMesh } })).toMatchObject({
      started: 1,
    });
  });

  it("says how many services are in the mesh, how many are not as tagged, and why others are refused", async () => {
    const world = await watchedWorld();
    await enroll(world);
    addServices(world, 2);
    const bad = { ...world.ecs.of(web), ref: serviceNamed("bad"), tags: { "ztunnel-autopilot/enroll": "perhaps" } };
    world.ecs.add(bad, world.ecs.definitions.get(bad.taskDefinitionArn)?.raw);
    const result = await run(world);
    expect(result).toMatchObject({ seen: 4, enrolled: 1, drifted: 0, refused: 1, failed: 0 });
    expect(result.refusals).toEqual({ "bad-tag": 1 });
    world.ecs.change({ tags: {} });
    expect(await run(world)).toMatchObject({ drifted: 1 });
  });

  it("frees what a roll has left that ended without its last step, once its lease is over, also of a service that is gone", async () => {
    const world = await watchedWorld();
    const gone = serviceNamed("gone").serviceArn;
    const leaseUntil = world.now() + 60_000;
    for (const [name, status] of [
      ["dead", "FAILED"],
      ["alive", "RUNNING"],
    ] as const) {
      world.executions.statuses.set(name, status);
      const serviceArn = name === "dead" ? gone : web.serviceArn;
      await world.ledger.takeLease(serviceArn, { executionName: name, leaseUntil }, world.now());
    }
    await run(world);
    expect((await world.ledger.getService(gone))?.roll, "its lease still holds").toBeDefined();
    world.clock.nowMs += 60_000;
    await run(world);
    const state = await world.ledger.getService(gone);
    expect(state).toMatchObject({ lastOutcome: { outcome: "failed", reason: "roll-unaccounted" } });
    expect(state?.roll).toBeUndefined();
    expect((await world.ledger.getService(web.serviceArn))?.roll?.executionName).toBe("alive");
  });

  it("leaves services alone that nobody tagged", async () => {
    const world = await watchedWorld({ service: { tags: {} } });
    expect(await run(world)).toMatchObject({ seen: 1, started: 0, failed: 0 });
  });

  it("rolls nobody for a change of the whole fleet, and reads it once", async () => {
    const world = await watchedWorld();
    await enroll(world);
    addServices(world, 11);
    const settings = settingsHash(world.config);
    await world.ledger.changeFleet((fleet) => ({ next: { ...fleet, settings } }));
    await world.ledger.putMeshFacts({ ...world.plane.facts, rootCaPem: rootPem("b") });
    let reads = 0;
    const getFleet = async () => {
      reads += 1;
      return world.ledger.getFleet();
    };
    const slower = config({ ztunnel: { ...world.config.ztunnel, startTimeoutSeconds: 60 } });
    const swept = await run(world, { config: slower, ledger: { ...world.ledger, getFleet } });
    expect(swept).toMatchObject({ seen: 12, started: 0, failed: 0 });
    expect(reads).toBe(1);
    await world.ledger.changeFleet((fleet) => ({ next: { ...fleet, settings: settingsHash(slower) } }));
    expect(await run(world, { config: slower })).toMatchObject({ started: 12 });
  });

  it("goes on when one service fails, and says which and why", async () => {
    const world = await watchedWorld();
    addServices(world, 1);
    const missing = `${world.ecs.of(web).taskDefinitionArn}9`;
    world.ecs.change({ taskDefinitionArn: missing });
    expect(await run(world)).toMatchObject({ seen: 2, started: 1, failed: 1 });
    expect(world.lines).toEqual([
      {
        level: "error",
        message: `not swept: ${web.serviceArn}`,
        extra: expect.objectContaining({ code: "task-definition-not-found" }),
      },
    ]);
  });

  it("goes on when the ledger has an item of an older shape: its service alone fails, by name", async () => {
    const items: LedgerItems = new Map();
    const ledger = memoryLedger(items);
    const world = await watchedWorld();
    addServices(world, 1);
    await ledger.putMeshFacts(world.plane.facts);
    const pk = `SERVICE#${web.serviceArn}`;
    const old = { pk, sk: "STATE", shape: 0, serviceArn: web.serviceArn };
    items.set(`${pk} STATE`, old);
    for (let sweeps = 0; sweeps < 2; sweeps += 1) {
      const result = await run({ ...world, ledger });
      expect(result).toMatchObject({ seen: 2, started: sweeps === 0 ? 1 : 0 });
      expect(result.failed).toBeGreaterThan(0);
      await takeLeases({ ...world, ledger });
    }
    expect(world.executions.started.map(({ input }) => input.serviceArn)).toEqual([serviceNamed("web-0").serviceArn]);
    expect(world.lines).toContainEqual({
      level: "error",
      message: `not swept: ${web.serviceArn}`,
      extra: { code: "ledger-item-unreadable", why: expect.stringContaining(pk) },
    });
    expect(items.get(`${pk} STATE`)).toBe(old);
  });

  it("of one account fails without keeping another from being swept", async () => {
    const { world, far, farEcs } = await twoAccounts();
    const ecs = ({ account }: { account: string }) => {
      if (account === far.account) return farEcs;
      return withCalls(world.ecs, {
        // biome-ignore lint/correctness/useYield: the list fails before its first item
        listClusters: async function* () {
          throw new AutopilotError("access-denied", "ListClusters");
        },
      });
    };
    expect(await run(world, { ecs })).toMatchObject({ seen: 1, failed: 1 });
    expect(world.lines[0]).toMatchObject({ message: "not swept: sweep of 123456789012/us-east-1" });
  });

  it("starts no more rolls than the policy lets it, and the next one goes on", async () => {
    const world = await watchedWorld({ config: config({ policy: { maxRollsPerSweep: 2 } }) });
    addServices(world, 3);
    expect(await run(world)).toMatchObject({ started: 2, postponed: 2, postponedUnenrolls: 0 });
    for (const [name] of world.executions.statuses) expect(world.executions.statuses.get(name)).toBe("RUNNING");
    await takeLeases(world);
    expect(await run(world)).toMatchObject({ started: 2, postponed: 0 });
  });

  it("takes no more services out of the mesh than the policy lets it, in all accounts together", async () => {
    const { world, farEcs } = await twoAccounts({ policy: { maxUnenrollPerSweep: 1 } });
    await enroll(world);
    const meshed = world.ecs.definitions.get(world.ecs.of(web).taskDefinitionArn)?.raw;
    world.ecs.change({ tags: {} });
    const [farService] = farEcs.services.values();
    if (!farService) throw new Error("the other account has no service");
    farEcs.add({ ...farService, tags: {} }, meshed);
    const ecs = ({ account }: { account: string }) => (account === web.account ? world.ecs : farEcs);
    expect(await run(world, { ecs })).toMatchObject({ seen: 2, started: 1, postponed: 1, postponedUnenrolls: 1 });
    expect(world.executions.started).toHaveLength(1);
  });
});

describe("a sweep and the secret versions", () => {
  /** The id of a version that a test puts. */
  const version = (name: string) => name.padEnd(32, "0");

  async function withSecret() {
    const world = await watchedWorld();
    await enroll(world);
    const [secret] = [...world.secrets.secrets.values()];
    if (!secret) throw new Error("there is no secret");
    const secretArn = FakeSecrets.arnOf(secret.name);
    const put = async (name: string) => {
      const labels = ["AWSCURRENT", labelOf(version(name))];
      await world.secrets.putSecretValue({ secretArn, value: name, versionId: version(name), labels });
    };
    return { world, secret, secretArn, put };
  }

  it("takes the labels from those that nobody uses, and keeps those of running services and of the ledger", async () => {
    const { world, secret, secretArn, put } = await withSecret();
    const [running] = [...secret.versions.keys()];
    await put("unused");
    await put("remembered");
    await put("current");
    await world.ledger.patchService(serviceNamed("gone").serviceArn, {
      secretsInUse: [`${secretArn}:::${version("remembered")}`],
    });
    await run(world);
    const kept = Object.entries(world.secrets.labels(secret.name)).filter(([, labels]) => labels.length > 0);
    expect(kept.map(([versionId]) => versionId)).toEqual([running, version("remembered"), version("current")]);
  });

  it("gives a version in use its label back", async () => {
    const { world, secret, put } = await withSecret();
    const [running = ""] = [...secret.versions.keys()];
    await put("current");
    secret.versions.get(running)?.labels.clear();
    await run(world);
    expect(world.secrets.labels(secret.name)[running]).toEqual([labelOf(running)]);
  });

  it("goes on where a version in use is gone for good", async () => {
    const { world, secret, secretArn, put } = await withSecret();
    await put("unused");
    await put("current");
    await world.ledger.patchService(serviceNamed("gone").serviceArn, {
      secretsInUse: [`${secretArn}:::${version("deleted")}`],
    });
    expect(await run(world)).toMatchObject({ failed: 0 });
    expect(world.secrets.labels(secret.name)[version("unused")]).toEqual(["AWSPREVIOUS"]);
  });

  it("takes no label while a service could not be read", async () => {
    const { world, secret, put } = await withSecret();
    addServices(world, 1);
    await put("unused");
    await put("current");
    const ref = serviceNamed("web-0");
    world.ecs.services.set(ref.serviceArn, { ...world.ecs.of(ref), taskDefinitionArn: "gone" });
    expect(await run(world)).toMatchObject({ failed: 1 });
    expect(world.secrets.labels(secret.name)[version("unused")]).toEqual(["AWSPREVIOUS", labelOf(version("unused"))]);
  });

  it("leaves a secret that is scheduled for deletion", async () => {
    const { world, secret, put } = await withSecret();
    await put("unused");
    await put("current");
    secret.deleted = true;
    await run(world);
    expect(world.secrets.labels(secret.name)[version("unused")]).toEqual(["AWSPREVIOUS", labelOf(version("unused"))]);
  });

  it.each([
    [
      "is scheduled for deletion",
      (world: RollWorld) => [...world.secrets.secrets.values()].map((one) => Object.assign(one, { deleted: true })),
    ],
    ["is gone", (world: RollWorld) => world.secrets.secrets.clear()],
  ])("tells of one that a running service pins and that %s: its next task could not start", async (_, spoil) => {
    const { world } = await withSecret();
    expect(await run(world)).toMatchObject({ secretsGone: 0, failed: 0 });
    spoil(world);
    world.lines.length = 0;
    expect(await run(world)).toMatchObject({ secretsGone: 1, failed: 0 });
    expect(world.lines).toEqual([
      expect.objectContaining({
        level: "error",
        message: expect.stringMatching(/^token secret gone: arn:aws:secretsmanager:/),
      }),
    ]);
  });

  it("does not take one for gone that the list does not have yet", async () => {
    const { world } = await withSecret();
    world.secrets.listSecrets = async function* () {};
    expect(await run(world)).toMatchObject({ secretsGone: 0 });
  });

  it("knows a reference wherever it stands in a definition, and no other secret's", () => {
    const valueFrom = valueFromOf(request);
    const secrets = [
      { name: "BOOTSTRAP_TOKEN", valueFrom },
      { name: "DB", valueFrom: valueFrom.replace("ztunnel-autopilot/", "database/") },
    ];
    expect(secretReferences(taskDefinition({ containerDefinitions: [{ name: "z", secrets }] }))).toEqual([valueFrom]);
    expect(secretReferences(undefined)).toEqual([]);
  });
});

describe("a sweep of one cluster", () => {
  it("looks at its services with its tags as they are now", async () => {
    const world = await watchedWorld({ service: { tags: { ...enrolled, "ztunnel-autopilot/enroll": "true" } } });
    const cluster = parseClusterArn(clusterArnOf(web));
    if (!cluster) throw new Error("no cluster's ARN");
    let asked = 0;
    const describeCluster: FakeEcs["describeCluster"] = async (arn, options) => {
      if (options?.fresh) asked += 1;
      return world.ecs.describeCluster(arn, options);
    };
    const ecs = () => withCalls(world.ecs, { describeCluster });
    expect(await sweepCluster(cluster, { ...world, ecs })).toMatchObject({ seen: 1, started: 1 });
    expect(asked).toBe(1);
  });
});

async function twoAccounts(changes: object = {}) {
  const world = await watchedWorld({ config: configOfTwoAccounts(changes) });
  const far = serviceRef(web.serviceArn.replace(ACCOUNT, OTHER_ACCOUNT));
  const farEcs = new FakeEcs();
  farEcs.add(service({ ref: far, tags: {} }));
  return { world, far, farEcs };
}
