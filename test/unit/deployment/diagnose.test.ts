import { describe, expect, it } from "vitest";
import { diagnose } from "../../../shared/deployment/diagnose.ts";
import type { ObservedTask } from "../../../shared/model/task.ts";
import { container, task } from "../../support/deployments.ts";

const stopped = (changes: Partial<ObservedTask>): ObservedTask => task("t1", { lastStatus: "STOPPED", ...changes });
const essential = { stopCode: "EssentialContainerExited", stoppedReason: "Essential container in task exited" };
const asm = (secret: string): string =>
  "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable " +
  "to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret " +
  `arn:aws:secretsmanager:us-east-1:123456789012:secret:${secret} from secrets manager: AccessDeniedException`;

const ofStopped = (...stoppedTasks: ObservedTask[]) => diagnose({ stoppedTasks, runningTasks: [] });
const ofRunning = (...runningTasks: ObservedTask[]) => diagnose({ stoppedTasks: [], runningTasks });

describe("the diagnosis of a stopped task", () => {
  const asmReasons: readonly [string, string][] = [
    ["secret-denied", "AccessDeniedException: User: x is not authorized to perform: secretsmanager:GetSecretValue"],
    ["secret-kms-denied", "AccessDeniedException: Access to KMS is not allowed"],
    ["secret-kms-denied", "AccessDeniedException: User: x is not authorized to perform: kms:Decrypt on resource: y"],
    ["secret-unreachable", "There is a connection issue between the task and AWS Secrets Manager."],
    ["secret-unreachable", "RequestCanceled: request context canceled caused by: context deadline exceeded"],
    ["secret-unreachable", "RequestError: send request failed caused by: dial tcp 52.46.1.2:443: i/o timeout"],
    ["secret-unreachable", "Please check your task network configuration."],
    ["secret-unavailable", "ResourceNotFoundException: Secrets Manager can't find the specified secret."],
    ["secret-unavailable", "InvalidRequestException: the secret was marked for deletion."],
  ];
  it.each(asmReasons)("is %s for our own secret and %s", (code, why) => {
    const reason = asm("ztunnel-autopilot/net/shop/web-AbCdEf").replace("AccessDeniedException", why);
    const failed = stopped({ stopCode: "TaskFailedToStart", stoppedReason: reason, containers: [] });
    expect(ofStopped(failed)?.code).toBe(code);
    const others = reason.replace("ztunnel-autopilot/net/shop/web", "database");
    expect(ofStopped({ ...failed, stoppedReason: others })?.code).toBe("application-failed");
  });

  const logReasons = [
    "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1",
    "CannotStartContainerError: Error response from daemon: failed to initialize logging driver: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist.",
    "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log group: AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/x is not authorized to perform: logs:CreateLogGroup on resource: y",
    "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: RequestCanceled: request context canceled caused by: context deadline exceeded",
  ];
  it.each(logReasons)("is log-unavailable for %s", (stoppedReason) => {
    const failed = stopped({ stopCode: "TaskFailedToStart", stoppedReason, containers: [] });
    expect(ofStopped(failed)).toMatchObject({ code: "log-unavailable", sentence: expect.stringContaining("log") });
    const reason = stoppedReason;
    const container = { name: "app", lastStatus: "STOPPED", reason };
    expect(ofStopped(stopped({ stopCode: "TaskFailedToStart", containers: [container] }))?.code).toBe(
      "log-unavailable",
    );
  });

  const stories: readonly [string, Partial<ObservedTask>, string, string][] = [
    [
      "secret-denied",
      { stopCode: "TaskFailedToStart", stoppedReason: asm("ztunnel-autopilot/net/shop/web-AbCdEf"), containers: [] },
      "AccessDeniedException",
      "our secret that can't be read",
    ],
    [
      "application-failed",
      { stopCode: "TaskFailedToStart", stoppedReason: asm("database-AbCdEf"), containers: [] },
      "database",
      "the application's own secret",
    ],
    [
      "image-unavailable",
      {
        stopCode: "TaskFailedToStart",
        stoppedReason: "Task failed to start",
        containers: [
          container("ztunnel", { reason: "CannotPullContainerError: pull image manifest has been retried 5 time(s)" }),
          container("web"),
        ],
      },
      "Container ztunnel",
      "an image that can't be pulled",
    ],
    [
      "image-unavailable",
      { stoppedReason: "ResourceInitializationError: unable to retrieve ecr registry auth", containers: [] },
      "registry auth",
      "a registry that can't be asked",
    ],
    [
      "ztunnel-unhealthy",
      { ...essential, containers: [container("ztunnel", { exitCode: 1 }), container("web", { exitCode: 143 })] },
      "Container ztunnel stopped: exit code 1",
      "a ztunnel that exits",
    ],
    [
      "ztunnel-unhealthy",
      {
        stoppedReason: "Task failed container health checks",
        stopCode: "ServiceSchedulerInitiated",
        containers: [
          container("web", { exitCode: 143 }),
          container("ztunnel", { exitCode: 137, healthStatus: "UNHEALTHY" }),
        ],
      },
      "Container ztunnel",
      "a ztunnel that is unhealthy",
    ],
    [
      "ztunnel-unhealthy",
      {
        stopCode: "TaskFailedToStart",
        stoppedReason: "Task failed to start",
        containers: [container("web"), container("ztunnel", { exitCode: 143 })],
      },
      "Container ztunnel",
      "a ztunnel for which everybody waited in vain",
    ],
    [
      "application-failed",
      { ...essential, containers: [container("ztunnel", { exitCode: 143 }), container("web", { exitCode: 2 })] },
      "Container web stopped: exit code 2",
      "an application that exits",
    ],
    [
      "application-failed",
      {
        ...essential,
        containers: [
          container("ztunnel", { exitCode: 143 }),
          container("web", { exitCode: 137, reason: "OutOfMemoryError: container killed due to memory usage" }),
        ],
      },
      "OutOfMemoryError",
      "an application without memory",
    ],
    [
      "application-failed",
      { ...essential, containers: [container("ztunnel", { exitCode: 143 }), container("web", { exitCode: 0 })] },
      "exit code 0",
      "an application that ends by itself",
    ],
    [
      "application-failed",
      {
        stopCode: "ServiceSchedulerInitiated",
        stoppedReason: "Task failed ELB health checks in (target-group arn:x)",
      },
      "ELB",
      "a load balancer that sees no answer",
    ],
    ["tasks-stopping", { stoppedReason: "Something new", containers: [] }, "Something new", "a reason of tomorrow"],
  ];

  it.each(stories.map(([code, changes, part, what]) => ({ code, changes, part, what })))(
    "recognizes $what: $code",
    ({ code, changes, part }) => {
      expect(ofStopped(stopped(changes))).toEqual({ code, sentence: expect.stringContaining(part) });
    },
  );

  it("names the task", () => {
    const found = ofStopped(stopped({ ...essential, containers: [container("web", { exitCode: 2 })] }));
    expect(found?.sentence).toMatch(/^Task t1: /);
  });

  it("is empty when the task's revision did not cause the stop", () => {
    expect(ofStopped(stopped({ stopCode: "UserInitiated", stoppedReason: "by me" }))).toBeUndefined();
    expect(ofStopped(stopped({ stopCode: "SpotInterruption" }))).toBeUndefined();
    const scaling = { stopCode: "ServiceSchedulerInitiated", stoppedReason: "Scaling activity initiated by ..." };
    expect(ofStopped(stopped(scaling))).toBeUndefined();
  });

  it("quotes at most 500 characters of a long reason, on one line", () => {
    const found = ofStopped(stopped({ stoppedReason: `a\nb ${"x".repeat(5000)}`, containers: [] }));
    expect(found?.sentence.length).toBeLessThan(550);
    expect(found?.sentence).not.toContain("\n");
  });
});

describe("the diagnosis of several tasks", () => {
  it("reports the most frequent cause", () => {
    const failed = (name: string) => stopped({ ...essential, containers: [container(name, { exitCode: 1 })] });
    expect(ofStopped(failed("ztunnel"), failed("web"), failed("web"))).toMatchObject({ code: "application-failed" });
  });
});

describe("the diagnosis of a running task", () => {
  it.each([
    ["UNHEALTHY", "RUNNING"],
    ["UNKNOWN", "PENDING"],
  ])("reports a ztunnel that is %s while the task is %s", (healthStatus, lastStatus) => {
    const found = ofRunning(task("t1", { lastStatus, containers: [container("ztunnel", { healthStatus })] }));
    expect(found).toMatchObject({ code: "ztunnel-unhealthy" });
  });

  it("reports an unhealthy application", () => {
    const containers = [
      container("ztunnel", { healthStatus: "HEALTHY" }),
      container("web", { healthStatus: "UNHEALTHY" }),
    ];
    expect(ofRunning(task("t1", { containers }))).toMatchObject({ code: "application-failed" });
  });

  it("is empty for a healthy task", () => {
    expect(ofRunning(task("t1"))).toBeUndefined();
  });
});
