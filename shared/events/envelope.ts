import * as z from "zod";
import { parseServiceArn } from "../base/arn.ts";
import type { DeploymentEventName } from "../base/vocabulary.ts";

/** The members of every EventBridge event that are read here. */
export const envelopeSchema = z.object({
  source: z.string().min(1),
  "detail-type": z.string().min(1),
  account: z.string().regex(/^\d{12}$/, "an account id of 12 digits"),
  region: z.string().min(1),
  resources: z.array(z.string()).default([]),
  detail: z.record(z.string(), z.unknown()),
});
export type Envelope = z.infer<typeof envelopeSchema>;

export const ignoredReasons = [
  "unknown-event-kind",
  "unknown-event-name",
  /** ECS can't tag services with short ARNs, so they can't be enrolled. */
  "short-service-arn",
  "not-a-service",
  "not-a-service-task",
  "task-not-stopped",
  "call-failed",
  "parameter-deleted",
  "other-secret-label",
] as const;
export type IgnoredReason = (typeof ignoredReasons)[number];

export interface StoppedContainer {
  readonly name: string;
  readonly lastStatus: string;
  readonly exitCode?: number | undefined;
  readonly reason?: string | undefined;
}

/** What an event asks for. */
export type Incoming =
  | { readonly kind: "reconcile-service"; readonly serviceArn: string; readonly cause: string }
  /** A cluster's tags changed: all its services are to be reconciled. */
  | { readonly kind: "reconcile-cluster"; readonly clusterArn: string; readonly cause: string }
  | {
      readonly kind: "deployment";
      readonly serviceArn: string;
      readonly deploymentId: string;
      readonly eventName: DeploymentEventName;
      readonly reason: string;
    }
  | {
      readonly kind: "task-stopped";
      readonly serviceArn: string;
      readonly taskArn: string;
      readonly taskDefinitionArn: string;
      readonly containers: readonly StoppedContainer[];
      readonly stopCode: string | undefined;
      readonly stoppedReason: string | undefined;
    }
  | {
      readonly kind: "image-parameter-changed";
      readonly account: string;
      readonly region: string;
      readonly parameterName: string;
    }
  /** `controlPlane` undefined: read all. */
  | { readonly kind: "root-ca-rotated"; readonly controlPlane: string | undefined }
  | { readonly kind: "ignored"; readonly reason: IgnoredReason; readonly detail: string };

/** An event after which there is nothing to do, with the reason. */
export function ignored(reason: IgnoredReason, detail: string): Incoming {
  return { kind: "ignored", reason, detail };
}

/** What `found` makes of a service's long-format ARN. With any other ARN the event is ignored. */
export function forService(arn: string, found: (serviceArn: string) => Incoming): Incoming {
  if (parseServiceArn(arn)) return found(arn);
  return ignored(/:service\/[^/]+$/.test(arn) ? "short-service-arn" : "not-a-service", arn);
}

/** The request to reconcile what the ARN names: a service, or a cluster with its services. */
export function reconcileRequest(arn: string, cause: string): Incoming {
  if (CLUSTER_ARN.test(arn)) return { kind: "reconcile-cluster", clusterArn: arn, cause };
  return forService(arn, (serviceArn) => ({ kind: "reconcile-service", serviceArn, cause }));
}

const CLUSTER_ARN = /^arn:aws[\w-]*:ecs:[a-z0-9-]+:\d{12}:cluster\/[\w-]{1,255}$/;
/** A cluster's ARN. */
export const clusterArnSchema = z.string().regex(CLUSTER_ARN, "a cluster's ARN");
