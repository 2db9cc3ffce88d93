import type { ServiceRef } from "../../../shared/base/arn.ts";
import type { JsonObject } from "../../../shared/base/json.ts";
import type { Deployment } from "../../../shared/model/service.ts";
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

  find(taskArn: string): ObservedTask | undefined {
    return [...this.#byService.values()].flat().find((task) => task.taskArn === taskArn);
  }

  /** Adds tasks of a deployment, in place of those that it already has. */
  launch(
    ref: ServiceRef,
    given: {
      readonly deployment: Deployment;
      readonly containers: readonly JsonObject[];
      readonly status: "PROVISIONING" | "RUNNING";
      readonly count: number;
    },
  ): void {
    const { deployment, containers, status, count } = given;
    const launched = Array.from({ length: count }, (_, index): ObservedTask => {
      const id = `${deployment.id.replace("/", "-")}-${index}`;
      return {
        taskArn: `arn:aws:ecs:${ref.region}:${ref.account}:task/${ref.clusterName}/${id}`,
        taskDefinitionArn: deployment.taskDefinitionArn,
        lastStatus: status,
        privateIpv4Address: `10.0.0.${index + 1}`,
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
