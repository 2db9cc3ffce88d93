import { describe, expect, it } from "vitest";
import { clusterArnOf } from "../../../../shared/base/arn.ts";
import { parseValueFrom } from "../../../../shared/data-plane/ztunnel/bootstrap-token/secret-version.ts";
import { containersOf } from "../../../../shared/model/task-definition.ts";
import type { ApplyCalls } from "../../../../shared/use-cases/roll/apply-context.ts";
import { applyRoll } from "../../../../shared/use-cases/roll/apply-roll.ts";
import { planRoll } from "../../../../shared/use-cases/roll/plan-roll.ts";
import type { ApplyPlan } from "../../../../shared/use-cases/roll/steps.ts";
import { Crash, crashing, withCalls } from "../../../support/altered-calls.ts";
import { NAME, OBSERVED, revisionArn, web } from "../../../support/arns.ts";
import { config, request, rootPem } from "../../../support/services.ts";
import { type RollTestbed, rollTestbed } from "../../../support/testbeds/roll.ts";
import { applied, applyPlan, enroll, planned } from "../../../support/testbeds/rolls.ts";
import { valueFromOf } from "../../../support/tokens.ts";

const stateOf = (testbed: RollTestbed) => testbed.ledger.getService(web.serviceArn);

/** A service in the mesh whose tag asks for another image. */
async function withNewImage(): Promise<RollTestbed> {
  const testbed = rollTestbed();
  await enroll(testbed);
  const { tags } = testbed.ecs.of(web);
  testbed.ecs.change({ tags: { ...tags, "ztunnel-autopilot/image": "registry.example.com/ztunnel:2" } });
  return testbed;
}

describe("applying an enrollment", () => {
  it("registers the revision with the sidecar and deploys it", async () => {
    const testbed = rollTestbed();
    const { watch } = await applied(testbed);
    expect(testbed.ecs.registered).toHaveLength(1);
    expect(testbed.ecs.updates).toEqual([
      { service: web.serviceArn, taskDefinitionArn: testbed.ecs.registered[0], force: false },
    ]);
    expect(testbed.ecs.containersOf(watch.targetRevisionArn)).toEqual(["web", "ztunnel"]);
    expect(watch).toMatchObject({
      deploymentId: testbed.ecs.primary().id,
      revisionBeforeArn: OBSERVED,
      desiredCount: 2,
      namespace: "shop",
      secretInUse: valueFromOf(request),
      deadlineMs: testbed.clock.nowMs + testbed.config.policy.deploymentDeadlineMinutes * 60_000,
      pollIntervalSeconds: testbed.config.policy.pollIntervalMinutes * 60,
    });
  });

  it("binds the identity in Kubernetes and lets the mesh discover the cluster", async () => {
    const testbed = rollTestbed();
    await applied(testbed);
    expect(testbed.plane.namespaces).toEqual(new Set(["shop"]));
    expect(testbed.plane.bound.get("shop/web")).toBe("arn:aws:iam::123456789012:role/web-task");
    expect(testbed.ecs.clusterTags.get(clusterArnOf(web))).toEqual({ "ecs.solo.io/discovery-enabled": "true" });
  });

  it("of an update leaves namespace and binding alone that plan has seen", async () => {
    const testbed = await withNewImage();
    testbed.plane.namespaces.clear();
    const plan = await planned(testbed);
    expect(plan).toMatchObject({ change: "update", isBound: true });
    await applyRoll(web, NAME, plan, testbed);
    expect(testbed.plane.namespaces.size).toBe(0);
  });

  it("of an update restores a deleted binding", async () => {
    const testbed = await withNewImage();
    testbed.plane.bound.clear();
    const plan = await planned(testbed);
    expect(plan).toMatchObject({ change: "update", isBound: false });
    await applyRoll(web, NAME, plan, testbed);
    expect(testbed.plane.bound.get("shop/web")).toBe("arn:aws:iam::123456789012:role/web-task");
  });

  it("pins the one secret version that holds the token, which the execution role may read", async () => {
    const testbed = rollTestbed();
    const { watch } = await applied(testbed);
    const ztunnel = containersOf(testbed.ecs.definitions.get(watch.targetRevisionArn)?.raw ?? {}).at(-1);
    expect(ztunnel?.secrets).toEqual([{ name: "BOOTSTRAP_TOKEN", valueFrom: valueFromOf(request) }]);
    const { secretName = "", versionId = "" } = parseValueFrom(valueFromOf(request)) ?? {};
    expect(Object.keys(testbed.secrets.labels(secretName))).toEqual([versionId]);
    expect(testbed.secrets.get(secretName).policy).toContain("role/web-execution");
  });

  it("sets the tags that istiod reads where the service lacks them, and remembers which", async () => {
    const testbed = rollTestbed({ service: { tags: { "ztunnel-autopilot/enroll": "true" } } });
    await applied(testbed);
    expect(testbed.ecs.of(web).tags).toEqual({
      "ztunnel-autopilot/enroll": "true",
      "ecs.solo.io/namespace": "istio-system",
      "ecs.solo.io/service-account": "default",
      "ecs.solo.io/ports": "http:80:8080",
    });
    expect(await stateOf(testbed)).toMatchObject({
      addedTagKeys: ["ecs.solo.io/namespace", "ecs.solo.io/service-account", "ecs.solo.io/ports"],
      givenPorts: "http:80:8080",
    });
  });

  it("records its secret version before it creates or reads it, so that no sweep retires it", async () => {
    const testbed = rollTestbed();
    const plan = await planned(testbed);
    const { versionId } = parseValueFrom(valueFromOf(request)) ?? {};
    const recorded: (string | undefined)[][] = [];
    const secrets: ApplyCalls["secrets"] = new Proxy(testbed.secrets, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key);
        if (typeof member !== "function") return member;
        return async (...args: unknown[]) => {
          const { secretsInUse = [] } = (await stateOf(testbed)) ?? {};
          recorded.push(secretsInUse.map((used) => parseValueFrom(used)?.versionId));
          return member.apply(target, args);
        };
      },
    });
    await applyRoll(web, NAME, plan, { ...testbed, secrets });
    expect(recorded.length).toBeGreaterThan(0);
    for (const versions of recorded) expect(versions).toContain(versionId);
    expect((await stateOf(testbed))?.secretsInUse).toEqual([valueFromOf(request)]);
  });

  it("leaves tags off the tasks where the policy says so", async () => {
    const testbed = rollTestbed({ config: config({ policy: { propagateTags: false } }) });
    const seen: unknown[] = [];
    const plan = await planned(testbed);
    const ecs = withCalls(testbed.ecs, {
      updateService: (ref, change) => {
        seen.push(change);
        return testbed.ecs.updateService(ref, change);
      },
    });
    await applyRoll(web, NAME, plan, { ...testbed, ecs });
    expect(seen).toEqual([{ taskDefinitionArn: testbed.ecs.registered[0] }]);
  });
});

