import type { ServiceRef } from "../../../shared/base/arn.ts";
import type { JsonObject } from "../../../shared/base/json.ts";
import type { Deployment, Tags } from "../../../shared/model/service.ts";
import type { ObservedTask } from "../../../shared/model/task.ts";

/** The tasks of a fake ECS, by service. */
export class FakeTasks {
  readonly #byService = new Map<string, readonly ObservedTask[]>();

  of({ serviceArn }: ServiceRef): readonly ObservedTask[] {
    return this.#byService.get(serviceArn) ?? [];
  }

  set({ serviceArn }: ServiceRef, tasks: readonly ObservedTask[]): void {
    this.#byService.set(serviceArn, tasks);
  }

  all(): readonly ObservedTask[] {
    return [...this.#byService.values()].flat();
  }

  find(taskArn: string): ObservedTask | undefined {
    return [...this.#byService.values()].flat().find((task) => task.taskArn === taskArn);
  }

  /** Changes a task's tags; false when there is no such task. */
  retag(taskArn: string, change: (before: Tags) => Tags): boolean {
    for (const [serviceArn, tasks] of this.#byService) {
      if (!tasks.some((task) => task.taskArn === taskArn)) continue;
      const changed = tasks.map((task) =>
        task.taskArn === taskArn ? { ...task, tags: change(task.tags ?? {}) } : task,
      );
      this.#byService.set(serviceArn, changed);
      return true;
    }
    return false;
  }

  /** Adds tasks of a deployment, in place of those that it already has. */
  launch(
    ref: ServiceRef,
    given: {
      readonly deployment: Deployment;
      readonly containers: readonly JsonObject[];
      readonly status: "PROVISIONING" | "RUNNING";
      readonly count: number;
      readonly tags: Tags;
    },
  ): void {
    const { deployment, containers, status, count, tags } = given;
    const launched = Array.from({ length: count }, (_, index): ObservedTask => {
      const id = `${deployment.id.replace("/", "-")}-${index}`;
      return {
        taskArn: `arn:aws:ecs:${ref.region}:${ref.account}:task/${ref.clusterName}/${id}`,
        taskDefinitionArn: deployment.taskDefinitionArn,
        lastStatus: status,
        group: `service:${ref.serviceName}`,
        privateIpv4Address: `10.0.0.${index + 1}`,
        tags,
        containers: containers.map(({ name, healthCheck }) => ({
          name: String(name),
          lastStatus: status === "RUNNING" ? "RUNNING" : "PENDING",
          healthStatus: status === "RUNNING" && healthCheck !== undefined ? "HEALTHY" : "UNKNOWN",
        })),
      };
    });
    const arns = new Set(launched.map(({ taskArn }) => taskArn));
    this.set(ref, [...this.of(ref).filter(({ taskArn }) => !arns.has(taskArn)), ...launched]);
  }

  /** Stops the tasks that `meant` selects; they can still be described. */
  stop(ref: ServiceRef, meant: (task: ObservedTask) => boolean, stopCode: string): void {
    const stopped = (task: ObservedTask): ObservedTask => ({
      ...task,
      lastStatus: "STOPPED",
      stopCode,
      stoppedReason: stopCode,
      containers: task.containers.map((one) => ({ ...one, lastStatus: "STOPPED" })),
    });
    this.set(
      ref,
      this.of(ref).map((task) => (meant(task) && task.lastStatus !== "STOPPED" ? stopped(task) : task)),
    );
  }
}
