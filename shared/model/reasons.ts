/**
 * What can be decided for a service, and why: closed sets of names. The sentences for people are in reason-texts.ts,
 * which most functions have no use for.
 */

/** How an enrolled service differs from what is desired. */
export const driftReasonNames = [
  "sidecar-missing",
  "image",
  "token",
  "token-in-plain-text",
  "health-check",
  "log-configuration",
  "container-settings",
  "dependency",
  "proxy-env",
  "identity",
  "ports",
  "discovery",
  "propagate-tags",
  "task-tags",
  "binding",
  "secret",
  "readers",
] as const;
export type DriftReason = (typeof driftReasonNames)[number];

/** Drift that one call to ECS puts right, without a deployment. */
export type RepairReason = Extract<DriftReason, "discovery" | "propagate-tags" | "task-tags">;

/** Why a service is not taken into the mesh. */
export const refusalNames = [
  "network-mode",
  "windows",
  "deployment-controller",
  "app-mesh",
  "foreign-ztunnel",
  "port-collision",
  "no-execution-role",
  "no-task-role",
  "foreign-role",
  "platform-version",
  "too-many-containers",
  "definition-too-large",
  "dependency-cycle",
  "bad-tag",
  "namespace-not-allowed",
  "image-not-allowed",
  "roles-differ",
  "version-skew",
  "identity-conflict",
  "role-shared",
  "namespace-not-ambient",
  "service-not-active",
  "mesh-name",
  "node-daemon",
  "express-mode",
  "no-deployment-room",
  "no-tag-room",
  "shared-family",
  "no-control-plane",
  "other-stage",
] as const;
export type RefusalReason = (typeof refusalNames)[number];

/**
 * With these, a service that is in the mesh already stays, follows rotations and upgrades, and has a warning instead.
 */
export const keptRefusals: readonly RefusalReason[] = [
  "mesh-name",
  "express-mode",
  "no-deployment-room",
  "no-tag-room",
  "roles-differ",
  "shared-family",
  "other-stage",
];

/**
 * With these, what the tags ask for is refused: a service that is in the mesh already goes on with what it runs with,
 * follows rotations and upgrades, and has a warning. Where it is unknown what it runs with, it is refused.
 */
export const refusedWishes: readonly RefusalReason[] = [
  "bad-tag",
  "namespace-not-allowed",
  "image-not-allowed",
  "identity-conflict",
  "role-shared",
  "namespace-not-ambient",
  "node-daemon",
];

/** What does not keep a service out of the mesh. */
export const warningNames = [
  "headroom",
  "no-log",
  "proxy-env",
  "slow-deployment",
  "kept",
  "mesh-name",
  "service-connect",
  "ports",
  "task-tags",
  "version-skew",
] as const;
export type WarningCode = (typeof warningNames)[number];

/** What is wrong with a thing that services in the mesh share. */
export const sharedProblemNames = [
  "role-shared",
  "identity-conflict",
  "namespace-not-ambient",
  "hostname-shared",
] as const;
export type SharedProblem = (typeof sharedProblemNames)[number];

/** Why a certificate of a root CA bundle is not a root that tasks can rely on now. */
export const certificateProblemNames = ["not-valid-yet", "expired", "intermediate", "leaf"] as const;
export type CertificateProblem = (typeof certificateProblemNames)[number];

/** Why no sweep reads a service that is in the mesh. */
export const orphanReasonNames = ["account", "region", "control-plane", "unreadable", "cluster-gone"] as const;
export type OrphanReason = (typeof orphanReasonNames)[number];

/** True for one of them: a later version may know others. */
export function isOrphanReason(text: string): text is OrphanReason {
  return orphanReasonNames.some((name) => name === text);
}

export type Refusal = {
  readonly reason: RefusalReason;
  /** Names the thing: the tag and its value, the container, the port. */
  readonly detail: string;
};

export type Warning = {
  readonly code: WarningCode;
  readonly detail: string;
};
