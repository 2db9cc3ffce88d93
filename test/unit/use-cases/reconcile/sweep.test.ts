import { describe, expect, it } from "vitest";
import { type LedgerItems, memoryLedger } from "../../../../lab/ledger/ledger-memory.ts";
import { clusterArnOf, parseClusterArn, serviceRef } from "../../../../shared/base/arn.ts";
import { AutopilotError } from "../../../../shared/base/errors.ts";
import { labelOf } from "../../../../shared/data-plane/ztunnel/bootstrap-token/secret-version.ts";
import { settingsHash } from "../../../../shared/enrollment/settings-hash.ts";
import { secretReferences } from "../../../../shared/use-cases/reconcile/secret-references.ts";
import { sweep, sweepCluster } from "../../../../shared/use-cases/reconcile/sweep.ts";
import { withCalls } from "../../../support/altered-calls.ts";
import {
  ACCOUNT,
  secretArn as arnOf,
  NAME,
  OBSERVED,
  OTHER_ACCOUNT,
  revisionArn,
  serviceNamed,
  web,
} from "../../../support/arns.ts";
import { FakeEcs } from "../../../support/fakes/ecs.ts";
import {
  config,
  configOfTwoAccounts,
  enrolled,
  request,
  rootPem,
  service,
  taskDefinition,
} from "../../../support/services.ts";
import { type RollTestbed, watchedTestbed } from "../../../support/testbeds/roll.ts";
import { enroll } from "../../../support/testbeds/rolls.ts";
import { NOW } from "../../../support/times.ts";
import { valueFromOf } from "../../../support/tokens.ts";

/** Services of the same cluster that run the same content as the first, each in a family of its own. */
function addServices(testbed: RollTestbed, count: number, tags = testbed.ecs.of(web).tags): void {
  const raw = testbed.ecs.definitions.get(testbed.ecs.of(web).taskDefinitionArn)?.raw;
  for (let index = 0; index < count; index += 1) {
    const taskDefinitionArn = revisionArn(`web-${index}`, 7);
    testbed.ecs.add(service({ ref: serviceNamed(`web-${index}`), taskDefinitionArn, tags }), raw);
  }
}

/** Every roll that was started takes its service's lease, as its first step does. */
async function takeLeases({ executions, ledger, now }: RollTestbed): Promise<void> {
  for (const { name, input } of executions.started) {
    await ledger.takeLease(String(input.serviceArn), { executionName: name, leaseUntil: now() + 60_000 }, now());
  }
}

const run = (testbed: RollTestbed, changes: object = {}) =>
  sweep({ ...testbed, ecs: () => testbed.ecs, secrets: () => testbed.secrets, ...changes });

