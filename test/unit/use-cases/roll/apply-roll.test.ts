import { describe, expect, it } from "vitest";
import { clusterArnOf } from "../../../../shared/base/arn.ts";
import { parseValueFrom } from "../../../../shared/data-plane/ztunnel/bootstrap-token/secret-version.ts";
import { containersOf } from "../../../../shared/model/task-definition.ts";
import type { ApplyCalls } from "../../../../shared/use-cases/roll/apply-context.ts";
import { applyRoll } from "../../../../shared/use-cases/roll/apply-roll.ts";
import { planRoll } from "../../../../shared/use-cases/roll/plan-roll.ts";
import type { ApplyPlan } from "../../../../shared/use-cases/roll/steps.ts";
import { Crash, crashing, OBSERVED, type RollWorld, rollWorld, valueFromOf, web } from "../../../support/fakes.ts";
import { withCalls } from "../../../support/replaced-calls.ts";
import { applied, applyPlan, enroll, NAME, planned } from "../../../support/rolls.ts";
import { config, request, rootPem } from "../../../support/services.ts";

const stateOf = (world: RollWorld) => world.ledger.getService(web.serviceArn);

/** A service in the mesh whose tag asks for another image. */
async function withNewImage(): Promise<RollWorld> {
  const world = rollWorld();
  await enroll(world);
  const { tags } = world.ecs.of(web);
  world.ecs.change({ tags: { ...tags, "ztunnel-autopilot/image": "registry.example.com/ztunnel:2" } });
  return world;
}

describe("applying an enrollment", () => {
  it("registers the revision with the sidecar and deploys it", async () => {
    const world = rollWorld();
    const { watch } = await applied(world);
    expect(world.ecs.registered).toHaveLength(1);
    expect(world.ecs.updates).toEqual([
      { service: web.serviceArn, taskDefinitionArn: world.ecs.registered[0], force: false },
    ]);
    expect(world.ecs.containersOf(watch.targetRevisionArn)).toEqual(["web", "ztunnel"]);
    expect(watch).toMatchObject({
      deploymentId: world.ecs.primary().id,
      revisionBeforeArn: OBSERVED,
      desiredCount: 2,
      namespace: "shop",
      secretInUse: valueFromOf(request),
      deadlineMs: world.clock.nowMs + world.config.policy.deploymentDeadlineMinutes * 60_000,
      pollIntervalSeconds: world.config.policy.pollIntervalMinutes * 60,
    });
  });

  it("binds the identity in Kubernetes and lets the mesh discover the cluster", async () => {
    const world = rollWorld();
    await applied(world);
    expect(world.plane.namespaces).toEqual(new Set(["shop"]));
    expect(world.plane.bound.get("shop/web")).toBe("arn:aws:iam::123456789012:role/web-task");
    expect(world.ecs.clusterTags.get(clusterArnOf(web))).toEqual({ "ecs.solo.io/discovery-enabled": "true" });
  });

  it("of an update leaves namespace and binding alone that plan has seen", async () => {
    const world = await withNewImage();
    world.plane.namespaces.clear();
    const plan = await planned(world);
    expect(plan).toMatchObject({ change: "update", isBound: true });
    await applyRoll(web, NAME, plan, world);
    expect(world.plane.namespaces.size).toBe(0);
  });

  it("of an update makes the binding anew that is gone", async () => {
    const world = await withNewImage();
    world.plane.bound.clear();
    const plan = await planned(world);
    expect(plan).toMatchObject({ change: "update", isBound: false });
    await applyRoll(web, NAME, plan, world);
    expect(world.plane.bound.get("shop/web")).toBe("arn:aws:iam::123456789012:role/web-task");
  });

  it("pins the one secret version that holds the token, which the execution role may read", async () => {
    const world = rollWorld();
    const { watch } = await applied(world);
    const ztunnel = containersOf(world.ecs.definitions.get(watch.targetRevisionArn)?.raw ?? {}).at(-1);
    expect(ztunnel?.secrets).toEqual([{ name: "BOOTSTRAP_TOKEN", valueFrom: valueFromOf(request) }]);
    const { secretName = "", versionId = "" } = parseValueFrom(valueFromOf(request)) ?? {};
    expect(Object.keys(world.secrets.labels(secretName))).toEqual([versionId]);
    expect(world.secrets.get(secretName).policy).toContain("role/web-execution");
  });

  it("sets the tags that istiod reads where the service lacks them, and remembers which", async () => {
    const world = rollWorld({ service: { tags: { "ztunnel-autopilot/enroll": "true" } } });
    await applied(world);
    expect(world.ecs.of(web).tags).toEqual({
      "ztunnel-autopilot/enroll": "true",
      "ecs.solo.io/namespace": "istio-system",
      "ecs.solo.io/service-account": "default",
    });
    expect((await stateOf(world))?.addedTagKeys).toEqual(["ecs.solo.io/namespace", "ecs.solo.io/service-account"]);
  });

  it("records its secret version before it creates or reads it, so that no sweep retires it", async () => {
    const world = rollWorld();
    const plan = await planned(world);
    const { versionId } = parseValueFrom(valueFromOf(request)) ?? {};
    const noted: (string | undefined)[][] = [];
    const secrets: ApplyCalls["secrets"] = new Proxy(world.secrets, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key);
        if (typeof member !== "function") return member;
        return async (...args: unknown[]) => {
          const { secretsInUse = [] } = (await stateOf(world)) ?? {};
          noted.push(secretsInUse.map((used) => parseValueFrom(used)?.versionId));
          return member.apply(target, args);
        };
      },
    });
    await applyRoll(web, NAME, plan, { ...world, secrets });
    expect(noted.length).toBeGreaterThan(0);
    for (const versions of noted) expect(versions).toContain(versionId);
    expect((await stateOf(world))?.secretsInUse).toEqual([valueFromOf(request)]);
  });

  it("leaves tags off the tasks where the policy says so", async () => {
    const world = rollWorld({ config: config({ policy: { propagateTags: false } }) });
    const seen: unknown[] = [];
    const plan = await planned(world);
    const ecs = withCalls(world.ecs, {
      updateService: (ref, change) => {
        seen.push(change);
        return world.ecs.updateService(ref, change);
      },
    });
    await applyRoll(web, NAME, plan, { ...world, ecs });
    expect(seen).toEqual([{ taskDefinitionArn: world.ecs.registered[0] }]);
  });
});

