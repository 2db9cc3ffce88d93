/** The sentences for people about every reason that reasons.ts names, and for a refusal the fix. */
import type {
  CertificateProblem,
  DriftReason,
  OrphanReason,
  RefusalReason,
  SharedProblem,
  WarningCode,
} from "./reasons.ts";

export const driftReasons = {
  "sidecar-missing": "The task definition has no ztunnel container.",
  image: "The ztunnel container runs another image.",
  token: "The ztunnel container starts from another bootstrap token.",
  "token-in-plain-text": "The bootstrap token stands in plain text in the task definition.",
  "health-check": "The ztunnel container's health check or start timeout differs.",
  "log-configuration": "The ztunnel container's log configuration differs.",
  "container-settings": "Another setting of the ztunnel container differs.",
  dependency: "A container does not wait until ztunnel is healthy.",
  "proxy-env": "The proxy environment differs from the tag proxy-env.",
  identity: "The tags that istiod reads differ from the identity in the token.",
  ports: "The service lacks the tag ecs.solo.io/ports, or it differs from the task definition or the cluster's tag.",
  discovery: "The cluster had lost the tag ecs.solo.io/discovery-enabled, so istiod knew none of its tasks.",
  "task-tags": "Running tasks carried other tags than istiod is to read of them.",
  binding: "The service account had lost its binding, so istiod gave its tasks no certificate.",
  secret: "The bootstrap token's secret was deleted, so no task could have started.",
  readers: "Somebody had edited who may read the bootstrap token's secret.",
  "propagate-tags": "The service no longer gave its tags to the tasks that it starts.",
} as const satisfies Readonly<Record<DriftReason, string>>;

export const refusals = {
  "network-mode": {
    sentence: "The task definition's network mode is not awsvpc.",
    fix: "Register a revision with networkMode awsvpc and give the service a network configuration.",
  },
  windows: {
    sentence: "The task definition is for Windows, ztunnel runs on Linux only.",
    fix: "Keep the service out of the mesh: take away its enroll tag.",
  },
  "deployment-controller": {
    sentence: "The service's deployments are controlled by CodeDeploy or an external controller.",
    fix: "Change the service to the ECS deployment controller (its BLUE_GREEN strategy replaces CodeDeploy).",
  },
  "app-mesh": {
    sentence: "The task definition has an App Mesh proxy configuration.",
    fix: "Take App Mesh's proxyConfiguration and Envoy container out of the task definition first.",
  },
  "foreign-ztunnel": {
    sentence: "The task definition has a container called ztunnel that is not a ztunnel sidecar.",
    fix: "Give that container another name.",
  },
  "port-collision": {
    sentence: "An application container uses a port that ztunnel needs.",
    fix: "Move the application away from the named port.",
  },
  "no-execution-role": {
    sentence: "The task definition has no execution role, so ECS cannot read the bootstrap token.",
    fix: "Set executionRoleArn. The autopilot allows that role to read the one secret.",
  },
  "no-task-role": {
    sentence: "The task definition has no task role, and ztunnel proves its identity with it.",
    fix: "Set taskRoleArn. It needs no permissions.",
  },
  "foreign-role": {
    sentence: "A role of the task definition is not an IAM role of the service's own account.",
    fix: "Set taskRoleArn and executionRoleArn to ARNs of roles of that account.",
  },
  "platform-version": {
    sentence: "The service's Fargate platform version is below 1.4.0.",
    fix: "Update the service to platform version LATEST or 1.4.0.",
  },
  "too-many-containers": {
    sentence: "The task definition has ten containers already, ECS allows no more.",
    fix: "Merge or remove a container.",
  },
  "definition-too-large": {
    sentence: "With the sidecar the task definition would be over 64 KB.",
    fix: "Shorten it: move environment variables to an environment file or to parameters.",
  },
  "dependency-cycle": {
    sentence: "The containers' dependencies leave no place for ztunnel.",
    fix: "Break the named cycle in dependsOn.",
  },
  "bad-tag": {
    sentence: "A tag's value is not valid.",
    fix: "Correct the named tag.",
  },
  "namespace-not-allowed": {
    sentence: "The Kubernetes namespace is not among the allowed ones.",
    fix: "Use an allowed namespace, or have the platform team add this one to allowedNamespaces.",
  },
  "image-not-allowed": {
    sentence: "The image that the tag names is not among the allowed ones.",
    fix: "Use an image of the fleet's repository, or have the platform team add this one to ztunnel.allowedImages.",
  },
  "roles-differ": {
    sentence: "Task role and execution role differ, and the configuration takes the identity from the execution role.",
    fix: "Set identityRole to task: a ztunnel proves its identity with the task role's credentials. Or use one role.",
  },
  "version-skew": {
    sentence: "The ztunnel image is of a newer version than istiod, which Istio does not support.",
    fix: "Upgrade istiod first, use an image of its version, or set policy.versionSkew to warn.",
  },
  "identity-conflict": {
    sentence: "The service account belongs to another role.",
    fix: "Use another service account, or the same role for all services of this one.",
  },
  "role-shared": {
    sentence: "The role belongs to another service account already, and certificates would carry both names.",
    fix: "Use a role of its own, or the same service account; or set policy.sharedRoles to warn.",
  },
  "namespace-not-ambient": {
    sentence: "The Kubernetes namespace exists and is not in the ambient mesh.",
    fix: "Label it by the named command, or set policy.labelNamespaces to have the autopilot do it.",
  },
  "service-not-active": {
    sentence: "The service is not ACTIVE.",
    fix: "Nothing to do when it is being deleted.",
  },
  "mesh-name": {
    sentence: "Kubernetes refuses a name that istiod makes of the service, so istiod would not know its tasks.",
    fix: "Change the named name, or set policy.nameRules to warn if your version of istiod writes other names.",
  },
  "node-daemon": {
    sentence: "The tag for the platform asks for ztunnel as a daemon of the instance, which the autopilot does not do.",
    fix: "Set the tag to ecs, or take it away.",
  },
  "express-mode": {
    sentence: "The service is one of Express Mode: ECS itself writes its task definitions.",
    fix: "Keep it out of the mesh, or create it as an ordinary service.",
  },
  "no-deployment-room": {
    sentence: "The deployment configuration lets ECS neither stop nor start a task.",
    fix: "Raise maximumPercent or lower minimumHealthyPercent of the service.",
  },
  "no-tag-room": {
    sentence: "The service or its cluster has as many tags as AWS allows, and lacks some that istiod reads.",
    fix: "Take tags away that nobody needs.",
  },
  "shared-family": {
    sentence:
      "Others use the service's task definition family: a revision with the service's identity would become their latest.",
    fix: "Give the service a family of its own, or have the platform team set policy.sharedFamilies.",
  },
  "no-control-plane": {
    sentence: "No control plane serves this account and region.",
    fix: "Have the platform team add the account and region to autopilot.config.ts.",
  },
  "other-stage": {
    sentence: "The service is tagged for two stages: both would give it a sidecar, in turns.",
    fix: "Take the enroll tag of one of them away.",
  },
} as const satisfies Readonly<Record<RefusalReason, { sentence: string; fix: string }>>;