describe("a sweep", () => {
  it("leaves a service to the roll that has it, and notes for its end what there is to do", async () => {
    const testbed = await watchedTestbed();
    const hold = () => testbed.ledger.takeLease(web.serviceArn, { executionName: NAME, leaseUntil: NOW + 1 }, NOW);
    await hold();
    await run(testbed);
    expect(testbed.executions.started).toEqual([]);
    expect(await testbed.ledger.getService(web.serviceArn)).toMatchObject({ recheckRequested: true });
    await testbed.ledger.finishRoll(web.serviceArn, NAME, { recheckRequested: null });
    await enroll(testbed);
    await hold();
    await run(testbed);
    expect(await testbed.ledger.getService(web.serviceArn)).not.toHaveProperty("recheckRequested");
  });

  it("starts rolls that the events have missed, and reconciles services of more than one page", async () => {
    const testbed = await watchedTestbed();
    addServices(testbed, 24);
    expect(await run(testbed)).toEqual({
      ...{ seen: 25, started: 25, refused: 0, failed: 0, postponed: 0, postponedUnenrolls: 0, secretsGone: 0 },
      ...{ enrolled: 0, drifted: 25, refusals: {}, stranded: 0, complete: expect.any(Array) },
    });
    expect(new Set(testbed.executions.started.map(({ input }) => input.serviceArn)).size).toBe(25);
  });

  it("finds a service that has the autopilot's sidecar and is not enrolled, also one that the ledger forgot", async () => {
    const testbed = await watchedTestbed();
    await enroll(testbed);
    testbed.ecs.change({ tags: {} });
    expect(await run(testbed, { ledger: { ...memoryLedger(), getMesh: testbed.ledger.getMesh } })).toMatchObject({
      started: 1,
    });
  });

  it("says how many services are in the mesh, how many are not as tagged, and why others are refused", async () => {
    const testbed = await watchedTestbed();
    await enroll(testbed);
    addServices(testbed, 2);
    const bad = { ...testbed.ecs.of(web), ref: serviceNamed("bad"), tags: { "ztunnel-autopilot/enroll": "perhaps" } };
    testbed.ecs.add({ ...bad, taskDefinitionArn: OBSERVED });
    const result = await run(testbed);
    expect(result).toMatchObject({ seen: 4, enrolled: 1, drifted: 0, refused: 1, failed: 0 });
    expect(result.refusals).toEqual({ "bad-tag": 1 });
    testbed.ecs.change({ tags: {} });
    expect(await run(testbed)).toMatchObject({ drifted: 1 });
  });

  it("releases the expired lease of a roll that ended without its last step, also of a deleted service", async () => {
    const testbed = await watchedTestbed();
    const gone = serviceNamed("gone").serviceArn;
    const leaseUntil = testbed.now() + 60_000;
    for (const [name, status] of [
      ["dead", "FAILED"],
      ["alive", "RUNNING"],
    ] as const) {
      testbed.executions.statuses.set(name, status);
      const serviceArn = name === "dead" ? gone : web.serviceArn;
      await testbed.ledger.takeLease(serviceArn, { executionName: name, leaseUntil }, testbed.now());
    }
    await run(testbed);
    expect((await testbed.ledger.getService(gone))?.roll, "its lease still holds").toBeDefined();
    testbed.clock.nowMs += 60_000;
    await run(testbed);
    const state = await testbed.ledger.getService(gone);
    expect(state).toMatchObject({ lastOutcome: { outcome: "failed", reason: "roll-unaccounted" } });
    expect(state?.roll).toBeUndefined();
    expect((await testbed.ledger.getService(web.serviceArn))?.roll?.executionName).toBe("alive");
  });

  it("leaves services alone that nobody tagged", async () => {
    const testbed = await watchedTestbed({ service: { tags: {} } });
    expect(await run(testbed)).toMatchObject({ seen: 1, started: 0, failed: 0 });
  });

  it("rolls nobody for a change of the whole fleet, and reads it once", async () => {
    const testbed = await watchedTestbed();
    await enroll(testbed);
    addServices(testbed, 11);
    const settings = settingsHash(testbed.config);
    await testbed.ledger.changeFleet((fleet) => ({ next: { ...fleet, settings } }));
    await testbed.ledger.putMeshFacts({ ...testbed.plane.facts, rootCaPem: rootPem("b") });
    let reads = 0;
    const getFleet = async () => {
      reads += 1;
      return testbed.ledger.getFleet();
    };
    const listKnown = async function* () {
      for await (const item of testbed.ledger.listKnown()) {
        if ("fleet" in item) reads += 1;
        yield item;
      }
    };
    const slower = config({ ztunnel: { ...testbed.config.ztunnel, startTimeoutSeconds: 60 } });
    const swept = await run(testbed, { config: slower, ledger: { ...testbed.ledger, getFleet, listKnown } });
    expect(swept).toMatchObject({ seen: 12, started: 0, failed: 0 });
    expect(reads).toBe(1);
    await testbed.ledger.changeFleet((fleet) => ({ next: { ...fleet, settings: settingsHash(slower) } }));
    expect(await run(testbed, { config: slower })).toMatchObject({ started: 12 });
  });

  it("goes on when one service fails, and says which and why", async () => {
    const testbed = await watchedTestbed();
    addServices(testbed, 1);
    const missing = `${testbed.ecs.of(web).taskDefinitionArn}9`;
    testbed.ecs.change({ taskDefinitionArn: missing });
    expect(await run(testbed)).toMatchObject({ seen: 2, started: 1, failed: 1 });
    expect(testbed.lines).toEqual([
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
    const testbed = await watchedTestbed();
    addServices(testbed, 1);
    await ledger.putMeshFacts(testbed.plane.facts);
    const pk = `SERVICE#${web.serviceArn}`;
    const old = { pk, sk: "STATE", shape: 0, serviceArn: web.serviceArn };
    items.set(`${pk} STATE`, old);
    for (let sweeps = 0; sweeps < 2; sweeps += 1) {
      const result = await run({ ...testbed, ledger });
      expect(result).toMatchObject({ seen: 2, started: sweeps === 0 ? 1 : 0 });
      expect(result.failed).toBeGreaterThan(0);
      await takeLeases({ ...testbed, ledger });
    }
    expect(testbed.executions.started.map(({ input }) => input.serviceArn)).toEqual([serviceNamed("web-0").serviceArn]);
    expect(testbed.lines).toContainEqual({
      level: "error",
      message: `not swept: ${web.serviceArn}`,
      extra: { code: "ledger-item-unreadable", why: expect.stringContaining(pk) },
    });
    expect(items.get(`${pk} STATE`)).toBe(old);
  });

  it("of one account fails without keeping another from being swept", async () => {
    const { testbed, far, farEcs } = await twoAccounts();
    const ecs = ({ account }: { account: string }) => {
      if (account === far.account) return farEcs;
      return withCalls(testbed.ecs, {
        // biome-ignore lint/correctness/useYield: the list fails before its first item
        listClusters: async function* () {
          throw new AutopilotError("access-denied", "ListClusters");
        },
      });
    };
    expect(await run(testbed, { ecs })).toMatchObject({ seen: 1, failed: 1 });
    expect(testbed.lines[0]).toMatchObject({ message: "not swept: sweep of 123456789012/us-east-1" });
  });

  describe("where AWS does not answer for a cluster", () => {
    /** The service's cluster is the last one that is listed; the others before it don't answer. */
    async function unanswered(count: number) {
      const testbed = await watchedTestbed();
      const own = clusterArnOf(web);
      const others = Array.from({ length: count }, (_, index) => `${own}-${index}`);
      const asked: string[] = [];
      const ecs = withCalls(testbed.ecs, {
        listClusters: async function* () {
          yield* [...others, own];
        },
        listServices: async function* (clusterArn: string) {
          asked.push(clusterArn);
          if (clusterArn !== own) throw new AutopilotError("aws-unavailable", "ListServices");
          yield* testbed.ecs.listServices(clusterArn);
        },
      });
      return { testbed, asked, ecs: () => ecs };
    }

    it("goes on with the others, and takes nothing for read", async () => {
      const { testbed, ecs } = await unanswered(2);
      expect(await run(testbed, { ecs })).toMatchObject({ seen: 1, failed: 2, complete: [] });
      expect(testbed.lines.map(({ extra }) => extra?.code)).toEqual(["aws-unavailable", "aws-unavailable"]);
    });

    it("takes no cluster for gone that it has not come to: nobody is orphaned", async () => {
      const { testbed, ecs } = await unanswered(5);
      await testbed.ledger.patchService(web.serviceArn, { enrolled: true });
      const silent = withCalls(testbed.ecs, {
        // biome-ignore lint/correctness/useYield: the list fails before its first item
        listClusters: async function* () {
          throw new AutopilotError("aws-unavailable", "ListClusters");
        },
      });
      for (const one of [ecs, () => silent]) {
        await run(testbed, { ecs: one });
        expect((await testbed.ledger.getService(web.serviceArn))?.orphaned).toBeUndefined();
      }
      expect(testbed.bus.types()).not.toContain("Services Orphaned");
    });

    it("ends with the third in a row: then it is the region that does not answer", async () => {
      const { testbed, ecs, asked } = await unanswered(5);
      expect(await run(testbed, { ecs })).toMatchObject({ seen: 0, complete: [] });
      expect(asked).toHaveLength(3);
    });
  });

  it("starts no more rolls than the policy lets it, and the next one goes on", async () => {
    const testbed = await watchedTestbed({ config: config({ policy: { maxRollsPerSweep: 2 } }) });
    addServices(testbed, 3);
    expect(await run(testbed)).toMatchObject({ started: 2, postponed: 2, postponedUnenrolls: 0 });
    for (const [name] of testbed.executions.statuses) expect(testbed.executions.statuses.get(name)).toBe("RUNNING");
    await takeLeases(testbed);
    expect(await run(testbed)).toMatchObject({ started: 2, postponed: 0 });
  });

  it("takes no more services out of the mesh than the policy lets it, in all accounts together", async () => {
    const { testbed, farEcs } = await twoAccounts({ policy: { maxUnenrollPerSweep: 1 } });
    await enroll(testbed);
    const meshed = testbed.ecs.definitions.get(testbed.ecs.of(web).taskDefinitionArn)?.raw;
    testbed.ecs.change({ tags: {} });
    const [farService] = farEcs.services.values();
    if (!farService) throw new Error("the other account has no service");
    farEcs.add({ ...farService, tags: {} }, meshed);
    const ecs = ({ account }: { account: string }) => (account === web.account ? testbed.ecs : farEcs);
    expect(await run(testbed, { ecs })).toMatchObject({ seen: 2, started: 1, postponed: 1, postponedUnenrolls: 1 });
    expect(testbed.executions.started).toHaveLength(1);
  });
});

describe("a sweep and the secret versions", () => {
  /** The id of a version that a test puts. */
  const version = (name: string) => name.padEnd(32, "0");

  async function withSecret() {
    const testbed = await watchedTestbed();
    await enroll(testbed);
    const [secret] = [...testbed.secrets.secrets.values()];
    if (!secret) throw new Error("there is no secret");
    const secretArn = arnOf(secret.name);
    const put = async (name: string) => {
      const labels = ["AWSCURRENT", labelOf(version(name))];
      await testbed.secrets.putSecretValue({ secretArn, value: name, versionId: version(name), labels });
    };
    return { testbed, secret, secretArn, put };
  }

  it("takes the labels from those that nobody uses, and keeps those of running services and of the ledger", async () => {
    const { testbed, secret, secretArn, put } = await withSecret();
    const [running] = [...secret.versions.keys()];
    await put("unused");
    await put("remembered");
    await put("current");
    await testbed.ledger.patchService(serviceNamed("gone").serviceArn, {
      secretsInUse: [`${secretArn}:::${version("remembered")}`],
    });
    await run(testbed);
    const kept = Object.entries(testbed.secrets.labels(secret.name)).filter(([, labels]) => labels.length > 0);
    expect(kept.map(([versionId]) => versionId)).toEqual([running, version("remembered"), version("current")]);
  });

  it("gives a version in use its label back", async () => {
    const { testbed, secret, put } = await withSecret();
    const [running = ""] = [...secret.versions.keys()];
    await put("current");
    secret.versions.get(running)?.labels.clear();
    await run(testbed);
    expect(testbed.secrets.labels(secret.name)[running]).toEqual([labelOf(running)]);
  });

  it("goes on where a version in use is gone for good", async () => {
    const { testbed, secret, secretArn, put } = await withSecret();
    await put("unused");
    await put("current");
    await testbed.ledger.patchService(serviceNamed("gone").serviceArn, {
      secretsInUse: [`${secretArn}:::${version("deleted")}`],
    });
    expect(await run(testbed)).toMatchObject({ failed: 0 });
    expect(testbed.secrets.labels(secret.name)[version("unused")]).toEqual(["AWSPREVIOUS"]);
  });

  it("takes no label while a service could not be read", async () => {
    const { testbed, secret, put } = await withSecret();
    addServices(testbed, 1);
    await put("unused");
    await put("current");
    const ref = serviceNamed("web-0");
    testbed.ecs.services.set(ref.serviceArn, { ...testbed.ecs.of(ref), taskDefinitionArn: "gone" });
    expect(await run(testbed)).toMatchObject({ failed: 1 });
    expect(testbed.secrets.labels(secret.name)[version("unused")]).toEqual(["AWSPREVIOUS", labelOf(version("unused"))]);
  });

  it("leaves a secret that is scheduled for deletion and that nobody pins", async () => {
    const { testbed, secret, put } = await withSecret();
    await put("unused");
    await put("current");
    secret.deleted = true;
    await run(testbed);
    expect(testbed.secrets.labels(secret.name)[version("unused")]).toEqual(["AWSPREVIOUS", labelOf(version("unused"))]);
  });

  it("restores one that a running service pins and that is scheduled for deletion, and reports it", async () => {
    const { testbed, secret } = await withSecret();
    secret.deleted = true;
    expect(await run(testbed)).toMatchObject({ secretsGone: 0, failed: 0 });
    expect(secret.deleted).toBe(false);
    const corrected = testbed.bus.events.filter(({ detailType }) => detailType === "Drift Corrected");
    expect(corrected).toEqual([expect.objectContaining({ detail: expect.objectContaining({ drift: ["secret"] }) })]);
  });

  it("has one that a running service pins and that is gone written again by a roll, and reports one that stays so", async () => {
    const { testbed } = await withSecret();
    expect(await run(testbed)).toMatchObject({ secretsGone: 0, failed: 0 });
    testbed.secrets.secrets.clear();
    testbed.lines.length = 0;
    expect(await run(testbed)).toMatchObject({ secretsGone: 0, started: 1, failed: 0 });
    expect(testbed.lines).toEqual([]);
    expect(await run(testbed)).toMatchObject({ secretsGone: 1, failed: 0 });
    expect(testbed.lines).toEqual([
      expect.objectContaining({
        level: "error",
        message: expect.stringMatching(/^token secret gone: arn:aws:secretsmanager:/),
      }),
    ]);
  });

  it("does not take one for gone that the list does not have yet", async () => {
    const { testbed } = await withSecret();
    testbed.secrets.listSecrets = async function* () {};
    expect(await run(testbed)).toMatchObject({ secretsGone: 0 });
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
  it("reconciles its services with its current tags", async () => {
    const testbed = await watchedTestbed({ service: { tags: { ...enrolled, "ztunnel-autopilot/enroll": "true" } } });
    const cluster = parseClusterArn(clusterArnOf(web));
    if (!cluster) throw new Error("no cluster's ARN");
    let asked = 0;
    const describeCluster: FakeEcs["describeCluster"] = async (arn, options) => {
      if (options?.fresh) asked += 1;
      return testbed.ecs.describeCluster(arn, options);
    };
    const ecs = () => withCalls(testbed.ecs, { describeCluster });
    expect(await sweepCluster(cluster, { ...testbed, ecs })).toMatchObject({ seen: 1, started: 1 });
    expect(asked).toBe(1);
  });
});

async function twoAccounts(changes: object = {}) {
  const testbed = await watchedTestbed({ config: configOfTwoAccounts(changes) });
  const far = serviceRef(web.serviceArn.replace(ACCOUNT, OTHER_ACCOUNT));
  const farEcs = new FakeEcs();
  farEcs.add(service({ ref: far, tags: {} }));
  return { testbed, far, farEcs };
}
