import type { EcsService } from "@ztunnel-autopilot/simulator";
import { objectAt, textAt } from "../../shared/base/json-fields.ts";
import { tagKeys } from "../../shared/base/vocabulary.ts";
import { controlPlaneFor } from "../../shared/config/config.ts";
import { findSidecar } from "../../shared/data-plane/ztunnel/index.ts";
import { type TokenIdentity, tokenIdentityOf } from "../../shared/enrollment/wish.ts";
import type { CampaignResult } from "./campaign-result.ts";

/**
 * A service that is as desired is known to istiod, and so is each of its tasks under the service's own identity. A task
 * that started while istiod was in trouble may be unknown to it until it stops. A service that goes on with another
 * identity than its tags ask for gets the tags of its identity by its next roll.
 */
export function unknownTasks({ lab, faultsEndedMs, isCalm }: CampaignResult, service: EcsService): readonly string[] {
  const { definition = {} } = service.deployments[0]?.revision ?? {};
  const sidecar = findSidecar(definition);
  const identity = sidecar.kind === "ours" ? tokenIdentityOf(sidecar.secretValueFrom) : undefined;
  const [, , , region = "", account = ""] = service.arn.split(":");
  const plane = lab.controlPlanes.get(controlPlaneFor(lab.config, { account, region })?.name ?? "");
  if (!identity || !plane || !asksFor(identity, service)) return [];
  const objects = plane.state();
  const entries = objects.filter(({ kind }) => kind === "WorkloadEntry");
  const isKnown = objects.some(
    (object) =>
      object.kind === "ServiceEntry" &&
      objectAt(object, "metadata").namespace === identity.namespace &&
      annotationOf(object, "ecs.solo.io/arn") === service.arn,
  );
  const unknown = isKnown ? [] : ["is as desired, and istiod has no ServiceEntry for it"];
  const unknownTasks = [...service.tasks].flatMap(({ arn, lastStatus, createdAtMs }) => {
    if (lastStatus !== "RUNNING") return [];
    const entry = entries.find((one) => annotationOf(one, "ecs.solo.io/arn") === arn);
    if (!entry) {
      return isCalm || createdAtMs > faultsEndedMs ? [`is as desired, and istiod does not know its task ${arn}`] : [];
    }
    const known = `${textAt(objectAt(entry, "metadata"), "namespace")}/${textAt(objectAt(entry, "spec"), "serviceAccount")}`;
    const own = `${identity.namespace}/${identity.serviceAccount}`;
    // Tags of tasks are compared once the deployment has completed: until then tasks come and go.
    const isSettled = service.deployments[0]?.rolloutState === "COMPLETED";
    // By this policy they are only reported.
    const isLeft = lab.config.policy.taskTags === "next-deployment";
    return known === own || !isSettled || isLeft
      ? []
      : [`is as desired as ${own}, and istiod knows its task ${arn} as ${known}`];
  });
  return [...unknown, ...unknownTasks];
}

function asksFor({ namespace, serviceAccount }: TokenIdentity, { tags }: EcsService): boolean {
  return tags.get(tagKeys.namespace) === namespace && tags.get(tagKeys.serviceAccount) === serviceAccount;
}

function annotationOf(entry: Parameters<typeof objectAt>[0], key: string): string | undefined {
  return textAt(objectAt(objectAt(entry, "metadata"), "annotations"), key);
}
