import { serviceRef } from "../../shared/base/arn.ts";
import type { Rollout, RolloutService } from "../../shared/model/rollout.ts";
import type { CampaignResult } from "./campaign-result.ts";

/** A tenant's tags never change the outcome of others' services: what they break decides nothing for the rollout. */
export async function tenantViolations({ lab }: Pick<CampaignResult, "lab">): Promise<readonly string[]> {
  const broken: string[] = [];
  const { homeAccount, homeRegion, policy } = lab.config;
  for await (const rollout of lab.ledger.listRollouts()) {
    const services = await Array.fromAsync(lab.ledger.listRolloutServices(rollout.id));
    broken.push(...countedOfOwners(rollout, services), ...unableCanaries(rollout, services));
    const { code, detail = "" } = rollout.reason ?? {};
    // Only the policy's alarms stop a rollout. Those of the campaign are in the home region.
    const isPolicys = policy.rollout.alarms.some(({ name }) => detail.startsWith(name));
    if (code === "alarm-fired" && !(isPolicys && detail.includes(`${homeAccount}/${homeRegion}`)))
      broken.push(`the rollout ${rollout.id} was stopped by an alarm of a service's tag: ${detail}`);
  }
  return broken;
}

/** What ztunnel's image breaks, where the service's own tag names the image. */
const IMAGES_FAULT = /^(image-unavailable|ztunnel-unhealthy)$/;

function countedOfOwners({ id, failedOrdinals }: Rollout, services: readonly RolloutService[]): readonly string[] {
  const counted = services.filter(({ ordinal }) => failedOrdinals.includes(ordinal));
  return counted.flatMap(({ serviceArn, unfit, ownImage, reason = "" }) => {
    const isOwners = unfit !== undefined || reason === "alarm-fired" || (ownImage && IMAGES_FAULT.test(reason));
    const who = serviceRef(serviceArn).serviceName;
    return isOwners ? [`${who} counts against the budget of ${id}, by its owner's fault: ${unfit ?? reason}`] : [];
  });
}

/** A service that its owner broke is not a canary of the rollout's own choice. */
function unableCanaries({ id, waves }: Rollout, services: readonly RolloutService[]): readonly string[] {
  const chosen = waves.flatMap(({ chosenOrdinals = [] }) => chosenOrdinals);
  const unable = services.filter(({ ordinal, unfit }) => chosen.includes(ordinal) && unfit !== undefined);
  return unable.map(({ serviceArn }) => `${serviceRef(serviceArn).serviceName} is a chosen canary of ${id}, and unfit`);
}