export const warnings = {
  headroom:
    "The other containers leave ztunnel less CPU or memory than policy.minHeadroom. ztunnel.cpu gives it a share of its own.",
  "no-log": "ztunnel logs nowhere: no container of the task has a log that it could use.",
  "proxy-env":
    "Not all outbound traffic of the application goes through the mesh, though its tag proxy-env asks for it.",
  "slow-deployment":
    "The deployment strategy or a pause hook makes each roll of the service slow: its deadline is longer by that time.",
  kept: "The service is in the mesh and stays there, but it would be refused today.",
  "mesh-name": "Kubernetes may refuse a name that istiod makes of the service.",
  "service-connect": "Tasks have the proxy of Service Connect beside ztunnel.",
  ports: "The mesh may lead to ports on which no container listens.",
  "task-tags": "Running tasks carry other tags than istiod is to read of them: they get them by the next deployment.",
  "version-skew": "The ztunnel image's version differs from istiod's.",
} as const satisfies Readonly<Record<WarningCode, string>>;

/** Problems of what services in the mesh share, and what to do: they stay in the mesh meanwhile. */
export const sharedProblems = {
  "role-shared": {
    sentence: "A role has several service accounts, so certificates carry all of their names.",
    fix: "Give each service account a role of its own.",
  },
  "identity-conflict": {
    sentence: "A service account is bound to another role as well, so istiod may refuse its tasks' certificates.",
    fix: "Take away the named annotation.",
  },
  "namespace-not-ambient": {
    sentence: "A namespace of services in the mesh is not in the ambient mesh any more.",
    fix: "Label it by the named command, or set policy.labelNamespaces to have the autopilot do it.",
  },
  "hostname-shared": {
    sentence: "Services of different identities have one hostname, so traffic to it may reach any of them.",
    fix: "Give each of them a hostname of its own, by the tag ecs.solo.io/hostname.",
  },
} as const satisfies Readonly<Record<SharedProblem, { sentence: string; fix: string }>>;

/** Why nobody keeps a service in the mesh, behind its name. */
export const orphanReasons = {
  account: "its account is not in the configuration",
  region: "its region is not in the configuration",
  "control-plane": "no control plane of the configuration serves it",
  unreadable: "it can't be read: its account refuses the autopilot",
  "cluster-gone": "its cluster is gone",
} as const satisfies Readonly<Record<OrphanReason, string>>;

/** What to do about any of them. */
export const ORPHAN_FIX =
  "Put the account, region or control plane back into the configuration, or let the autopilot in again: the next sweep keeps the service again. One that is gone for good: `npm run autopilot -- release SERVICE`.";

/** What is wrong with a certificate of a root CA bundle, behind its name. */
export const certificateProblems = {
  "not-valid-yet": "is not valid yet",
  expired: "has expired",
  intermediate: "is an intermediate, not a root: publish the root that has signed it",
  leaf: "is not a certificate authority: no certificate that it has signed is valid",
} as const satisfies Readonly<Record<CertificateProblem, string>>;
