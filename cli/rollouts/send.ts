import { randomBytes } from "node:crypto";
import { AutopilotError } from "../../shared/base/errors.ts";
import { isJsonObject, type JsonObject } from "../../shared/base/json.ts";
import { operatorDetailTypes } from "../../shared/base/vocabulary.ts";
import { type RolloutControl, rolloutControlSchema, rolloutRequestSchema } from "../../shared/events/operator.ts";
import type { Rollout } from "../../shared/model/rollout.ts";
import { hasEnded } from "../../shared/use-cases/rollout/queue.ts";
import type { CliContext } from "../runtime/context.ts";
import { Refused } from "../runtime/exit-codes.ts";
import type { Operator } from "../runtime/operator.ts";

const TIMEOUT_MS = 30_000;
const POLL_MS = 500;

/** A new rollout's id. */
export function newRolloutId(kind: string): string {
  return `${kind}-${randomBytes(5).toString("hex")}`;
}

type SendCalls = Pick<Operator, "bus"> & { readonly ledger: Pick<Operator["ledger"], "getRollout"> };

/**
 * Requests a rollout on the bus and waits until the ledger has it, refused or not. Throws `Refused` when it does not
 * appear within 30 seconds.
 */
export async function sendRequest(
  request: JsonObject & { readonly rolloutId: string },
  calls: SendCalls,
  context: Pick<CliContext, "now" | "pause">,
): Promise<Rollout> {
  const detail = jsonOf(rolloutRequestSchema.parse(request));
  await calls.bus.putEvents([{ detailType: operatorDetailTypes.request, detail, resources: [] }]);
  return settled(
    request.rolloutId,
    () => true,
    { what: operatorDetailTypes.request, endedBefore: false },
    calls,
    context,
  );
}

/**
 * Sends an operator's action on a rollout, and waits until the ledger shows that it was handled. An ended rollout is
 * rolled back by a request, a running one by a control event. Throws like `sendRequest`.
 */
export async function sendControl(
  control: RolloutControl,
  before: Rollout,
  how: "request" | "control",
  calls: SendCalls,
  context: Pick<CliContext, "now" | "pause">,
): Promise<Rollout> {
  const { rolloutId, action, requestedBy } = control;
  const event =
    how === "request"
      ? { detailType: operatorDetailTypes.request, detail: { kind: "rollback", rolloutId, requestedBy } }
      : {
          detailType: operatorDetailTypes.control,
          detail: jsonOf(rolloutControlSchema.parse({ rolloutId, action, requestedBy })),
        };
  await calls.bus.putEvents([{ ...event, resources: [] }]);
  return settled(
    rolloutId,
    (now) => wasTaken(action, before, now),
    { what: event.detailType, endedBefore: hasEnded(before) },
    calls,
    context,
  );
}

/** The rollout shows that what was asked of it was taken, or needs no taking any more. */
export function wasTaken(action: RolloutControl["action"], before: Rollout, now: Rollout): boolean {
  if (now.journal.length > before.journal.length && now.journal.at(-1)?.did === action) return true;
  switch (action) {
    case "pause":
      return now.status === "paused" || now.control?.action === "pause";
    case "resume":
      return now.status !== "paused" && now.control?.action !== "pause";
    case "approve":
      return now.approved !== undefined;
    case "abort":
      return now.status === "aborted" || now.control?.action === "abort";
    case "rollback":
      return ["rolling-back", "rolled-back"].includes(now.status) || now.control?.action === "rollback";
  }
}

async function settled(
  id: string,
  holds: (rollout: Rollout) => boolean,
  { what, endedBefore }: { readonly what: string; readonly endedBefore: boolean },
  { ledger }: SendCalls,
  { now, pause }: Pick<CliContext, "now" | "pause">,
): Promise<Rollout> {
  const until = now() + TIMEOUT_MS;
  for (;;) {
    const rollout = await ledger.getRollout(id);
    if (rollout && holds(rollout)) return rollout;
    if (rollout && hasEnded(rollout) && !endedBefore)
      throw new AutopilotError("wrong-phase", `${id} has ended meanwhile: it is ${rollout.status}.`);
    if (now() >= until) break;
    await pause(POLL_MS);
  }
  throw new Refused(
    "no-answer",
    `\`${what}\` was sent for ${id}, but the ledger does not show within ${TIMEOUT_MS / 1000} s that it was taken.`,
    `It may still be: check with \`npm run autopilot -- rollout list\`. If it never is, check the dead letters of the bus's rules, and check --stage.`,
  );
}

function jsonOf(value: unknown): JsonObject {
  const json: unknown = JSON.parse(JSON.stringify(value));
  if (isJsonObject(json)) return json;
  throw new AutopilotError("unexpected-error", "A request is an object.");
}
