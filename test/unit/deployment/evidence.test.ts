import { describe, expect, it } from "vitest";
import { diagnose, diagnosePlacement } from "../../../shared/deployment/diagnose.ts";
import { purposeInWords, purposeOf } from "../../../shared/deployment/ended-on-purpose.ts";
import { evidenceOf, type Suspects } from "../../../shared/deployment/evidence.ts";
import type { ObservedContainer, ObservedTask } from "../../../shared/model/task.ts";
import { BEFORE, container, TARGET, task } from "../../support/deployments.ts";
import { NOW } from "../../support/times.ts";

const definition = {
  containerDefinitions: [{ name: "metrics", essential: false }, { name: "ztunnel", essential: true }, { name: "app" }],
};
const suspects: Suspects = { targetRevisionArn: TARGET, deploymentIds: ["ecs-svc/8"], sinceMs: NOW, definition };
const essential = { stopCode: "EssentialContainerExited", stoppedReason: "Essential container in task exited" };
const stopped = (changes: Partial<ObservedTask> = {}): ObservedTask =>
  task("t1", { lastStatus: "STOPPED", startedBy: "ecs-svc/8", ...essential, ...changes });
const cause = (containers: readonly ObservedContainer[], changes: Partial<ObservedTask> = {}, of = suspects) =>
  diagnose({ stoppedTasks: evidenceOf([stopped({ ...changes, containers })], of), runningTasks: [] });

const pull = "CannotPullContainerError: pull image manifest has been retried 1 time(s)";
const guardDuty = container("aws-guardduty-agent-mfjGLB", { lastStatus: "STOPPED", reason: pull });
const exits = (name: string, exitCode: number) => container(name, { lastStatus: "STOPPED", exitCode });

describe("the tasks that show why a deployment failed", () => {
  it("are those of its own deployment, not those that an earlier one or a person has started", () => {
    const ids = (tasks: readonly ObservedTask[], of = suspects) =>
      evidenceOf(tasks, of).map(({ startedBy }) => startedBy);
    const of = (startedBy: string | undefined, changes: Partial<ObservedTask> = {}) =>
      stopped({ startedBy, ...changes });
    expect(ids([of("ecs-svc/8"), of("ecs-svc/7"), of("ann")])).toEqual(["ecs-svc/8"]);
    expect(ids([of("ecs-svc/8", { taskDefinitionArn: BEFORE })])).toEqual([]);
    const unnamed = { ...suspects, deploymentIds: [] };
    const byTime = [of("a", { createdAtMs: NOW - 1 }), of("b", { createdAtMs: NOW }), of("c")];
    expect(ids(byTime, unnamed), "without a deployment the time decides").toEqual(["b", "c"]);
  });

  it("count with the containers that the revision defines: AWS's own have no part in it", () => {
    const unhealthy = container("ztunnel", { exitCode: 137, healthStatus: "UNHEALTHY" });
    expect(cause([exits("app", 143), unhealthy, guardDuty])).toMatchObject({ code: "ztunnel-unhealthy" });
    const crashed = cause([guardDuty, exits("ztunnel", 143), exits("app", 1)]);
    expect(crashed).toMatchObject({ code: "application-failed", sentence: expect.stringContaining("Container app") });
    const scaledIn = { stopCode: "ServiceSchedulerInitiated", stoppedReason: "Scaling activity initiated by x" };
    expect(cause([exits("app", 143), exits("ztunnel", 143), guardDuty], scaledIn)).toBeUndefined();
    expect(
      cause([exits("app", 143), exits("ztunnel", 143), guardDuty], scaledIn, { ...suspects, definition: undefined }),
      "known by their names where the definition can't be read",
    ).toBeUndefined();
  });

  it("show their essential containers first", () => {
    const both = cause([exits("metrics", 1), exits("ztunnel", 143), exits("app", 2)]);
    expect(both?.sentence).toContain("Container app stopped: exit code 2");
    const unhealthy = container("ztunnel", { exitCode: 137, healthStatus: "UNHEALTHY" });
    expect(cause([exits("metrics", 1), unhealthy, exits("app", 143)])).toMatchObject({ code: "ztunnel-unhealthy" });
    const alone = cause([exits("metrics", 1), exits("ztunnel", 143), exits("app", 143)], {
      stopCode: "TaskFailedToStart",
    });
    expect(alone?.sentence).toContain("Container metrics");
  });
});

