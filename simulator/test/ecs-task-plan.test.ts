import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { taskDefinitionSpec } from "../aws/ecs/container-spec.ts";
import { planTask, type TaskFate } from "../aws/ecs/task-plan.ts";
import { defaultTimings } from "../aws/ecs/timings.ts";
import type { JsonObject } from "../base/json.ts";

const START_MS = 1_000_000;
const TASK = "arn:aws:ecs:us-east-1:123456789012:task/shop/0123456789abcdef0123456789abcdef";
const fine: TaskFate = {
  secretProblem: undefined,
  unhealthy: new Set(),
  exiting: new Set(),
  dying: new Map(),
  unstarted: new Map(),
  isOnInstance: false,
};
const healthCheck = { command: ["CMD", "true"], interval: 5, timeout: 5, retries: 3, startPeriod: 10 };
const proxy = { name: "proxy", image: "proxy:1", healthCheck };
const waiting = { name: "web", image: "web:1", dependsOn: [{ containerName: "proxy", condition: "HEALTHY" }] };

function plan(containers: readonly JsonObject[], fate: Partial<TaskFate> = {}, random = () => 0.5) {
  const definition = taskDefinitionSpec({ containerDefinitions: containers });
  return planTask(
    definition,
    { ...fine, ...fate },
    { random, timings: defaultTimings, startMs: START_MS, taskArn: TASK },
  );
}

describe("a task's plan", () => {
  it("starts a container only once what it waits for is healthy", () => {
    const { containers, failure } = plan([waiting, proxy]);
    const healthyAtMs = containers.get("proxy")?.healthyAtMs ?? Infinity;
    expect(healthyAtMs - (containers.get("proxy")?.startsAtMs ?? 0)).toBe(5_000);
    expect(containers.get("web")?.startsAtMs).toBeGreaterThan(healthyAtMs);
    expect(failure).toBeUndefined();
  });

  it("runs when every container has started, and is healthy when essential health checks pass", () => {
    const slow = { name: "slow", image: "slow:1", healthCheck: { ...healthCheck, interval: 30 } };
    const { runningAtMs, healthyAtMs, containers } = plan([slow, waiting, proxy]);
    expect(runningAtMs).toBeGreaterThan(containers.get("web")?.startsAtMs ?? Infinity);
    expect(healthyAtMs).toBe(containers.get("slow")?.healthyAtMs);
  });

  it("gives up on an unhealthy dependency after its startTimeout", () => {
    const { failure, containers } = plan([waiting, { ...proxy, startTimeout: 60 }], {
      unhealthy: new Set(["proxy"]),
    });
    const startsAtMs = containers.get("proxy")?.startsAtMs ?? 0;
    expect(failure).toMatchObject({ atMs: startsAtMs + 60_000, stopCode: "EssentialContainerExited" });
    expect(failure?.containerReasons?.web).toContain("dependency [proxy] for target [web] has timed out");
    expect(containers.get("proxy")?.unhealthyAtMs).toBe(startsAtMs + 25_000);
  });

  it("never finds a container healthy on an instance whose health check docker ignores, and Fargate does", () => {
    const bare = { ...proxy, startTimeout: 60, healthCheck: { ...healthCheck, command: ["proxy", "healthcheck"] } };
    const { failure, containers } = plan([waiting, bare], { isOnInstance: true });
    expect(failure?.containerReasons?.web).toContain("dependency [proxy] for target [web] has timed out");
    expect(containers.get("proxy")).toMatchObject({ healthyAtMs: Infinity, unhealthyAtMs: Infinity });
    expect(plan([waiting, bare]).failure).toBeUndefined();
    expect(plan([waiting, proxy], { isOnInstance: true }).failure).toBeUndefined();
  });

  it("waits for hours on an unhealthy dependency without startTimeout", () => {
    const { failure } = plan([waiting, proxy], { unhealthy: new Set(["proxy"]) });
    expect((failure?.atMs ?? 0) - START_MS).toBeGreaterThan(3 * 3_600_000);
  });

  it("stops a running task whose essential container is unhealthy", () => {
    const web = { name: "web", image: "web:1" };
    const { failure, runningAtMs } = plan([web, proxy], { unhealthy: new Set(["proxy"]) });
    expect(failure).toMatchObject({
      stopCode: "ServiceSchedulerInitiated",
      stoppedReason: "Task failed container health checks",
    });
    expect(failure?.atMs).toBeGreaterThan(runningAtMs);
  });

  it("never lets a task run whose essential container exits at its start", () => {
    const { failure, runningAtMs, containers } = plan([waiting, proxy], { exiting: new Set(["web"]) });
    expect(failure).toMatchObject({ stopCode: "EssentialContainerExited" });
    expect(failure?.atMs).toBeLessThan(runningAtMs);
    expect(containers.get("web")?.exitCode).toBe(1);
  });

  it("lets a task run although a container that is not essential exits", () => {
    const side = { name: "side", image: "side:1", essential: false };
    expect(plan([side, proxy], { exiting: new Set(["side"]) }).failure).toBeUndefined();
  });

  it("lets an init container complete before what waits for it", () => {
    const init = { name: "init", image: "init:1", essential: false };
    const web = { name: "web", image: "web:1", dependsOn: [{ containerName: "init", condition: "SUCCESS" }] };
    const { containers } = plan([web, init]);
    expect(containers.get("init")).toMatchObject({ exitCode: 0 });
    expect(containers.get("web")?.startsAtMs).toBeGreaterThan(containers.get("init")?.exitsAtMs ?? Infinity);
    const failed = plan([web, init], { exiting: new Set(["init"]) });
    expect(failed.failure?.containerReasons?.web).toContain("did not exit successfully");
  });

  it("fails to start for a secret that can't be read, and for an image that can't be pulled", () => {
    const secret = plan([proxy], { secretProblem: "AccessDeniedException" });
    expect(secret.failure).toMatchObject({ stopCode: "TaskFailedToStart" });
    expect(secret.failure?.stoppedReason).toMatch(/^ResourceInitializationError: .*AccessDeniedException$/);
    const image = plan([{ ...proxy, image: "proxy:broken" }]);
    expect(image.failure?.stoppedReason).toMatch(/^CannotPullContainerError: /);
    expect(image.failure?.containerReasons?.proxy).toMatch(/^CannotPullContainerError: /);
  });

  it("keeps the order of START dependencies for any timing", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 8 }),
        (numbers) => {
          let index = 0;
          const random = () => numbers[index++ % numbers.length] ?? 0;
          const second = { name: "b", image: "b", dependsOn: [{ containerName: "a", condition: "START" }] };
          const { containers, runningAtMs } = plan([second, { name: "a", image: "a" }], {}, random);
          const [a, b] = [containers.get("a"), containers.get("b")];
          return a !== undefined && b !== undefined && a.startsAtMs < b.startsAtMs && b.startsAtMs < runningAtMs;
        },
      ),
    );
  });
});

