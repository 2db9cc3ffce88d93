import { heldStatuses } from "../../shared/model/rollout.ts";
import type { Lab } from "../autopilot/lab.ts";
import { type CampaignContext, put, setAlarm } from "./actions.ts";
import { emergencyOf } from "./emergency-invariants.ts";

/** Operators resume and approve rollouts for this long. */
const ATTENDED_MINUTES = 240;
/** An emergency is repeated while tasks are cut off, at last every hour: what only needed time is over by then. */
const EMERGENCY_MINUTES = 8 * 60;
/** The autopilot needs less than this to finish by itself, with freeze windows, delays and leases. */
const MAX_MINUTES = 48 * 60;
const STEP_MINUTES = 16;

/**
 * Lets time pass without faults until no roll and no rollout makes progress by itself. Operators resume and approve
 * rollouts, or leave them waiting. Returns false when the lab doesn't settle.
 */
export async function settle(context: CampaignContext): Promise<boolean> {
  const { lab, random, actors, record } = context;
  for (const place of [...new Set(actors.services.map(({ account, region }) => `${account}/${region}`))]) {
    const [account = "", region = ""] = place.split("/");
    await setAlarm(lab, { account, region }, "OK");
  }
  const { homeAccount: account, homeRegion: region } = lab.config;
  await setAlarm(lab, { account, region }, "OK");
  const attended = random.chance(0.75);
  record(`faults have ended; operators ${attended ? "resume and approve rollouts" : "leave rollouts waiting"}`);
  let quiet = 0;
  for (let minutes = 0; minutes < MAX_MINUTES; minutes += STEP_MINUTES) {
    if (attended || minutes === 0) await resumeOrApprove(context, minutes);
    await lab.clock.sleep(STEP_MINUTES * 60_000);
    quiet = (await isQuiet(lab)) && !(await isContested(lab)) ? quiet + 1 : 0;
    const stillHeld = attended && minutes < ATTENDED_MINUTES && (await isHeld(lab));
    const isUrgent = minutes < EMERGENCY_MINUTES && (await isRepeated(lab));
    // Two consecutive sweeps found nothing to start.
    if (quiet >= 2 && !stillHeld && !isUrgent) return true;
  }
  return false;
}

async function isRepeated(lab: Lab): Promise<boolean> {
  for (const name of lab.controlPlanes.keys()) if ((await emergencyOf(lab, name)) === "goes-on") return true;
  return false;
}

/** After this, what two writers have changed in turns rests, and is rolled out unless it is refused. */
const RESTS_AFTER_MS = 75 * 60_000;

async function isContested({ ledger, clock }: Lab): Promise<boolean> {
  const { sightings = {} } = await ledger.getFleet();
  return Object.values(sightings).some(
    ({ contestedSince, changedAtMs }) =>
      contestedSince !== undefined && (changedAtMs.at(-1) ?? 0) > clock.now() - RESTS_AFTER_MS,
  );
}

async function isHeld({ ledger }: Lab): Promise<boolean> {
  const { currentRolloutId: running } = await ledger.getFleet();
  const rollout = running === undefined ? undefined : await ledger.getRollout(running);
  return rollout !== undefined && (rollout.status === "paused" || rollout.status === "awaiting-approval");
}

async function resumeOrApprove({ lab, record, random }: CampaignContext, minutes: number): Promise<void> {
  const { currentRolloutId: running } = await lab.ledger.getFleet();
  const rollout = running === undefined ? undefined : await lab.ledger.getRollout(running);
  if (!rollout || minutes > ATTENDED_MINUTES) return;
  const action =
    rollout.status === "paused"
      ? "resume"
      : rollout.status === "awaiting-approval"
        ? random.pick(["approve", "rollback"])
        : "";
  if (action === "") return;
  record(`an operator asks ${rollout.id} to ${action}`);
  await put(lab, "Rollout Control", { rolloutId: rollout.id, action, requestedBy: "otto" });
}

/** True while no roll and no rollout makes progress by itself. */
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
