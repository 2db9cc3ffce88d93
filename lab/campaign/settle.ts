import { heldStatuses } from "../../shared/model/rollout.ts";
import type { Lab } from "../autopilot/lab.ts";
import { type CampaignContext, put, setAlarm } from "./actions.ts";

/** An operator looks after what waits for this long; the rest stays as it is. */
const TENDED_MINUTES = 240;
/** Nothing that the autopilot does by itself takes longer than this: freeze windows, delays, leases included. */
const LONGEST_MINUTES = 48 * 60;
const STEP_MINUTES = 16;

/**
 * Lets time pass, without faults, until nothing happens any more: no roll, no rollout that goes on by itself. Operators
 * resume and approve what waits, or leave it. Returns false when it does not come to rest.
 */
export async function settle(scene: CampaignContext): Promise<boolean> {
  const { lab, dice, people, tell } = scene;
  for (const place of [...new Set(people.services.map(({ account, region }) => `${account}/${region}`))]) {
    const [account = "", region = ""] = place.split("/");
    await setAlarm(lab, { account, region }, "OK");
  }
  const { homeAccount: account, homeRegion: region } = lab.config;
  await setAlarm(lab, { account, region }, "OK");
  const tended = dice.chance(0.75);
  tell(`faults have ended; operators ${tended ? "resume and approve what waits" : "leave what waits"}`);
  let quiet = 0;
  for (let minutes = 0; minutes < LONGEST_MINUTES; minutes += STEP_MINUTES) {
    if (tended || minutes === 0) await tend(scene, minutes);
    await lab.clock.sleep(STEP_MINUTES * 60_000);
    quiet = (await isQuiet(lab)) ? quiet + 1 : 0;
    const left = tended && minutes < TENDED_MINUTES && (await isHeld(lab));
    // Two sweeps in a row have found nothing to start.
    if (quiet >= 2 && !left) return true;
  }
  return false;
}

async function isHeld({ ledger }: Lab): Promise<boolean> {
  const { currentRolloutId: running } = await ledger.getFleet();
  const rollout = running === undefined ? undefined : await ledger.getRollout(running);
  return rollout !== undefined && (rollout.status === "paused" || rollout.status === "awaiting-approval");
}

async function tend({ lab, tell, dice }: CampaignContext, minutes: number): Promise<void> {
  const { currentRolloutId: running } = await lab.ledger.getFleet();
  const rollout = running === undefined ? undefined : await lab.ledger.getRollout(running);
  if (!rollout || minutes > TENDED_MINUTES) return;
  const action =
    rollout.status === "paused"
      ? "resume"
      : rollout.status === "awaiting-approval"
        ? dice.pick(["approve", "rollback"])
        : "";
  if (action === "") return;
  tell(`an operator asks ${rollout.id} to ${action}`);
  await put(lab, "Rollout Control", { rolloutId: rollout.id, action, requestedBy: "otto" });
}

/** No roll is under way, and no rollout that goes on by itself. */
async function isQuiet(lab: Lab): Promise<boolean> {
  const { stepFunctions, ledger } = lab;
  const rolls = stepFunctions.listExecutions({ stateMachineArn: lab.rollServiceArn, statusFilter: "RUNNING" });
  if (rolls.length > 0) return false;
  for await (const { roll } of ledger.listServices()) if (roll) return false;
  const { currentRolloutId: running } = await ledger.getFleet();
  if (running === undefined) {
    return stepFunctions.listExecutions({ stateMachineArn: lab.rollFleetArn, statusFilter: "RUNNING" }).length === 0;
  }
  const rollout = await ledger.getRollout(running);
  return rollout !== undefined && rollout.status !== "frozen" && heldStatuses.includes(rollout.status);
}
