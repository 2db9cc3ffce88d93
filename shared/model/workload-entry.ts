/** What a mesh knows of a workload outside of Kubernetes, reduced to what proves a task. */
export interface WorkloadEntry {
  readonly namespace: string;
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** Its own labels, and those that its spec gives to the workload. */
  readonly labels: Readonly<Record<string, string>>;
  /** IPv4, IPv6, a host's name or a socket's path; absent where it has none. */
  readonly address?: string | undefined;
  readonly serviceAccount?: string | undefined;
}

/** Which entries to list: those of a namespace, those that istiod has labeled with an ECS service's name; else all. */
export interface WorkloadEntrySelection {
  readonly namespace?: string;
  /** A name that no label can hold selects all. */
  readonly serviceName?: string;
}
