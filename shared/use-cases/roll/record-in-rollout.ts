import type { ServicePatch, ServiceState } from "../../model/service-state.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { RollOrder } from "../../rollout/steps.ts";
import type { Ending } from "./ending.ts";
import { imagePatch, ordinalsJoined, rolloutServicePatch, rolloutStatus } from "./rollout-record.ts";

export interface RecordCalls {
  readonly ledger: Pick<RolloutLedger, "getRollout" | "getRolloutService" | "patchRolloutService" | "changeRollout">;
  readonly now: () => number;
}

/**
 * Records how a roll ended in the rollout that it belongs to, if it belongs to one. Returns what the service's own
 * state is to remember of it: the image that the rollout has given it, or the one that it had before. Safe to run again
 * until that is written.
 */
export async function recordInRollout(
  ending: Ending,
  state: ServiceState | undefined,
  { ledger, now }: RecordCalls,
): Promise<ServicePatch> {
  const { rollout, plan } = ending;
  if (!rollout) return {};
  const { id, ordinal, phase } = rollout;
  const adopted = await isAdopted(rollout, ending, ledger);
  const status = rolloutStatus(phase, ending, { adopted, unverified: state?.unverified !== undefined });
  const patch = rolloutServicePatch(phase, status, ending, state, now());
  // Another attempt at the service may have begun, or have ended, since this one: the record is that one's then.
  const service = await ledger.patchRolloutService(id, ordinal, { executionName: ending.executionName }, patch);
  if (!service) return {};
  await joinOrdinals(rollout, ordinalsJoined(phase, service), ledger);
  const image = adopted ? (await ledger.getRollout(id))?.target.image : plan?.rollout?.image;
  return imagePatch(status, image, service, now());
}

/** True where the rollout has the ending of the service's roll, or where the roll belongs to none. */
export async function isRecorded({ rollout }: Ending, ledger: RecordCalls["ledger"]): Promise<boolean> {
  const service = rollout && (await ledger.getRolloutService(rollout.id, rollout.ordinal));
  return service?.status !== "rolling" && service?.status !== "rolling-back";
}

/** An earlier roll of this rollout, stopped before its end, has given the service all that it should have. */
async function isAdopted(
  { id, ordinal, phase }: RollOrder,
  { reason }: Ending,
  ledger: RecordCalls["ledger"],
): Promise<boolean> {
  if (phase === "rollback" || reason !== "already-as-desired") return false;
  return (await ledger.getRolloutService(id, ordinal))?.toRevisionArn !== undefined;
}

async function joinOrdinals(
  { id, ordinal }: RollOrder,
  list: ReturnType<typeof ordinalsJoined>,
  ledger: RecordCalls["ledger"],
): Promise<void> {
  if (list === undefined) return;
  await ledger.changeRollout(id, (rollout) =>
    rollout[list].includes(ordinal)
      ? {}
      : { next: { ...rollout, [list]: [...rollout[list], ordinal].sort((a, b) => a - b) } },
  );
}
