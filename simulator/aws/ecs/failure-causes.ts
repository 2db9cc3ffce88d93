/**
 * What ends a deployment before it completes. AWS documents the causes at the linked pages, not all of the words: those
 * of hooks and of stopped deployments are the simulator's own.
 */
export interface FailureCause {
  readonly source: string;
  readonly reason: string;
  /** In the service's events. */
  readonly message: string;
}

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html */
export const breakerCause: FailureCause = {
  source: "ECS deployment circuit breaker",
  reason: "ECS deployment circuit breaker: task failed to start.",
  message: "tasks failed to start",
};

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html */
export const alarmCause: FailureCause = {
  source: "ECS deployment alarm",
  reason: "ECS deployment failed: alarm detected.",
  message: "alarm detected",
};

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html */
export const hookCause: FailureCause = {
  source: "ECS deployment lifecycle hook",
  reason: "ECS deployment lifecycle hook failed.",
  message: "lifecycle hook failed",
};

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html */
export const personCause: FailureCause = {
  source: "ECS deployment",
  reason: "Service deployment stopped by user request.",
  message: "stopped by user request",
};
