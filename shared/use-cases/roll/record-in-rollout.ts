import { failedStatuses, type RolloutService, type RolloutServiceStatus } from "../../model/rollout.ts";
import type { RollOutcome, ServicePatch, ServiceState } from "../../model/service-state.ts";
import type { RolloutLedger } from "../../ports/ledger.ts";
import type { ApplyPlan, FinishInput } from "./steps.ts";

/** How a roll ended. */
export interface Ending {
  readonly outcome: RollOutcome;
  readonly reason: string;
  readonly sentence: string;
  readonly plan: ApplyPlan | undefined;
}

export interface RecordCalls {
  readonly ledger: Pick<RolloutLedger, "getRollout" | "getRolloutService" | "patchRolloutService" | "changeRollout">;
  readonly now: () => number;
}

/**
 * Notes a roll's end in the rollout that it belongs to, if it does. Returns what the service's own state is to remember of
 * it: the image that the rollout has given it, or the one that it had before. Run again before that is written it does the
 * same.
 */
export async function recordInRollout(
  input: FinishInput,
  ending: Ending,
  state: ServiceState | undefined,
  calls: RecordCalls,
): Promise<ServicePatch> {
  const { rollout, watch } = input;
  if (!rollout) return {};
  const { ledger, now } = calls;
  const { id, ordinal } = rollout;
  const { reason, sentence, plan } = ending;
  const back = rollout.phase === "rollback";
  const adopted = !back && reason === "already-as-desired" && (await isAdopted(id, ordinal, ledger));
  const status = adopted ? "succeeded" : back ? statusBack(ending) : statusForward(ending);
  const changed = status === "succeeded" && plan !== undefined && watch !== null;
  const startedAtMs = plan?.startedAtMs;
  const service = await ledger.patchRolloutService(id, ordinal, {
    status,
    reason,
    ...(sentence && { detail: sentence.slice(0, 1000) }),
    finishedAt: new Date(now()).toISOString(),
    ...(startedAtMs !== undefined && {
      startedAt: new Date(startedAtMs).toISOString(),
      durationSeconds: Math.max(0, (now() - startedAtMs) / 1000),
    }),
    ...(changed &&
      !back && {
        fromRevisionArn: plan.pinnedRevisionArn,
        toRevisionArn: watch.targetRevisionArn,
        imageBefore: state?.image ?? null,
      }),
  });
  if (!back && failedStatuses.includes(status)) await add(id, ordinal, "failedOrdinals", ledger);
  if (status === "stuck") await add(id, ordinal, "stuckOrdinals", ledger);
  const image = adopted ? (await ledger.getRollout(id))?.target.image : plan?.rollout?.image;
  return imagePatch(status, image, service, calls);
}

/** True where the rollout has the end of the service's roll, or where the roll belongs to none. */
export async function isRecorded({ rollout }: FinishInput, ledger: RecordCalls["ledger"]): Promise<boolean> {
  const service = rollout && (await ledger.getRolloutService(rollout.id, rollout.ordinal));
  return service?.status !== "rolling" && service?.status !== "rolling-back";
}

/** An earlier roll of this rollout, whose execution was stopped before its end, has given the service what it should have. */
async function isAdopted(id: string, ordinal: number, ledger: RecordCalls["ledger"]): Promise<boolean> {
  return (await ledger.getRolloutService(id, ordinal))?.toRevisionArn !== undefined;
}

async function add(
  id: string,
  ordinal: number,
  to: "failedOrdinals" | "stuckOrdinals",
  ledger: RecordCalls["ledger"],
): Promise<void> {
  await ledger.changeRollout(id, (rollout) =>
    rollout[to].includes(ordinal)
      ? {}
      : { next: { ...rollout, [to]: [...rollout[to], ordinal].sort((a, b) => a - b) } },
  );
}

function statusForward({ outcome, reason }: Ending): RolloutServiceStatus {
  if (outcome !== "superseded") return outcome;
  if (reason === "already-as-desired" || reason === "service-not-found") return "skipped";
  return reason === "rollout-stopped" ? "waiting" : "superseded";
}

function statusBack({ outcome, reason }: Ending): RolloutServiceStatus {
  if (outcome === "succeeded") return "rolled-back";
  if (outcome !== "superseded") return "stuck";
  if (reason === "already-as-desired") return "rolled-back";
  // Not taken back yet: another roll has the service.
  return reason === "roll-in-progress" ? "succeeded" : "left";
}

/** Somebody's deployment since has the rollout's image, too: it is corrected by the next look. */
function imagePatch(
  status: RolloutServiceStatus,
  image: string | null | undefined,
  { imageBefore }: RolloutService,
  { now }: RecordCalls,
): ServicePatch {
  if (status === "succeeded" && image) return { image: { image, assignedAtMs: now() } };
  if (status === "rolled-back" || status === "left" || status === "stuck") return { image: imageBefore ?? null };
  return {};
}