describe("applying an unenrollment", () => {
  it("deploys the definition as it was before, and asks neither Kubernetes nor Secrets Manager", async () => {
    const testbed = rollTestbed();
    await enroll(testbed);
    testbed.ecs.change({ tags: {} });
    const plan = await planned(testbed);
    const nobody = (): never => {
      throw new Error("this was not to be asked");
    };
    const secrets = withCalls(testbed.secrets, { describeSecret: nobody, createSecret: nobody });
    const calls = { ...testbed, controlPlane: nobody, secrets };
    const { watch } = await applyRoll(web, NAME, plan, calls);
    const removed = testbed.ecs.definitions.get(watch?.targetRevisionArn ?? "")?.raw;
    expect(containersOf(removed ?? {})).toEqual(containersOf(testbed.ecs.definitions.get(OBSERVED)?.raw ?? {}));
    expect(watch).toMatchObject({ namespace: null, secretInUse: null });
  });
});

describe("applying a change of tags alone", () => {
  /** The service is enrolled and as desired, except for the tags that istiod reads. */
  async function withoutTags(): Promise<{ readonly testbed: RollTestbed; readonly plan: ApplyPlan }> {
    const testbed = rollTestbed({ service: { tags: { "ztunnel-autopilot/enroll": "true" } } });
    await enroll(testbed);
    testbed.ecs.change({ tags: { "ztunnel-autopilot/enroll": "true" } });
    const plan = await planned(testbed);
    expect(plan.drift).toEqual(["identity", "ports"]);
    return { testbed, plan };
  }

  it("starts the same revision again, so that the tasks carry them", async () => {
    const { testbed, plan } = await withoutTags();
    const before = testbed.ecs.updates.length;
    await applyRoll(web, NAME, plan, testbed);
    expect(testbed.ecs.updates.slice(before)).toEqual([
      { service: web.serviceArn, taskDefinitionArn: plan.observedRevisionArn, force: true },
    ]);
  });

  it.each(["before", "after"] as const)("does so too when it crashes %s any call and runs again", async (when) => {
    for (let calls = 1; ; calls += 1) {
      const { testbed, plan } = await withoutTags();
      const before = testbed.ecs.updates.length;
      if (!(await crashes(testbed, plan, { calls, when }))) {
        expect(calls).toBeGreaterThan(8);
        return;
      }
      const again = await applyRoll(web, NAME, plan, testbed);
      expect(again.outcome).toBe("applied");
      expect(again.watch?.deploymentId).toBe(testbed.ecs.primary().id);
      expect(testbed.ecs.updates.slice(before).map(({ force }) => force)).toContain(true);
    }
  });
});

