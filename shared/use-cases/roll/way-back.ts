import { AutopilotError, asAutopilotError, type FailureCode } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { textAt } from "../../base/json-fields.ts";
import { findSidecar } from "../../data-plane/ztunnel/index.ts";
import { removedDefinition } from "../../enrollment/definition.ts";
import type { ObservedService } from "../../model/service.ts";
import type { ServiceState } from "../../model/service-state.ts";
import { registerable } from "../../model/task-definition.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { EcsCalls } from "../../ports/ports.ts";
import { cutOffBy } from "../observe/cut-off-secret.ts";
import type { RecordProgress } from "./apply-context.ts";
import { type RegainCalls, regain } from "./regain.ts";
import { type RegisterCalls, registerOnce } from "./register-once.ts";
import { secretOfRevision } from "./secrets-in-use.ts";
import type { ApplyPlan } from "./steps.ts";

export interface WayBackCalls extends RegainCalls {
  readonly ecs: RegisterCalls & Pick<EcsCalls, "updateService">;
  readonly ledger: Pick<Ledger, "getMesh"> & RegainCalls["ledger"];
}

/** The service as ECS describes it after its return, with the revision and the secret version that it has now. */
export interface Returned {
  readonly service: ObservedService;
  readonly revisionArn: string;
  readonly secretInUse: string | null;
}

/** A revision that ECS takes, and its content. */
interface Usable extends Pick<Returned, "revisionArn" | "secretInUse"> {
  readonly raw: JsonObject;
}

/**
 * Updates the service to the first revision that can be had and that ECS takes: the pinned one, the last good one, the
 * one that was observed, and at last the observed one without our sidecar. A revision that was deregistered is
 * registered again from its content. The next one follows where it was deleted, where ECS refuses it for the service of
 * today, where its deployment has failed, where its token has a root that nobody trusts any more, where its secret is
 * gone, and where its service account has another role by now. Each is recorded before it is tried. Throws
 * `no-way-back` with what was tried, or another error of its calls.
 */
export async function returnService(
  service: ObservedService,
  back: {
    readonly plan: ApplyPlan;
    readonly state: ServiceState;
    /** The revision to which the service was returned, where the deployment of that has failed. */
    readonly failedReturn: string | undefined;
    readonly propagateTags: "NONE" | "TASK_DEFINITION" | undefined;
    readonly record: RecordProgress;
  },
  calls: WayBackCalls,
): Promise<Returned> {
  const { ref } = service;
  const { plan, state, propagateTags, record } = back;
  const failed = failedChoices(state, back.failedReturn);
  const refused: string[] = [];
  const isCutOff = cutOffBy(ref, calls);
  for (const choice of choicesOf(plan, state).filter((one) => !failed.includes(one))) {
    try {
      const usable = await revisionOf(choice, plan, state, calls.ecs);
      // A copy of a revision that has failed fails like it.
      if (usable === undefined || failed.includes(usable.revisionArn)) continue;
      const { revisionArn, secretInUse } = usable;
      if (await isCutOff(secretInUse)) throw new AutopilotError("root-cut-off", "");
      if (usable.raw) await regain(service, { arn: choice, raw: usable.raw }, { held: state.held, record }, calls);
      const progress = { revertRevisionArn: revisionArn, revertChoice: choice, failedChoices: failed };
      await record({ ...progress, revertSecret: secretInUse });
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

const asksForAnother: readonly FailureCode[] = [
  "task-definition-not-found",
  "registration-refused",
  "update-refused",
  "root-cut-off",
  "secret-unavailable",
  "identity-conflict",
];

/** The last choice: an application that runs outside of the mesh is better than one that does not run. */
const WITHOUT_SIDECAR = "without the sidecar";

/** Never the revision that has just failed. */
function choicesOf(
  { change, pinnedRevisionArn, observedRevisionArn }: ApplyPlan,
  { lastGoodRevisionArn, roll }: ServiceState,
): readonly string[] {
  // A rollback has deployed its pinned revision, or a copy of it.
  const wanted = change === "rollback" ? [] : [pinnedRevisionArn];
  const others = [lastGoodRevisionArn, observedRevisionArn].filter(
    (arn) =>
      arn !== undefined && arn !== roll?.targetRevisionArn && (change !== "rollback" || arn !== pinnedRevisionArn),
  );
  const last = change === "unenroll" ? [] : [WITHOUT_SIDECAR];
  return [...new Set([...wanted, ...others, ...last])].filter((one) => one !== undefined);
}

/** The choices that have failed. The latest is recorded with the next one, so that a retry finds it, too. */
function failedChoices({ roll }: ServiceState, failedReturn: string | undefined): string[] {
  const before = roll?.failedChoices ?? [];
  if (failedReturn === undefined) return [...before];
  const latest = roll?.revertRevisionArn === failedReturn && roll.revertChoice !== undefined ? [roll.revertChoice] : [];
  return [...new Set([...before, failedReturn, ...latest])];
}

/** Undefined where there is nothing to choose. Throws `task-definition-not-found`. */
async function revisionOf(
  choice: string,
  plan: ApplyPlan,
  state: ServiceState,
  ecs: RegisterCalls,
): Promise<(Omit<Usable, "raw"> & { readonly raw?: JsonObject }) | undefined> {
  if (choice !== WITHOUT_SIDECAR) return usableRevision(choice, state, ecs);
  const described = await ecs.describeTaskDefinition(plan.observedRevisionArn, { fresh: true });
  if (findSidecar(described.raw).kind === "none") return undefined;
  const { taskDefinitionArn } = await registerOnce(removedDefinition(described), described, state, ecs);
  return { revisionArn: taskDefinitionArn, secretInUse: null };
}

/** The revision itself, or one that is registered now with its content. Throws `task-definition-not-found`. */
export async function usableRevision(revisionArn: string, state: ServiceState, ecs: RegisterCalls): Promise<Usable> {
  const described = await ecs.describeTaskDefinition(revisionArn, { fresh: true });
  const { raw, tags } = described;
  const secretInUse = secretOfRevision(raw);
  if (textAt(raw, "status") === "ACTIVE") return { revisionArn, secretInUse, raw };
  const { taskDefinitionArn } = await registerOnce(registerable(raw, tags), described, state, ecs);
  return { revisionArn: taskDefinitionArn, secretInUse, raw };
}
