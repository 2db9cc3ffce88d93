import type { ServiceRef } from "../../base/arn.ts";
import { AutopilotError, asAutopilotError, type FailureCode } from "../../base/errors.ts";
import { textAt } from "../../base/json-fields.ts";
import type { ObservedService } from "../../model/service.ts";
import type { ServiceState } from "../../model/service-state.ts";
import { registerable } from "../../model/task-definition.ts";
import type { EcsCalls } from "../../ports/ports.ts";
import type { RecordProgress } from "./apply-context.ts";
import { type RegisterCalls, registerOnce } from "./register-once.ts";
import { secretOfRevision } from "./secrets-in-use.ts";
import type { ApplyPlan } from "./steps.ts";

export interface WayBackCalls {
  readonly ecs: RegisterCalls & Pick<EcsCalls, "updateService">;
}

/** The service as ECS describes it after its return, with the revision and the secret version that it has now. */
export interface Returned {
  readonly service: ObservedService;
  readonly revisionArn: string;
  readonly secretInUse: string | null;
}

/**
 * Updates the service to the first revision that can be had and that ECS takes: the pinned one, the last good one, the
 * one that was observed. A revision that was deregistered is registered again from its content; one that was deleted,
 * or that ECS refuses for the service of today, is followed by the next. Each is recorded before it is tried. Throws
 * `no-way-back` with what was tried, or another error of its calls.
 */
export async function returnService(
  ref: ServiceRef,
  back: {
    readonly plan: ApplyPlan;
    readonly state: ServiceState;
    readonly propagateTags: "NONE" | "TASK_DEFINITION" | undefined;
    readonly record: RecordProgress;
  },
  calls: WayBackCalls,
): Promise<Returned> {
  const { plan, state, propagateTags, record } = back;
  const refused: string[] = [];
  for (const choice of choicesOf(plan, state)) {
    try {
      const { revisionArn, secretInUse } = await usableRevision(choice, state, calls.ecs);
      await record({ revertRevisionArn: revisionArn, revertSecret: secretInUse });
      const change = { taskDefinitionArn: revisionArn, ...(propagateTags && { propagateTags }) };
      return { service: await calls.ecs.updateService(ref, change), revisionArn, secretInUse };
    } catch (error) {
      const { code, detail } = asAutopilotError(error);
      // Any other reason, as a lost lease or a denied call, holds for every revision.
      if (!asksForAnother.includes(code)) throw error;
      refused.push(`${choice.split("/").at(-1)}: ${code}: ${detail}`);
    }
  }
  throw new AutopilotError("no-way-back", refused.join("; "));
}

const asksForAnother: readonly FailureCode[] = ["task-definition-not-found", "registration-refused", "update-refused"];

/** Never the revision that has just failed. */
function choicesOf(
  { pinnedRevisionArn, observedRevisionArn }: ApplyPlan,
  { lastGoodRevisionArn, roll }: ServiceState,
): readonly string[] {
  const wanted = [pinnedRevisionArn, lastGoodRevisionArn, observedRevisionArn];
  const known = wanted.filter(
    (arn) => arn !== undefined && (arn === pinnedRevisionArn || arn !== roll?.targetRevisionArn),
  );
  return [...new Set(known)].filter((arn) => arn !== undefined);
}

/** The revision itself, or one that is registered now with its content. Throws `task-definition-not-found`. */
export async function usableRevision(
  revisionArn: string,
  state: ServiceState,
  ecs: RegisterCalls,
): Promise<Pick<Returned, "revisionArn" | "secretInUse">> {
  const described = await ecs.describeTaskDefinition(revisionArn, { fresh: true });
  const { raw, tags } = described;
  const secretInUse = secretOfRevision(raw);
  if (textAt(raw, "status") === "ACTIVE") return { revisionArn, secretInUse };
  const { taskDefinitionArn } = await registerOnce(registerable(raw, tags), described, state, ecs);
  return { revisionArn: taskDefinitionArn, secretInUse };
}