describe("applying again after a crash", () => {
  it.each(["before", "after"] as const)("%s any call ends as if there had been none", async (when) => {
    const smooth = rollTestbed({ service: { tags: { "ztunnel-autopilot/enroll": "true" } } });
    const { watch: expected } = await applied(smooth);
    for (let calls = 1; ; calls += 1) {
      const testbed = rollTestbed({ service: { tags: { "ztunnel-autopilot/enroll": "true" } } });
      const plan = await planned(testbed);
      if (!(await crashes(testbed, plan, { calls, when }))) {
        expect(calls).toBeGreaterThan(15);
        return;
      }
      const again = await applyRoll(web, NAME, plan, testbed);
      expect(again).toEqual({ outcome: "applied", watch: expected });
      expect(testbed.ecs.registered).toEqual(smooth.ecs.registered);
      expect(testbed.ecs.of(web)).toEqual(smooth.ecs.of(web));
      expect(testbed.secrets.secrets).toEqual(smooth.secrets.secrets);
      const { roll, ...state } = (await stateOf(testbed)) ?? {};
      const { roll: _, ...other } = (await stateOf(smooth)) ?? {};
      expect(state).toEqual(other);
      expect(roll).toMatchObject({ targetRevisionArn: expected.targetRevisionArn });
    }
  });
});

/** True if the nth call was made, and with it the crash. */
async function crashes(
  testbed: RollTestbed,
  plan: ApplyPlan,
  at: { readonly calls: number; readonly when: "before" | "after" },
): Promise<boolean> {
  const broken = crashing({ ...at });
  const { ecs, secrets, ledger, plane } = testbed;
  const calls = { ecs: broken(ecs), secrets: broken(secrets), ledger: broken(ledger) };
  const fragile = broken(plane);
  try {
    await applyRoll(web, NAME, plan, { ...testbed, ...calls, controlPlane: () => fragile });
    return false;
  } catch (error) {
    if (error instanceof Crash) return true;
    throw error;
  }
}

describe("applying is superseded, and nothing is touched, when", () => {
  const cases: readonly (readonly [string, (testbed: RollTestbed) => Promise<unknown> | unknown])[] = [
    ["another roll has the lease", (testbed) => takeOver(testbed)],
    [
      "somebody deployed another revision",
      (testbed) => testbed.ecs.change({ taskDefinitionArn: revisionArn("web", 9) }),
    ],
    ["the service was created again", (testbed) => testbed.ecs.change({ createdAtMs: testbed.now() + 60_000 })],
    ["the enroll tag was taken away", (testbed) => testbed.ecs.change({ tags: {} })],
    [
      "the tag is bad now",
      (testbed) => testbed.ecs.change({ tags: { ...testbed.ecs.of(web).tags, "ecs.solo.io/namespace": "NOT OK" } }),
    ],
    [
      "the tags ask for another identity",
      (testbed) => testbed.ecs.change({ tags: { ...testbed.ecs.of(web).tags, "ecs.solo.io/namespace": "other" } }),
    ],
    [
      "the root CA was rotated",
      (testbed) => {
        testbed.plane.facts = { ...testbed.plane.facts, rootCaPem: rootPem("b") };
      },
    ],
  ];

  it.each(cases)("%s", async (_what, happen) => {
    const testbed = rollTestbed();
    const plan = await planned(testbed);
    await happen(testbed);
    expect(await applyRoll(web, NAME, plan, testbed)).toEqual({ outcome: "superseded", watch: null });
    expect(testbed.ecs.registered).toEqual([]);
    expect(testbed.ecs.updates).toEqual([]);
    expect(testbed.secrets.secrets.size).toBe(0);
    expect(testbed.plane.namespaces.size).toBe(0);
  });

  async function takeOver(testbed: RollTestbed): Promise<void> {
    const { policy } = testbed.config;
    testbed.clock.nowMs += policy.leaseMinutes * 60_000;
    await planRoll(web, "another-roll", testbed);
  }
});

describe("applying fails", () => {
  it("when the lease goes while it works, before the service is touched", async () => {
    const testbed = rollTestbed();
    const plan = await planned(testbed);
    const plane = withCalls(testbed.plane, {
      ensureNamespace: async (namespace) => {
        await testbed.plane.ensureNamespace(namespace);
        testbed.clock.nowMs += testbed.config.policy.leaseMinutes * 60_000;
        applyPlan(await planRoll(web, "another-roll", testbed));
      },
    });
    await expect(applyRoll(web, NAME, plan, { ...testbed, controlPlane: () => plane })).rejects.toMatchObject({
      code: "roll-in-progress",
    });
    expect(testbed.ecs.updates).toEqual([]);
  });

  it("with the name of what is wrong with the secret, before anything is registered", async () => {
    const testbed = rollTestbed();
    const plan = await planned(testbed);
    const name = parseValueFrom(valueFromOf(request))?.secretName ?? "";
    const versionId = "other".padEnd(32, "0");
    await testbed.secrets.createSecret({ name, description: "", value: "v", versionId, tags: {} });
    for (let label = 0; label < 18; label += 1) await testbed.secrets.moveLabel(name, `label-${label}`, versionId);
    await expect(applyRoll(web, NAME, plan, testbed)).rejects.toMatchObject({
      code: "secret-unavailable",
      detail: `${name} has 20 staging labels.`,
    });
    expect(testbed.ecs.registered).toEqual([]);
  });
});
