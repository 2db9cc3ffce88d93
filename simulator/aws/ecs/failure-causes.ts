/** What ends a deployment before it completes, in ECS's words where AWS or its users have shown them. */
export interface FailureCause {
  readonly source: string;
  /** The deployment's `rolloutStateReason`, and the reason in EventBridge's event. */
  readonly reason: string;
  /** In the service's events. */
  readonly message: string;
  /** The service deployment's `statusReason`. */
  readonly statusReason: string;
}

/**
 * DescribeServices and events say "tasks" where the sample of the guide says "task". `statusReason`: the acceptance
 * tests of Terraform's AWS provider.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
 */
export const breakerCause: FailureCause = {
  source: "ECS deployment circuit breaker",
  reason: "ECS deployment circuit breaker: tasks failed to start.",
  message: "tasks failed to start",
  statusReason: "Service deployment rolled back because the circuit breaker threshold was exceeded.",
};

/**
 * `message` is the one that users have shown; `reason` and `statusReason` are the simulator's own, in the form of the
 * circuit breaker's. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
 */
export const alarmCause: FailureCause = {
  source: "ECS deployment alarm",
  reason: "ECS deployment failed: alarm detected.",
  message: "alarm detected",
  statusReason: "Service deployment rolled back because an alarm was detected.",
};

/**
 * A lifecycle hook of a stage failed: `message` and `statusReason` as users have shown them for Lambda hooks. `reason`
 * is the simulator's own. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html
 */
export function hookCause(stage: string, problem: string): FailureCause {
  const statusReason = `Service deployment rolled back because ${stage} lifecycle hook(s) failed. ${problem}`;
  return {
    source: "ECS deployment lifecycle hook",
    reason: "ECS deployment lifecycle hook failed.",
    message: statusReason.replace(/\.$/, ""),
    statusReason,
  };
}

/**
 * All words are the simulator's own: AWS documents none.
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html
 */
export const personCause: FailureCause = {
  source: "ECS deployment",
  reason: "Service deployment stopped by user request.",
  message: "stopped by user request",
  statusReason: "Service deployment stopped by user request.",
};
