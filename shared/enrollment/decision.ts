import type { DriftReason, Refusal, RepairReason, Warning } from "../model/reasons.ts";
import type { Tags, WorkloadIdentity } from "../model/service.ts";
export type TokenPlatform = "ecs" | "ecs-ec2";

/** What a service's tags, with its cluster's tags as defaults, ask for. */
export interface TagRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly hostname: string;
  /** Undefined without a tag: the ports are taken from the task definition. */
  readonly ports: string | undefined;
  readonly platform: TokenPlatform;
  readonly external: boolean;
  readonly proxyEnv: boolean;
  readonly image: string | undefined;
  readonly canary: boolean;
}

/** Where the pinned bootstrap token of a service lies. */
export interface DesiredSecret {
  readonly secretName: string;
  /** SHA-256 of the token, in hex: the ClientRequestToken and the version's id. */
  readonly versionId: string;
}

/**
 * What an enrolled service should be. The token itself is not part of it: it never leaves the function that writes it.
 */
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
export type NoneReason =
  | "not-enrolled"
  | "as-desired"
  | "awaits-rollout"
  | "fleet-unenrolled"
  | "fleet-adopting"
  | "tag-key-changed";

interface Change {
  readonly action: "enroll" | "update";
  readonly drift: readonly DriftReason[];
  readonly desired: DesiredEnrollment;
  readonly warnings: readonly Warning[];
  /** What it lacks beside. A roll puts it right as well: this is for a service that has to wait for its roll. */
  readonly repairs: readonly RepairReason[];
}

export type Decision =
  | {
      readonly action: "none";
      readonly reason: NoneReason;
      readonly warnings: readonly Warning[];
      /** What a service in the mesh lacks outside of its task definition, to be corrected without a roll. */
      readonly repairs: readonly RepairReason[];
      /** No entry of the control plane can prove a task: a roll that only verifies would be in vain. */
      readonly unprovable?: boolean;
      /** What it lacks while a restored ledger adopts what runs. */
      readonly waiting?: Change;
    }
  | { readonly action: "refuse"; readonly refusals: readonly [Refusal, ...Refusal[]] }
  | Change
  | { readonly action: "unenroll"; readonly reason: UnenrollReason };