describe("a deployment whose tasks find no place", () => {
  const events = [
    { createdAtMs: NOW + 2, message: "(service web) has started 1 tasks: (task a)." },
    {
      createdAtMs: NOW + 1,
      message: "(service web) was unable to place a task because no container instance met all.",
    },
    { createdAtMs: NOW - 1, message: "(service web) was unable to place a task. Reason: long ago." },
  ];

  it("has ECS's newest event about that as its cause, in ECS's words", () => {
    expect(diagnosePlacement(events, NOW)).toEqual({
      code: "tasks-not-placed",
      sentence: 'ECS: "(service web) was unable to place a task because no container instance met all.".',
    });
  });

  it("has none by events from before the roll, or about anything else", () => {
    expect(diagnosePlacement(events, NOW + 2)).toBeUndefined();
    expect(diagnosePlacement([], NOW)).toBeUndefined();
  });

  it("has it from a stopped task, too", () => {
    const reason = "Capacity is unavailable at this time. Please try again later or in a different availability zone";
    const never = [container("app"), container("ztunnel")];
    expect(cause(never, { stopCode: "TaskFailedToStart", stoppedReason: reason })).toMatchObject({
      code: "tasks-not-placed",
      sentence: expect.stringContaining("Capacity is unavailable"),
    });
  });
});

describe("the end of a deployment on purpose", () => {
  const ended = {
    createdAtMs: NOW,
    status: "ROLLBACK_SUCCESSFUL",
    triggeredAlarms: [],
    isBroken: false,
    hasFailedHook: false,
  };

  it.each([
    ["deployment-stopped", {}],
    ["deployment-stopped", { status: "STOPPED" }],
    ["deployment-stopped", { status: "STOP_REQUESTED" }],
    ["deployment-alarm", { triggeredAlarms: ["errors"], isBroken: true }],
    ["other", { isBroken: true }],
    ["other", { hasFailedHook: true }],
    [undefined, { status: "IN_PROGRESS" }],
    [undefined, { status: "SUCCESSFUL" }],
    [undefined, { status: "A_STATUS_OF_TOMORROW" }],
    [undefined, { createdAtMs: NOW - 60_000 }],
  ])("is %s for a deployment that is %j", (purpose, change) => {
    const found = purposeOf([{ ...ended, ...change }], NOW);
    expect(typeof found === "object" ? found.purpose : found).toBe(purpose);
  });

  it("is that of the latest deployment: an earlier one was stopped as that took its place", () => {
    const alarm = { ...ended, triggeredAlarms: ["errors"], createdAtMs: NOW + 1 };
    expect(purposeOf([ended, alarm], NOW)).toEqual({ purpose: "deployment-alarm", alarms: ["errors"] });
    const later = { ...ended, status: "IN_PROGRESS", createdAtMs: NOW + 1 };
    expect(purposeOf([{ ...ended, status: "STOPPED" }, later], NOW)).toBeUndefined();
    expect(purposeOf([], NOW)).toBeUndefined();
  });

  it.each([
    ["deployment-alarm", "ECS deployment failed: alarm detected."],
    ["deployment-alarm", "Service deployment rolled back because CloudWatch alarms were triggered."],
    ["deployment-stopped", "Service deployment stopped by user request."],
    [undefined, "ECS deployment circuit breaker: tasks failed to start."],
    [undefined, "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1."],
    [undefined, "3 tasks failed in a row."],
    [undefined, ""],
  ])("is %s for %j", (code, reason) => {
    expect(purposeInWords(reason)).toBe(code);
  });
});