describe("applying an unenrollment", () => {
  it("deploys the definition as it was before, and asks neither Kubernetes nor Secrets Manager", async () => {
    const world = rollWorld();
    await enroll(world);
    world.ecs.change({ tags: {} });
    const plan = await planned(world);
    const nobody = (): never => {
      throw new Error("this was not to be asked");
    };
    const secrets = withCalls(world.secrets, { describeSecret: nobody, createSecret: nobody });
    const calls = { ...world, controlPlane: nobody, secrets };
    const { watch } = await applyRoll(web, NAME, plan, calls);
    const removed = world.ecs.definitions.get(watch?.targetRevisionArn ?? "")?.raw;
    expect(containersOf(removed ?? {})).toEqual(containersOf(world.ecs.definitions.get(OBSERVED)?.raw ?? {}));
    expect(watch).toMatchObject({ namespace: null, secretInUse: null });
  });
});

describe("applying a change of tags alone", () => {
  /** Enrolled and as desired, but for the tags that istiod reads. */
  async function withoutTags(): Promise<{ readonly world: RollWorld; readonly plan: ApplyPlan }> {
    const world = rollWorld({ service: { tags: { "ztunnel-autopilot/enroll": "true" } } });
    await enroll(world);
    world.ecs.change({ tags: { "ztunnel-autopilot/enroll": "true" } });
    const plan = await planned(world);
    expect(plan.drift).toEqual(["identity"]);
    return { world, plan };
  }

  it("starts the same revision again, so that the tasks carry them", async () => {
    const { world, plan } = await withoutTags();
    const before = world.ecs.updates.length;
    await applyRoll(web, NAME, plan, world);
    expect(world.ecs.updates.slice(before)).toEqual([
      { service: web.serviceArn, taskDefinitionArn: plan.observedRevisionArn, force: true },
    ]);
  });

  it.each(["before", "after"] as const)("does so too when it crashes %s any call and runs again", async (when) => {
    for (let calls = 1; ; calls += 1) {
      const { world, plan } = await withoutTags();
      const before = world.ecs.updates.length;
      if (!(await crashes(world, plan, { calls, when }))) {
        expect(calls).toBeGreaterThan(8);
        return;
      }
      const again = await applyRoll(web, NAME, plan, world);
      expect(again.outcome).toBe("applied");
      expect(again.watch?.deploymentId).toBe(world.ecs.primary().id);
      expect(world.ecs.updates.slice(before).map(({ force }) => force)).toContain(true);
    }
  });
});

