import * as z from "zod";
import { AUTOPILOT } from "../../shared/rollout/wish.ts";
import type { Lab } from "../autopilot/lab.ts";
import { IMAGE, IMAGE_PARAMETER, images } from "./campaign-fleet.ts";
import type { CampaignResult } from "./campaign-result.ts";

/** The schedule of `rollout/request` sees a change whose event was lost; its call takes time, and so does a retry. */
const SEEN_WITHIN_MS = 8 * 60_000;
/** The autopilot may refuse others as too new for istiod, or as invalid: what they wish for is not known. */
const known: readonly string[] = [IMAGE, ...images.good.slice(0, 2), images.bad, images.badInOneRegion];

interface Wish {
  readonly image: string;
  readonly sinceMs: number;
}

/** A withdrawn wish starts no further roll: nor does one that has moved on. */
export async function wishViolations({
  lab,
  faultsEndedMs,
  isCalm,
}: Pick<CampaignResult, "lab" | "faultsEndedMs" | "isCalm">): Promise<readonly string[]> {
  const wishes = await wishesOf(lab);
  const broken = new Set<string>();
  for await (const { id, kind, requestedBy, target } of lab.ledger.listRollouts()) {
    if (kind !== "upgrade" || requestedBy !== AUTOPILOT || target.image === undefined) continue;
    for (const startedMs of rollStarts(lab, id)) {
      const seenMs = startedMs - SEEN_WITHIN_MS;
      if (!isCalm && seenMs < faultsEndedMs) continue;
      const inForce = wishes.findLastIndex(({ sinceMs }) => sinceMs <= seenMs);
      const recent = wishes.slice(Math.max(inForce, 0)).filter(({ sinceMs }) => sinceMs <= startedMs);
      if (inForce < 0 || recent.some(({ image }) => image === target.image || !known.includes(image))) continue;
      broken.add(`${id} starts a roll to ${target.image}, and the fleet's image is ${recent.at(-1)?.image}`);
    }
  }
  return [...broken];
}

const inputSchema = z
  .object({ rollout: z.object({ id: z.string(), phase: z.string() }).nullish() })
  .catch({ rollout: null });
const outputSchema = z.object({ outcome: z.string() }).catch({ outcome: "" });

/** When the rollout's rolls forward have started, epoch milliseconds. One that found the rollout stopped is none. */
function rollStarts(lab: Lab, rolloutId: string): readonly number[] {
  return lab.stepFunctions.listExecutions({ stateMachineArn: lab.rollServiceArn }).flatMap((execution) => {
    const { rollout } = inputSchema.parse(JSON.parse(execution.input));
    const { outcome } = outputSchema.parse(JSON.parse(execution.output ?? "{}"));
    const isOurs = rollout?.id === rolloutId && rollout.phase === "forward" && outcome !== "superseded";
    return isOurs ? [execution.startDate.getTime()] : [];
  });
}

const parameterSchema = z.object({ Parameter: z.object({ Value: z.string(), LastModifiedDate: z.number() }) });

/** What the fleet's image should be, from when on. */
async function wishesOf(lab: Lab): Promise<readonly Wish[]> {
  const { config } = lab;
  const wishes: Wish[] = [{ image: config.ztunnel.image, sinceMs: 0 }];
  if (config.ztunnel.imageParameter === undefined) return wishes;
  const at = { account: config.homeAccount, region: config.homeRegion };
  for (let version = 1; ; version += 1) {
    try {
      const found = await lab.call(at, "GetParameter", { Name: `${IMAGE_PARAMETER}:${version}` }, "AmazonSSM");
      const { Parameter } = parameterSchema.parse(found);
      wishes.push({ image: Parameter.Value, sinceMs: Parameter.LastModifiedDate * 1000 });
    } catch (error) {
      if (error instanceof Error && /could not find version|not found/.test(error.message)) return wishes;
      throw error;
    }
  }
}
