import type { Tags } from "./service.ts";

/** A container of a task as DescribeTasks returns it. */
export interface ObservedContainer {
  readonly name: string;
  readonly lastStatus: string;
  readonly exitCode?: number | undefined;
  readonly reason?: string | undefined;
  readonly healthStatus?: string | undefined;
  /** Set where its revision's definition is known: the task stops with it. */
  readonly essential?: boolean;
}

/** A task as DescribeTasks returns it, reduced to what a roll needs. */
export interface ObservedTask {
  readonly taskArn: string;
  readonly taskDefinitionArn: string;
  readonly lastStatus: string;
  /** `service:NAME` for a task of a service. */
  readonly group?: string | undefined;
  /** The id of the deployment that started it, for a task of a service. */
  readonly startedBy?: string | undefined;
  /** Epoch milliseconds. */
  readonly createdAtMs?: number | undefined;
  readonly stopCode?: string | undefined;
  readonly stoppedReason?: string | undefined;
  readonly privateIpv4Address?: string | undefined;
  readonly ipv6Address?: string | undefined;
  readonly healthStatus?: string | undefined;
  readonly containers: readonly ObservedContainer[];
  /** Absent in a task that an event describes. */
  readonly tags?: Tags | undefined;
}

/** The id of a task: the last part of its ARN. */
export function taskIdOf(task: ObservedTask): string {
  return task.taskArn.slice(task.taskArn.lastIndexOf("/") + 1);
}

/** The addresses of a task: IPv4, IPv6, or both. */
export function addressesOf({ privateIpv4Address, ipv6Address }: ObservedTask): readonly string[] {
  return [privateIpv4Address, ipv6Address].filter((address) => address !== undefined);
}
