import * as z from "zod";
import type { ServiceRef } from "../base/arn.ts";
import type { JsonObject } from "../base/json.ts";
import type { DriftReason, Refusal, Warning } from "./reasons.ts";

/** Tags by key. */
export type Tags = Readonly<Record<string, string>>;

/** What a control plane says about its mesh: what a bootstrap token is made of. */
export const meshFactsSchema = z.strictObject({
  controlPlane: z.string().min(1),
  istiodUrl: z.url(),
  /** The root CA bundle: one PEM certificate or, during a rotation, several. */
  rootCaPem: z.string().min(1),
  network: z.string().min(1),
  istiodVersion: z.string().optional(),
  readAt: z.iso.datetime(),
});
export type MeshFacts = z.infer<typeof meshFactsSchema>;

/** Mesh facts by what a token is made of: equal tokens for equal tags, equal ids. */
export interface MeshGeneration {
  readonly id: string;
  readonly facts: MeshFacts;
}

/** Kubernetes namespace and service account, bound to one IAM role. */
export interface WorkloadIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly roleArn: string;
}

export type TokenPlatform = "ecs" | "ecs-ec2";

/** What a service's tags, with its cluster's tags as defaults, ask for. */
export interface TagRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly hostname: string;
  readonly ports: string;
  readonly platform: TokenPlatform;
  readonly external: boolean;
  readonly proxyEnv: boolean;
  readonly image: string | undefined;
  readonly canary: boolean;
}

/** A deployment as DescribeServices tells it. */
export interface Deployment {
  readonly id: string;
  readonly status: "PRIMARY" | "ACTIVE" | "INACTIVE";
  readonly taskDefinitionArn: string;
  readonly rolloutState: "IN_PROGRESS" | "COMPLETED" | "FAILED" | undefined;
  readonly rolloutStateReason: string | undefined;
  readonly failedTasks: number;
  readonly desiredCount: number;
  readonly runningCount: number;
}

/** A service as DescribeServices tells it, reduced to what decisions need. */
export interface ObservedService {
  readonly ref: ServiceRef;
  readonly status: string;
  /** The PRIMARY deployment's task definition: what the service is meant to run now. */
  readonly taskDefinitionArn: string;
  readonly deploymentController: string;
  readonly deploymentStrategy: string;
  readonly hasPauseHook: boolean;
  readonly launchType: "FARGATE" | "EC2" | "EXTERNAL" | undefined;
  /** Fargate platform version as set: `LATEST`, `1.4.0` …; undefined on EC2. */
  readonly platformVersion: string | undefined;
  readonly desiredCount: number;
  readonly deployments: readonly Deployment[];
  readonly tags: Tags;
}

/** A task definition as described: raw and lossless, with its tags beside it. */
export interface DescribedTaskDefinition {
  readonly taskDefinitionArn: string;
  /** The raw `taskDefinition` member, with its read-only fields. */
  readonly raw: JsonObject;
  readonly tags: readonly { readonly key: string; readonly value: string }[];
}

/** Where the pinned bootstrap token of a service lies. */
export interface DesiredSecret {
  readonly secretName: string;
  /** SHA-256 of the token, in hex: the ClientRequestToken and the version's id. */
  readonly versionId: string;
}

/** What an enrolled service should be. The token itself is not part of it: it never leaves the function that writes it. */
export interface DesiredEnrollment {
  readonly identity: WorkloadIdentity;
  readonly request: TagRequest;
  readonly secret: DesiredSecret;
  readonly image: string;
  readonly executionRoleArn: string;
  /** Tags that istiod reads and that the service lacks. */
  readonly missingTags: Tags;
}

/** Why a service leaves the mesh. */
export type UnenrollReason = "tag-removed" | "tag-false" | "fleet-unenrolled";

/**
 * Why nothing is to be done. `awaits-rollout`: all that differs is a change of the whole fleet, which comes in waves.
 */
export type NoneReason = "not-enrolled" | "as-desired" | "awaits-rollout" | "fleet-unenrolled";

export type Decision =
  | { readonly action: "none"; readonly reason: NoneReason; readonly warnings: readonly Warning[] }
  | { readonly action: "refuse"; readonly refusals: readonly [Refusal, ...Refusal[]] }
  | {
      readonly action: "enroll" | "update";
      readonly drift: readonly DriftReason[];
      readonly desired: DesiredEnrollment;
      readonly warnings: readonly Warning[];
    }
  | { readonly action: "unenroll"; readonly reason: UnenrollReason };
