import { endedStatuses } from "../../shared/model/rollout.ts";
import { stoppedBy } from "../../shared/rollout/emergency.ts";
import type { Lab } from "../autopilot/lab.ts";
import type { CampaignResult } from "./campaign-result.ts";

/** A repetition waits for an hour at most, for the next count, and for the next request. */
const LONGEST_PAUSE_MS = 80 * 60_000;

/**
 * How an emergency stands. `over`: nobody is cut off. `stopped`: an operator has stopped it. `held`: it waits for
 * somebody, or behind a rollout that does, or the fleet has left the mesh. `goes-on`: it is repeated.
 */
type Emergency = "over" | "stopped" | "held" | "goes-on";

/** An emergency ends with nobody cut off or an operator's stop: until then it is repeated. */
export async function emergencyViolations({ lab }: Pick<CampaignResult, "lab">): Promise<readonly string[]> {
  const broken: string[] = [];
  for (const name of lab.controlPlanes.keys()) {
    if ((await emergencyOf(lab, name)) !== "goes-on") continue;
    const { emergency } = (await lab.ledger.getMesh(name)) ?? {};
    const last = await lab.ledger.getRollout(emergency?.rolloutId ?? "");
    const pausedMs = lab.clock.now() - Date.parse(last?.finishedAt ?? new Date(lab.clock.now()).toISOString());
    if (!last || pausedMs > LONGEST_PAUSE_MS)
      broken.push(`${name}: ${emergency?.services} services are cut off, and ${last?.id ?? "nothing"} is not repeated`);
    for await (const { serviceArn, status } of lab.ledger.listRolloutServices(last?.id ?? "none")) {
      if (status === "succeeded" && emergency?.serviceArns.includes(serviceArn) && last?.finishedAt !== undefined)
        broken.push(`${name}: ${serviceArn} is cut off, and ${last.id} has rolled it`);
    }
  }
  return broken;
}

/** How the emergency of a control plane stands. */
export async function emergencyOf({ ledger }: Lab, controlPlane: string): Promise<Emergency> {
  const { emergency } = (await ledger.getMesh(controlPlane)) ?? {};
  if (!emergency) return "over";
  const { currentRolloutId, unenrolledBy } = await ledger.getFleet();
  const last = emergency.rolloutId === undefined ? undefined : await ledger.getRollout(emergency.rolloutId);
  if (last && stoppedBy(last)) return "stopped";
  // One rollout runs at a time: what is under way here waits for somebody.
  return unenrolledBy || currentRolloutId !== undefined || (last && !endedStatuses.includes(last.status))
    ? "held"
    : "goes-on";
}