describe("applying again after a crash", () => {
  it.each(["before", "after"] as const)("%s any call ends as if there had been none", async (when) => {
    const smooth = rollWorld({ service: { tags: { "ztunnel-autopilot/enroll": "true" } } });
    const { watch: expected } = await applied(smooth);
    for (let calls = 1; ; calls += 1) {
      const world = rollWorld({ service: { tags: { "ztunnel-autopilot/enroll": "true" } } });
      const plan = await planned(world);
      if (!(await crashes(world, plan, { calls, when }))) {
        expect(calls).toBeGreaterThan(15);
        return;
      }
      const again = await applyRoll(web, NAME, plan, world);
      expect(again).toEqual({ outcome: "applied", watch: expected });
      expect(world.ecs.registered).toEqual(smooth.ecs.registered);
      expect(world.ecs.of(web)).toEqual(smooth.ecs.of(web));
      expect(world.secrets.secrets).toEqual(smooth.secrets.secrets);
      const { roll, ...state } = (await stateOf(world)) ?? {};
      const { roll: _, ...other } = (await stateOf(smooth)) ?? {};
      expect(state).toEqual(other);
      expect(roll).toMatchObject({ targetRevisionArn: expected.targetRevisionArn });
    }
  });
});

/** True if the nth call was made, and with it the crash. */
async function crashes(
  world: RollWorld,
  plan: ApplyPlan,
  at: { readonly calls: number; readonly when: "before" | "after" },
): Promise<boolean> {
  const broken = crashing({ ...at });
  const { ecs, secrets, ledger, plane } = world;
  const calls = { ecs: broken(ecs), secrets: broken(secrets), ledger: broken(ledger) };
  const fragile = broken(plane);
  try {
    await applyRoll(web, NAME, plan, { ...world, ...calls, controlPlane: () => fragile });
    return false;
  } catch (error) {
    if (error instanceof Crash) return true;
    throw error;
  }
}

describe("applying is superseded, and nothing is touched, when", () => {
  const cases: readonly (readonly [string, (world: RollWorld) => Promise<unknown> | unknown])[] = [
    ["another roll has the lease", (world) => takeOver(world)],
    [
      "somebody deployed another revision",
      (world) => world.ecs.change({ taskDefinitionArn: OBSERVED.replace(":7", ":9") }),
    ],
    ["the enroll tag was taken away", (world) => world.ecs.change({ tags: {} })],
    [
      "the tag is bad now",
      (world) => world.ecs.change({ tags: { ...world.ecs.of(web).tags, "ecs.solo.io/namespace": "NOT OK" } }),
    ],
    [
      "the tags ask for another identity",
      (world) => world.ecs.change({ tags: { ...world.ecs.of(web).tags, "ecs.solo.io/namespace": "other" } }),
    ],
    [
      "the root CA was rotated",
      (world) => {
        world.plane.facts = { ...world.plane.facts, rootCaPem: rootPem("b") };
      },
    ],
  ];

  it.each(cases)("%s", async (_what, happen) => {
    const world = rollWorld();
    const plan = await planned(world);
    await happen(world);
    expect(await applyRoll(web, NAME, plan, world)).toEqual({ outcome: "superseded", watch: null });
    expect(world.ecs.registered).toEqual([]);
    expect(world.ecs.updates).toEqual([]);
    expect(world.secrets.secrets.size).toBe(0);
    expect(world.plane.namespaces.size).toBe(0);
  });

  async function takeOver(world: RollWorld): Promise<void> {
    const { policy } = world.config;
    world.clock.nowMs += policy.leaseMinutes * 60_000;
    await planRoll(web, "another-roll", world);
  }
});

describe("applying fails", () => {
  it("when the lease goes while it works, before the service is touched", async () => {
    const world = rollWorld();
    const plan = await planned(world);
    const plane = withCalls(world.plane, {
      ensureNamespace: async (namespace) => {
        await world.plane.ensureNamespace(namespace);
        world.clock.nowMs += world.config.policy.leaseMinutes * 60_000;
        applyPlan(await planRoll(web, "another-roll", world));
      },
    });
    await expect(applyRoll(web, NAME, plan, { ...world, controlPlane: () => plane })).rejects.toMatchObject({
      code: "roll-in-progress",
    });
    expect(world.ecs.updates).toEqual([]);
  });

  it("with the name of what is wrong with the secret, before anything is registered", async () => {
    const world = rollWorld();
    const plan = await planned(world);
    const name = parseValueFrom(valueFromOf(request))?.secretName ?? "";
    await world.secrets.createSecret({
      name,
      description: "",
      value: "v",
      versionId: "other".padEnd(32, "0"),
      tags: {},
    });
    world.secrets.get(name).deleted = true;
    await expect(applyRoll(web, NAME, plan, world)).rejects.toMatchObject({
      code: "secret-unavailable",
      detail: `${name} is scheduled for deletion.`,
    });
    expect(world.ecs.registered).toEqual([]);
  });
});