/** As the ECS agent derives it: `addFirelensContainerDependency` and `TaskDependencyError` of amazon-ecs-agent. */
describe("a task whose containers log through FireLens", () => {
  const logConfiguration = { logDriver: "awsfirelens" };
  const web = { name: "web", image: "web:1", logConfiguration };
  const router = { name: "router", image: "fluent-bit:1", firelensConfiguration: { type: "fluentbit" } };
  const startOf = (planned: ReturnType<typeof plan>, name: string) => planned.containers.get(name)?.startsAtMs ?? NaN;

  it("starts them after the log router, without a word in dependsOn, in any order of the containers", () => {
    for (const containers of [
      [web, router],
      [router, web],
    ]) {
      const planned = plan(containers);
      expect(startOf(planned, "web")).toBeGreaterThan(startOf(planned, "router"));
      expect(planned.failure).toBeUndefined();
    }
  });

  it("starts the log router without itself, and what logs otherwise without it", () => {
    const other = { name: "other", image: "other:1" };
    const planned = plan([other, { ...router, logConfiguration }, web]);
    expect(planned.failure).toBeUndefined();
    expect(startOf(planned, "other")).toBeLessThan(startOf(planned, "web"));
  });

  it("does not wait for a log router that waits for another container: what logs through it can't start", () => {
    const first = { name: "first", image: "first:1", healthCheck };
    const late = { ...router, dependsOn: [{ containerName: "first", condition: "HEALTHY" }] };
    const { failure, containers } = plan([first, web, late]);
    expect(failure?.containerReasons?.web).toMatch(/^CannotStartContainerError: .*failed to initialize logging driver/);
    expect(containers.get("web")?.startsAtMs).toBe(Infinity);
    expect(plan([first, { ...web, dependsOn: [{ containerName: "router", condition: "START" }] }, late]).failure).toBe(
      undefined,
    );
  });

  it.each([
    ["volumes", { volumesFrom: [{ sourceContainer: "web" }] }],
    ["links", { links: ["web:w"] }],
  ])("never starts where the log router comes after them by its %s", (_what, after) => {
    const { failure, containers, runningAtMs } = plan([web, { ...router, ...after }]);
    expect(failure).toMatchObject({
      stopCode: "TaskFailedToStart",
      stoppedReason: `TaskDependencyError: Task dependencies cannot be resolved, taskArn: ${TASK}`,
      failed: true,
    });
    expect([...containers.values()].every(({ startsAtMs }) => startsAtMs === Infinity)).toBe(true);
    expect(runningAtMs).toBe(Infinity);
  });

  it("keeps the order of volumes and links in other tasks, too", () => {
    const planned = plan([
      { name: "web", image: "web:1", volumesFrom: [{ sourceContainer: "files" }] },
      { name: "files" },
    ]);
    expect(startOf(planned, "web")).toBeGreaterThan(startOf(planned, "files"));
  });
});
